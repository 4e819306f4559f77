"""Time expressions in a query, resolved to spans.

Rules of our own, in English: a general date parser costs milliseconds a query and reads "may" and "sat" as dates. What is
understood: ISO, written and numeric dates, months, years, decades, seasons, quarters and holidays; "last May", "two weeks ago", "the past
3 months"; "two weeks before 8 May 2023", "the Friday after ...", "the week of ..."; "early May", "the end of 2022"; "between ... and ...",
"since ..."; and several of these in one query. A date without a year takes it from its neighbour ("in May and June 2023"), else it
means that date in any of `years`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from agentcore.memory.temporal._calendar import WEEKDAYS, count_of, moved, weekend_around
from agentcore.memory.temporal._rules import COUNT, RULES, TRIGGERS, UNIT, WEEKDAY, Resolve
from agentcore.memory.temporal._span import Span, SpanKind

__all__ = ["may_name_time", "parse_spans"]


@dataclass(frozen=True, slots=True)
class _Date:
    """One date as it stands in the text, from `start` to `end`."""

    start: int
    end: int
    match: re.Match[str]
    resolve: Resolve
    spans: list[Span]

    @property
    def lacks_year(self) -> bool:
        return "year" in self.match.re.groupindex and not self.match["year"] and self.spans[0].anchored

    @property
    def is_year(self) -> bool:
        return len(self.spans) == 1 and self.spans[0].kind == "year"

    @property
    def is_range(self) -> bool:
        """Whether the words name both ends: "from 3 to 10 May"."""
        return not self.match.re.groupindex.keys().isdisjoint(("last", "later"))

    def in_years(self, now: datetime, *years: int) -> _Date:
        """Return the same words, read as of other years."""
        return replace(self, spans=self.resolve(self.match, now, years) or self.spans)


def may_name_time(words: Iterable[str]) -> bool:
    """Return whether any of a query's words, in lower case, may belong to a time expression: most queries hold none, and need no parser."""
    return any(map(_may_belong, words))


@lru_cache(maxsize=50_000)
def _may_belong(word: str) -> bool:
    return any(trigger in word for trigger, _ in TRIGGERS)


def parse_spans(query: str, *, now: datetime, years: Sequence[int] = ()) -> list[Span]:
    """Return the spans a query names, in the order of the words.

    Parameters
    ----------
    query : str
    now : datetime
        Naive UTC; what "last week" is relative to.
    years : sequence of int
        Years that a date without one may mean; the year of `now` when empty.
    """
    text = query.lower()
    groups = {number for trigger, number in TRIGGERS if trigger in text}
    if not groups:
        return []
    rules = [rule for number in sorted(groups) for rule in RULES[number]]
    found: list[_Date] = []
    for pattern, resolve in rules:
        for match in pattern.finditer(text):
            if any(match.start() < date.end and date.start < match.end() for date in found):
                continue  # an earlier, longer rule has read these words
            try:
                spans = resolve(match, now, years or (now.year,))
            except (ValueError, OverflowError):  # 31 February, year 10000
                continue
            if spans:
                # What makes a word a month ("early May") may also say which part of it.
                start = match.end("lead") if "lead" in pattern.groupindex else match.start()
                found.append(_Date(start, match.end(), match, resolve, spans))
    found.sort(key=lambda date: date.start)
    try:
        return _combined(text, _with_years(text, found, now))
    except OverflowError:  # a shift beyond the years 1 to 9999
        return []


_OF_YEAR = re.compile(r"(?:['’]s)?,?\s*(?:in|of|during)?\s*(?:the\s+)?")
_JOINT = re.compile(r",?\s*(?:and|or|to|until|till|through|-|–)\s*(?:(?:in|on)\s+)?(?:the\s+)?")
_TO = re.compile(r"\s*(?:to|until|till|through|-|–)\s*(?:the\s+)?")
_AND = re.compile(r"\s*(?:and|to|until|till|through|-|–)\s*(?:the\s+)?")
_BETWEEN = re.compile(r"\b(?:between|from)\s+(?:the\s+)?$")


