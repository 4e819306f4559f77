"""The words of the calendar and what they span: months, weekdays, seasons, holidays, numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentcore.memory.temporal._span import Span

__all__ = [
    "MONTHS",
    "SEASONS",
    "WEEKDAYS",
    "count_of",
    "holiday",
    "month_number",
    "month_of_index",
    "moved",
    "quarter",
    "seasons",
    "weekend_around",
]

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
"""First month, northern half."""

_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple of": 2, "three": 3, "few": 3, "several": 4, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_FIXED_DAYS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26), "new year's eve": (12, 31),
    "new year's day": (1, 1), "valentine's day": (2, 14), "halloween": (10, 31),
}  # fmt: skip


def count_of(words: str) -> int:
    """Return the number that is said: digits, a word, or a vague one such as "a few" (3)."""
    if words.isdigit():
        return int(words)
    return _NUMBERS[words if words in ("a", "an") else words.removeprefix("a ")]


def month_number(name: str) -> int:
    """Return 1 to 12 for a month's name or its beginning."""
    return next(i for i, month in enumerate(MONTHS, start=1) if month.startswith(name[:3]))


def month_of_index(index: int, *, anchored: bool) -> Span:
    """Return month number `year * 12 + month - 1`."""
    return Span.month(index // 12, index % 12 + 1, anchored=anchored)


def quarter(year: int, first: int, *, anchored: bool = True) -> Span:
    """Return three months from month `first`."""
    after = year * 12 + first - 1 + 3
    return Span(datetime(year, first, 1), datetime(after // 12, after % 12 + 1, 1), "range", anchored)


def seasons(name: str, year: int, *, anchored: bool = True) -> list[Span]:
    """Return the season of a year; of a winter both that the year touches."""
    if name != "winter":
        return [quarter(year, SEASONS[name], anchored=anchored)]
    return [quarter(year - 1, 12, anchored=anchored), quarter(year, 12, anchored=anchored)]


def holiday(name: str, year: int, *, anchored: bool = True) -> Span:
    """Return a holiday of a year."""
    if name == "thanksgiving":  # the fourth Thursday of November, as in the United States
        first = datetime(year, 11, 1)
        return Span.day(first + timedelta(days=(3 - first.weekday()) % 7 + 21), anchored=anchored)
    return Span.day(datetime(year, *_FIXED_DAYS[name]), anchored=anchored)


def weekend_around(day: datetime, *, anchored: bool) -> Span:
    """Return Saturday and Sunday of the week that holds a day."""
    saturday = day - timedelta(days=day.weekday() - 5)
    return Span(saturday, saturday + timedelta(days=2), "range", anchored)


def moved(span: Span, count: int, unit: str) -> Span:
    """Return the time `count` units away from another, as wide as such words are meant.

    Days are days; weeks leave a few days either way, years half a year; a month is a calendar month.
    """
    if unit == "month":
        return month_of_index(span.start.year * 12 + span.start.month - 1 + count, anchored=span.anchored)
    if unit == "year":
        if span.kind == "year":
            return Span.year(span.start.year + count, anchored=span.anchored)
        day = span.start.replace(year=span.start.year + count, day=min(span.start.day, 28))
        return Span(day - timedelta(days=182), day + timedelta(days=183), "range", span.anchored)
    there = Span.day(span.start + timedelta(days=count * (7 if unit in ("week", "weekend") else 1)))
    slack = timedelta(days=3 if unit in ("week", "weekend") else 0)
    if not slack:
        return Span(there.start, there.end, "day", span.anchored)
    return Span(there.start - slack, there.end + slack, "range", span.anchored)
