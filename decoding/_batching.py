"""Continuous batching: single-token forwards that several threads ask for at the same time run as one.

Nobody schedules: whoever gets the turn takes along what the others are waiting for. Sequences join and leave at every
step, and generation code stays a plain loop over one sequence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from agentcore.decoding._cache import KVCache

__all__ = ["BatchTurn", "Request"]

# How long a turn is held open for sequences that took part in the last one, in steps of the last batch.
_PATIENCE = 0.2


@dataclass(eq=False, slots=True)
class Request:
    """One sequence's next token, and what came of it."""

    token_id: int
    cache: KVCache
    scores: Tensor | None = None
    error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was run, well or not."""
        return self.scores is not None or self.error is not None


class BatchTurn:
    """Gathers requests of several threads into batches.

    Parameters
    ----------
    run : callable
        Runs a batch and returns the scores of each of its requests, (B, V).
    turn : threading.Lock
        Held while the model runs; other work on the model takes it too.
    max_size : int
        Most requests in a batch.
    """

    def __init__(
        self, run: Callable[[Sequence[Request]], Tensor], turn: threading.Lock, *, max_size: int
    ) -> None:
        self._run = run
        self._turn = turn
        self._max_size = max_size
        self._waiting: list[Request] = []
        self._arrival = threading.Condition()
        self._expected = 1
        self._step_s = 0.0

    def submit(self, request: Request) -> Tensor:
        """Run a request, with others or alone, and return its scores, (1, V)."""
        with self._arrival:
            self._waiting.append(request)
            self._arrival.notify_all()
        try:
            while not request.is_done:
                with self._turn:
                    if not request.is_done:
                        self._run_batch(self._gather())
        finally:
            if not request.is_done:  # interrupted while waiting: nobody may run it later
                with self._arrival:
                    self._waiting = [other for other in self._waiting if other is not request]
        if request.error is not None:
            raise request.error
        assert request.scores is not None
        return request.scores

    def _gather(self) -> list[Request]:
        """Take the waiting requests, oldest first, after a moment for sequences that were there last time."""
        deadline = time.monotonic() + _PATIENCE * self._step_s
        with self._arrival:
            while len(self._waiting) < min(self._expected, self._max_size):
                left = deadline - time.monotonic()
                if left <= 0 or not self._arrival.wait(left):
                    break
            batch, self._waiting = self._waiting[: self._max_size], self._waiting[self._max_size :]
            # Those who wait beyond this batch are expected as well.
            self._expected = len(batch) + len(self._waiting)
            return batch

    def _run_batch(self, batch: Sequence[Request]) -> None:
        start = time.monotonic()
        try:
            scores = self._run(batch)
        except BaseException as exc:  # noqa: BLE001 - every waiting thread raises it
            for request in batch:
                request.error = exc
            return
        self._step_s = time.monotonic() - start
        for i, request in enumerate(batch):
            request.scores = scores[i : i + 1]