def _with_years(text: str, found: Sequence[_Date], now: datetime) -> list[_Date]:
    """Give dates without a year that of the date beside them."""
    dates: list[_Date] = []
    for date in found:
        before = dates[-1] if dates else None
        if before is not None:
            gap = text[before.end : date.start]
            if _OF_YEAR.fullmatch(gap):
                if before.lacks_year and date.is_year:  # in January last year
                    dates[-1] = replace(before.in_years(now, date.spans[0].start.year), end=date.end)
                    continue
                if date.lacks_year and before.is_year:  # last year in October
                    dates[-1] = replace(date.in_years(now, before.spans[0].start.year), start=before.start)
                    continue
            if _JOINT.fullmatch(gap) and len(before.spans) + len(date.spans) > 2:
                if before.lacks_year and not date.lacks_year:
                    year = date.spans[0].start.year
                    nearest = before.in_years(now, year)
                    if nearest.spans[0].start > date.spans[-1].start and _TO.fullmatch(gap):
                        nearest = before.in_years(now, year - 1)
                    dates[-1] = nearest
                elif date.lacks_year and not before.lacks_year:
                    year, since = before.spans[-1].start.year, before.spans[-1].start
                    date = date.in_years(now, year)
                    if date.spans[0].start < since:
                        date = date.in_years(now, year + 1)
        dates.append(date)
    return dates


_PART = re.compile(
    rf"\b(?:(?P<part>early|mid|middle of|late|beginning of|start of|end of)|(?P<half>first|second) half of"
    rf"|(?P<nth>first|second|third|fourth|last) (?P<piece>week|quarter|day|weekend|{'|'.join(WEEKDAYS)}) (?:of|in))[\s-]+(?:the\s+)?$"
)
_AROUND = re.compile(
    r"\b(?:(?P<unit>week|weekend|month|night|morning|evening|afternoon) (?:of|starting|beginning)|around|about)\s+(?:the\s+)?$"
)
_SHIFT = re.compile(
    rf"\b(?:(?:{COUNT}|the)\s+{UNIT}|(?:the\s+)?{WEEKDAY})\s+(?P<way>before|after|prior to|following)\s+(?:the\s+)?$"
)
_SIDE = re.compile(r"\b(since|after|before|until|till|by|from|prior to|up to)\s+(?:the\s+)?$")
_OWN_SIDE = re.compile(r"(since|after|before|until|till|by|from)\s")
"""Some rules begin with the preposition that makes a word a date."""


def _combined(text: str, dates: Sequence[_Date]) -> list[Span]:
    """Apply the words around dates: between A and B, two weeks before A, the end of A, since A."""
    spans: list[Span] = []
    place = 0
    while place < len(dates):
        date = dates[place]
        following = dates[place + 1] if place + 1 < len(dates) else None
        before = text[: date.start]
        gap = text[date.end : following.start] if following else ""
        place += 1
        if following and (_TO.fullmatch(gap) or (_BETWEEN.search(before) and _AND.fullmatch(gap))):
            ranges = _ranges(date.spans, following.spans)
            if ranges:
                spans += ranges
                place += 1
                continue
        here = date.spans
        while modifier := (_PART.search(before) or _AROUND.search(before)):
            here = [_part(span, modifier) for span in here]
            before = before[: modifier.start()].removesuffix("the ")
        if shift := _SHIFT.search(before):
            spans += [_shifted(span, shift) for span in here]
            continue
        side = None if date.is_range else _SIDE.search(before) or _OWN_SIDE.match(date.match[0])
        spans += here
        if side and side[1] in ("since", "after", "from"):
            spans += [Span(s.start, datetime.max, "open", s.anchored) for s in here]
        elif side:
            strict = side[1] in ("before", "prior to")
            spans += [Span(datetime.min, s.start if strict else s.end, "open", s.anchored) for s in here]
    return spans


def _ranges(first: Sequence[Span], last: Sequence[Span]) -> list[Span]:
    """Return the stretches from each of the first to the nearest of the last."""
    found = []
    for span in first:
        later = [other for other in last if other.start >= span.start]
        if later:
            found.append(Span(span.start, later[0].end, "range", span.anchored and later[0].anchored))
    return found


