"""Measure how long one forward takes as a function of its rows."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from agentcore.decoding.speculation._target import Target

__all__ = ["StepTimeCurve", "measure_step_times"]

_ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24)


@dataclass(frozen=True, slots=True)
class StepTimeCurve:
    """Seconds of one forward over a number of rows, linear between the measured points.

    Parameters
    ----------
    rows : tuple of int
        Measured row counts, rising.
    seconds : tuple of float
        Their times. A point above a later one is lowered to it: fewer rows never cost more, and other work, which spoils
        a measurement, only ever adds time.
    """

    rows: tuple[int, ...]
    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.rows or len(self.rows) != len(self.seconds):
            raise ValueError(f"{len(self.rows)} row counts need as many times, got {len(self.seconds)}")
        if list(self.rows) != sorted(set(self.rows)) or self.rows[0] < 1 or min(self.seconds) <= 0:
            raise ValueError(
                f"row counts must rise from 1 or more, with positive times: {self.rows}, {self.seconds}"
            )
        lowest = tuple(accumulate(reversed(self.seconds), min))
        object.__setattr__(self, "seconds", lowest[::-1])

    def __call__(self, rows: int) -> float:
        """Return the seconds of a forward over `rows` rows."""
        if rows <= self.rows[0] or len(self.rows) == 1:
            return self.seconds[0]
        right = min(bisect_left(self.rows, rows), len(self.rows) - 1)
        left = right - 1
        slope = (self.seconds[right] - self.seconds[left]) / (self.rows[right] - self.rows[left])
        return self.seconds[left] + slope * (rows - self.rows[left])

    def efficiency(self, rows: int) -> float:
        """Return t(1) / t(rows), the target efficiency of MoESD (https://arxiv.org/abs/2505.19645), in (0, 1]."""
        return self(1) / self(rows)


def measure_step_times(
    model: Target,
    *,
    rows: Sequence[int] = _ROWS,
    context: int = 256,
    repeats: int = 5,
    max_seconds: float = 2.0,
    clock: Callable[[], float] = time.perf_counter,
) -> StepTimeCurve:
    """Time the model's forwards behind a context.

    Parameters
    ----------
    model : Target
        The model.
    rows : sequence of int
        Row counts to time; those that the model's context cannot hold are left out.
    context : int
        Tokens in the cache, cut to what the model's context leaves room for.
    repeats : int
        Interleaved rounds over `rows`; the minimum of each counts, for other work only ever adds time.
    max_seconds : float
        No new round begins after this; at least one is always run.
    clock : callable
        Seconds.

    Returns
    -------
    StepTimeCurve
    """
    limit = model.spec.context_length
    counts = sorted({count for count in rows if count < limit} or {1})
    context = max(1, min(context, limit - counts[-1]))
    cache = model.new_cache(context + counts[-1])
    token = 1 % model.spec.vocabulary_size
    model.prefill([token] * context, cache)
    best = dict.fromkeys(counts, float("inf"))
    first_begun = clock()
    for round_number in range(repeats + 1):
        if round_number > 1 and clock() - first_begun > max_seconds:
            break
        for count in counts:
            begun = clock()
            model.forward([token] * count, cache, rows="all").argmax(-1).tolist()
            elapsed = clock() - begun
            cache.truncate(context)
            if round_number > 0:  # the first round warms caches up
                best[count] = min(best[count], max(elapsed, 1e-9))
    return StepTimeCurve(tuple(counts), tuple(best[count] for count in counts))
