"""Event times in order: which records lie in these intervals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from sortedcontainers import SortedDict

from agentcore.memory.temporal import Span, merge_intervals

__all__ = ["TemporalIndex"]

_DAY = 86_400_000_000
_BEFORE_DAYS, _AFTER_DAYS = 7, 31
"""How far from a named date a record may lie and still be about it: people talk of things days before and weeks after."""

Rows = npt.NDArray[np.intp]


class TemporalIndex:
    """Records of one user by day, then exactly.

    A sorted map from day to where its records begin among all in order of time: a range costs two bisections, and is a slice. (SwiftMem, arXiv
    2601.08160, Def. 3.4, keeps one sorted list a user; days make it small.)

    Parameters
    ----------
    event_time : ndarray, (N,), int64
        Microseconds since 1970.
    """

    def __init__(self, event_time: npt.NDArray[np.int64]) -> None:
        self._times = event_time
        self._order = np.argsort(event_time, kind="stable")
        days, first = np.unique(event_time[self._order] // _DAY, return_index=True)
        self._days: SortedDict[int, int] = SortedDict(zip(days.tolist(), first.tolist(), strict=True))

    def between(self, intervals: Iterable[tuple[int, int]]) -> Rows:
        """Return the records inside any of the intervals (both ends inclusive), by time.

        Parameters
        ----------
        intervals : iterable of (start, end)
            Microseconds; they may overlap.
        """
        found = [
            self._order[self._num_before(start) : self._num_before(end + 1)]
            for start, end in merge_intervals(intervals)
        ]
        return found[0] if len(found) == 1 else np.concatenate([self._order[:0], *found])

    def near(self, spans: Iterable[Span]) -> Rows:
        """Return the records that may be about these spans: inside them, a week before or a month after."""
        return self.between(map(_around, spans))

    def _num_before(self, time: int) -> int:
        """Return how many records are earlier."""
        day = time // _DAY
        place = self._days.bisect_left(day)
        first, after = (
            self._days.peekitem(each)[1] if each < len(self._days) else len(self._order)
            for each in (place, place + 1)
        )
        if day not in self._days:
            return first
        return first + int(np.searchsorted(self._times[self._order[first:after]], time))


def _around(span: Span) -> tuple[int, int]:
    """Return when what is about a span may have been said."""
    return (
        _micros(span.start.toordinal()) - _BEFORE_DAYS * _DAY,
        _micros(span.end.toordinal()) + _AFTER_DAYS * _DAY,
    )


def _micros(ordinal: int) -> int:
    """Return the midnight of a proleptic day number."""
    return (ordinal - 719_163) * _DAY  # 719163 = 1 January 1970
