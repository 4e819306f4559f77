"""How well the date of a record fits the dates a query names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from agentcore.memory.temporal import Span

__all__ = ["date_fit"]

_DAY = 86_400_000_000
_EPOCH_ORDINAL = datetime(1970, 1, 1).toordinal()

# People talk about a day on the day and in the weeks after; fitted in the study together with the date weight.
_DAY_FIT = ((0, 0, 1.0), (1, 7, 0.8), (8, 14, 0.5), (-7, -1, 0.4), (15, 31, 0.2))
_MONTH_FIT = ((0, 1.0), (1, 0.6), (-1, 0.25))
_YEAR_FIT = 0.3


def date_fit(spans: Sequence[Span], event_time: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the fit of each record to the best of the spans, (N,) float32 in [0, 1].

    Parameters
    ----------
    spans : sequence of Span
    event_time : ndarray, (N,), int64
        Microseconds since 1970.
    """
    edges, fits = _steps(tuple(spans))
    return fits.take(edges.searchsorted(event_time, side="right"))


@lru_cache(maxsize=64)
def _steps(spans: tuple[Span, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the fit as steps: the times at which it changes, (E,), and what it is before, between and after them, (E + 1,)."""
    windows = [window for span in spans for window in _windows(span)]
    edges = sorted({edge for first, last, _ in windows for edge in (first, last + 1)})
    fits = [
        max((fit for first, last, fit in windows if first <= edge <= last), default=0.0) for edge in edges
    ]
    return np.array(edges, dtype=np.int64) * _DAY, np.array([0.0, *fits], dtype=np.float32)


def _windows(span: Span) -> Iterator[tuple[int, int, float]]:
    """Yield stretches of days since 1970, both ends inclusive, and how well they fit."""
    first = span.start.toordinal() - _EPOCH_ORDINAL
    last = span.end.toordinal() - _EPOCH_ORDINAL - (span.kind not in ("open", "range") or span.end.hour == 0)
    if span.kind == "month":
        month = 12 * span.start.year + span.start.month - 1
        for distance, fit in _MONTH_FIT:
            yield _first_day(month + distance), _first_day(month + distance + 1) - 1, fit
    elif span.kind in ("year", "open"):
        yield first, last, _YEAR_FIT
    else:
        for low, high, fit in _DAY_FIT:
            yield (first if low <= 0 else last) + low, (first if high < 0 else last) + high, fit


def _first_day(month: int) -> int:
    """Return the first day, since 1970, of a month given as months since the year 0."""
    days: np.int64 = np.datetime64(month - 12 * 1970, "M").astype("datetime64[D]").astype(np.int64)
    return int(days)
