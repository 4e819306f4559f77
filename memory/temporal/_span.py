"""A stretch of time that a query speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = ["Span", "SpanKind", "merge_intervals"]

SpanKind = Literal["day", "month", "year", "range", "open"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open interval `[start, end)` of naive UTC time.

    Attributes
    ----------
    kind : "day", "month", "year", "range" or "open"
        How precise the words were; `open` for one-sided ones such as "since May".
    anchored : bool
        Whether the words name the date themselves; False where it was worked out from the present ("last week").
    """

    start: datetime
    end: datetime
    kind: SpanKind = "range"
    anchored: bool = True

    @classmethod
    def day(cls, start: datetime, *, anchored: bool = True) -> Span:
        """Return the day that holds `start`."""
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(midnight, midnight + timedelta(days=1), "day", anchored)

    @classmethod
    def month(cls, year: int, month: int, *, anchored: bool = True) -> Span:
        """Return a calendar month."""
        following = datetime(year + month // 12, month % 12 + 1, 1)
        return cls(datetime(year, month, 1), following, "month", anchored)

    @classmethod
    def year(cls, year: int, *, anchored: bool = True) -> Span:
        """Return a calendar year."""
        return cls(datetime(year, 1, 1), datetime(year + 1, 1, 1), "year", anchored)


def merge_intervals(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join intervals that overlap or touch; sorted, and the same again when merged again.

    Parameters
    ----------
    intervals : iterable of (start, end)
        Both inclusive; those with start after end are dropped.
    """
    merged: list[tuple[int, int]] = []
    for start, end in sorted(interval for interval in intervals if interval[0] <= interval[1]):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