def _part(span: Span, words: re.Match[str]) -> Span:
    """Return the part of a span that the words before it name, or its surroundings."""
    groups = words.groupdict()
    if "part" not in groups:
        return _surroundings(span, groups.get("unit"))
    if groups["piece"] in WEEKDAYS:
        return _nth_weekday(span, groups["nth"], groups["piece"])
    if span.kind == "year" and groups["piece"] not in ("day", "week", "weekend"):
        return _months_of_year(span, groups)
    start, length = span.start, span.end - span.start
    if groups["piece"]:
        piece = {"day": timedelta(days=1), "week": timedelta(days=7), "weekend": timedelta(days=2)}.get(
            groups["piece"], length / 4
        )
        if groups["nth"] == "last":
            if groups["piece"] == "weekend":
                return weekend_around(_before(span.end, "saturday"), anchored=span.anchored)
            return _days_of(span.end - piece, span.end, span)
        if groups["piece"] == "weekend":
            start += timedelta(days=(5 - start.weekday()) % 7)
        start += _NTH[groups["nth"]] * (timedelta(days=7) if groups["piece"] == "weekend" else piece)
        return _days_of(start, start + piece, span)
    if groups["half"]:
        middle = start + length / 2
        return (
            _days_of(start, middle, span) if groups["half"] == "first" else _days_of(middle, span.end, span)
        )
    number, third = _THIRDS.get(groups["part"], 2), length / 3
    return _days_of(start + number * third, start + (number + 1) * third, span)


_THIRDS = {"early": 0, "beginning of": 0, "start of": 0, "mid": 1, "middle of": 1}
_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3}


def _nth_weekday(span: Span, nth: str, weekday: str) -> Span:
    """Return "the first Monday" of a span, all of it where it has no such day."""
    day = (
        _before(span.end, weekday)
        if nth == "last"
        else _from(span.start, weekday) + timedelta(days=7 * _NTH[nth])
    )
    return Span.day(day, anchored=span.anchored) if span.start <= day < span.end else span


def _months_of_year(span: Span, groups: dict[str, str | None]) -> Span:
    """Return a half, a quarter or a third of a year: whole months."""
    if groups["half"]:
        first, count = 6 * _NTH[groups["half"]], 6
    elif groups["nth"]:
        first, count = 3 * _NTH.get(groups["nth"], 3), 3
    else:
        first, count = 4 * _THIRDS.get(groups["part"] or "", 2), 4
    after = span.start.year * 12 + first + count
    return Span(
        datetime(span.start.year, first + 1, 1),
        datetime(after // 12, after % 12 + 1, 1),
        "range",
        span.anchored,
    )


def _surroundings(span: Span, unit: str | None) -> Span:
    """Return the week, weekend or month of a day, or the days around it."""
    day = span.start
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return Span(monday, monday + timedelta(days=7), "range", span.anchored)
    if unit == "weekend":
        return weekend_around(day, anchored=span.anchored)
    if unit == "month":
        return Span.month(day.year, day.month, anchored=span.anchored)
    if unit is not None or span.kind != "day":  # the night of a day is that day
        return span
    return Span(day - timedelta(days=3), span.end + timedelta(days=3), "range", span.anchored)


def _days_of(start: datetime, end: datetime, span: Span) -> Span:
    """Return whole days, at least one: "early Christmas" is Christmas."""
    half = timedelta(hours=12)
    first, after = Span.day(start + half).start, Span.day(end + half).start
    return Span(first, after, "range", span.anchored) if first < after else span


def _shifted(span: Span, shift: re.Match[str]) -> Span:
    """Return what lies before or after a span: so many units, the week or the Friday next to it."""
    sign = -1 if shift["way"] in ("before", "prior to") else 1
    if shift["weekday"]:
        name = shift["weekday"]
        day = _before(span.start, name) if sign < 0 else _from(span.end, name)
        return Span.day(day, anchored=span.anchored)
    if shift["count"] and shift["count"] not in ("a", "an"):
        return moved(span, sign * count_of(shift["count"]), shift["unit"])
    if shift["unit"] == "weekend":
        day = _before(span.start, "sunday") if sign < 0 else _from(span.end, "saturday")
        return weekend_around(day, anchored=span.anchored)
    if shift["unit"] in ("week", "day", "hour"):
        width = timedelta(days=7 if shift["unit"] == "week" else 1)
        start = span.start - width if sign < 0 else span.end
        kind: SpanKind = "range" if shift["unit"] == "week" else "day"
        return Span(start, start + width, kind, span.anchored)
    return moved(span, sign, shift["unit"])


def _before(moment: datetime, weekday: str) -> datetime:
    """Return the last such weekday before a moment."""
    day = moment - timedelta(days=1)
    return day - timedelta(days=(day.weekday() - WEEKDAYS.index(weekday)) % 7)


def _from(moment: datetime, weekday: str) -> datetime:
    """Return the first such weekday at or after a moment."""
    return moment + timedelta(days=(WEEKDAYS.index(weekday) - moment.weekday()) % 7)
