"""Event times in order: which records lie in these intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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

    A sorted map from day to records: a range costs two bisections and the days inside. (SwiftMem, arXiv 2601.08160, Def. 3.4,
    keeps one sorted list a user; days make it small and let whole days be taken without looking at their records.)

    Parameters
    ----------
    event_time : ndarray, (N,), int64
        Microseconds since 1970.
    """

    def __init__(self, event_time: npt.NDArray[np.int64]) -> None:
        self._times = event_time
        order = np.argsort(event_time, kind="stable")
        days, first = np.unique(event_time[order] // _DAY, return_index=True)
        self._days: SortedDict[int, Rows] = SortedDict(
            zip(days.tolist(), np.split(order, first[1:]), strict=True) if len(days) else ()
        )

    def between(self, intervals: Iterable[tuple[int, int]]) -> Rows:
        """Return the records inside any of the intervals (both ends inclusive), ascending.

        Parameters
        ----------
        intervals : iterable of (start, end)
            Microseconds; they may overlap.
        """
        found = list(self._found(intervals))
        return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.intp)

    def near(self, spans: Iterable[Span]) -> Rows:
        """Return the records that may be about these spans: inside them, a week before or a month after."""
        return self.between(map(_around, spans))

    def count_near(self, spans: Iterable[Span]) -> int:
        """Return how many these are, without putting them in order: of a million, that takes ten milliseconds."""
        return sum(map(len, self._found(map(_around, spans))))

    def _found(self, intervals: Iterable[tuple[int, int]]) -> Iterator[Rows]:
        """Yield the records inside the intervals, day by day."""
        for start, end in merge_intervals(intervals):
            for day in self._days.irange(start // _DAY, end // _DAY):
                rows = self._days[day]
                if day * _DAY < start or (day + 1) * _DAY - 1 > end:
                    times = self._times[rows]
                    rows = rows[(times >= start) & (times <= end)]
                yield rows


def _around(span: Span) -> tuple[int, int]:
    """Return when what is about a span may have been said."""
    return (
        _micros(span.start.toordinal()) - _BEFORE_DAYS * _DAY,
        _micros(span.end.toordinal()) + _AFTER_DAYS * _DAY,
    )


def _micros(ordinal: int) -> int:
    """Return the midnight of a proleptic day number."""
    return (ordinal - 719_163) * _DAY  # 719163 = 1 January 1970
