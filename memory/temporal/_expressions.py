"""Time expressions in a query, resolved to spans.

Rules of our own, in English: a general date parser costs milliseconds a query and reads "may" and "sat" as dates. What is
understood: ISO and written dates, months, years, seasons and quarters, "last May", "two weeks ago", "the past 3 months",
"two weeks before 8 May 2023", "between ... and ...", "since ...", and several of these in one query. A date without a year means
that date in any of `years`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from agentcore.memory.temporal._span import Span

__all__ = ["parse_spans"]

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}  # first month, northern half
_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple of": 2, "three": 3, "few": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_M = "(?P<month>january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)\\.?"
_Y = r"(?P<year>(?:19|20)\d\d)"
_D = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_N = r"(?P<count>\d{1,3}|a couple of|couple of|a few|few|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_U = r"(?P<unit>hour|day|week|weekend|month|year)s?"

Resolve = Callable[[re.Match[str], datetime, Sequence[int]], list[Span]]


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
    if not _MAY_HOLD_TIME.search(text):
        return []
    found: list[tuple[int, int, list[Span]]] = []
    for pattern, resolve in _RULES:
        for match in pattern.finditer(text):
            if any(match.start() < end and start < match.end() for start, end, _ in found):
                continue  # an earlier, longer rule has read these words
            try:
                spans = resolve(match, now, years or (now.year,))
            except (ValueError, OverflowError):  # 31 February, year 10000
                continue
            if spans:
                found.append((match.start(), match.end(), spans))
    found.sort(key=lambda item: item[0])
    return _combine(text, found)


_MAY_HOLD_TIME = re.compile(
    r"\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|day|week|month|year|hour|ago|spring|summer|autumn|fall|winter|tonight|tomorrow"
)
_BETWEEN = re.compile(r"(?:between|from)\s+(?:the\s+)?$")
_JOINT = re.compile(r"\s*(?:and|to|until|till|through|-)\s+(?:the\s+)?")
_SHIFT = re.compile(rf"{_N}\s+{_U}\s+(?P<way>before|after|prior to|following)\s+(?:the\s+)?$")
_SIDE = re.compile(r"\b(since|after|before|until|till|by|from)\s+(?:the\s+)?$")


def _combine(text: str, found: Sequence[tuple[int, int, list[Span]]]) -> list[Span]:
    """Apply the words around dates: between A and B, two weeks before A, since A."""
    spans: list[Span] = []
    skip = False
    for place, (start, end, here) in enumerate(found):
        if skip:
            skip = False
            continue
        before = text[:start]
        following = found[place + 1] if place + 1 < len(found) else None
        if following and _BETWEEN.search(before) and _JOINT.fullmatch(text[end : following[0]]):
            later = [b for b in following[2] if b.end > here[0].start]
            if later:
                spans.append(
                    Span(here[0].start, later[0].end, "range", here[0].anchored and later[0].anchored)
                )
                skip = True
                continue
        shift = _SHIFT.search(before)
        side = _SIDE.search(before)
        if shift:
            sign = -1 if shift["way"] in ("before", "prior to") else 1
            spans.extend(_shifted(span, sign * _count(shift["count"]), shift["unit"]) for span in here)
        elif side and side[1] in ("since", "after", "from"):
            spans.extend((*here, *(Span(span.start, datetime.max, "open", span.anchored) for span in here)))
        elif side:
            strict = side[1] == "before"
            spans.extend(here)
            spans.extend(Span(datetime.min, s.start if strict else s.end, "open", s.anchored) for s in here)
        else:
            spans.extend(here)
    return spans


def _count(words: str) -> int:
    return (
        int(words)
        if words.isdigit()
        else _WORDS[words.removeprefix("a ") if words not in ("a", "an") else words]
    )


def _month_number(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, start=1) if month.startswith(name[:3]))


def _shifted(span: Span, count: int, unit: str) -> Span:
    """Return the span of one unit, `count` units away from another."""
    if unit in ("month", "year"):
        months = count * (12 if unit == "year" else 1)
        index = span.start.year * 12 + span.start.month - 1 + months
        if unit == "year" and span.kind == "year":
            return Span.year(index // 12, anchored=span.anchored)
        return Span.month(index // 12, index % 12 + 1, anchored=span.anchored)
    delta = (
        timedelta(hours=count)
        if unit == "hour"
        else timedelta(days=count * (7 if unit.startswith("week") else 1))
    )
    moved = Span.day(span.start + delta, anchored=span.anchored)
    if unit.startswith("week"):  # said of weeks, a few days either way
        return Span(moved.start - timedelta(days=3), moved.end + timedelta(days=3), "range", span.anchored)
    return moved


def _full_date(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    month, day = _month_number(match["month"]), int(match["day"])
    chosen = [int(match["year"])] if match["year"] else list(years)
    return [Span.day(datetime(year, month, day)) for year in chosen if _exists(year, month, day)]


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day)
    except ValueError:
        return False
    return True


def _iso(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    return [Span.day(datetime(int(match["year"]), int(match["m"]), int(match["d"])))]


def _slashed(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    """Month first, unless only day first is possible."""
    first, second, year = int(match["a"]), int(match["b"]), int(match["year"])
    month, day = (second, first) if first > 12 else (first, second)
    return [Span.day(datetime(year, month, day))]


def _month_of(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    chosen = [int(match["year"])] if match["year"] else list(years)
    return [Span.month(year, _month_number(match["month"])) for year in chosen]


def _relative_month(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    month = _month_number(match["month"])
    year = {
        "last": now.year if month < now.month else now.year - 1,
        "next": now.year if month > now.month else now.year + 1,
        "this": now.year,
    }[match["which"].replace("past", "last")]
    return [Span.month(year, month, anchored=False)]


def _year_of(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    return [Span.year(int(match["year"]))]


def _season(match: re.Match[str], now: datetime, years: Sequence[int]) -> list[Span]:
    first = _SEASONS[match["season"]]
    which = match["which"]
    if match["year"]:
        chosen, anchored = [int(match["year"])], True
    elif which:
        shift = {
            "last": -1 if first + 3 > now.month else 0,
            "past": -1,
            "this": 0,
            "next": 1 if first <= now.month else 0,
        }[which]
        chosen, anchored = [now.year + shift], False
    else:
        chosen, anchored = list(years), True
    return [Span(*_quarter(year - (first == 12), first), "range", anchored) for year in chosen]


def _quarter(year: int, first: int) -> tuple[datetime, datetime]:
    """Three months from month `first`."""
    after = year * 12 + first - 1 + 3
    return datetime(year, first, 1), datetime(after // 12, after % 12 + 1, 1)


def _numbered_quarter(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    chosen = [int(match["year"])] if match["year"] else list(years)
    return [Span(*_quarter(year, int(match["quarter"]) * 3 - 2), "range") for year in chosen]


def _ago(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    return [_shifted(Span.day(now, anchored=False), -_count(match["count"]), match["unit"])]


def _past_units(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    days = {"hour": 1 / 24, "day": 1, "week": 7, "weekend": 7, "month": 30.5, "year": 365.25}[match["unit"]]
    return [
        Span(
            now - timedelta(days=days * _count(match["count"])),
            now + timedelta(seconds=1),
            "range",
            anchored=False,
        )
    ]


def _which_unit(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve this, last or next day, week, weekend, month or year: calendar units, weeks from Monday."""
    step = {"this": 0, "last": -1, "past": -1, "previous": -1, "next": 1}[match["which"]]
    today = Span.day(now, anchored=False)
    unit = match["unit"]
    if unit == "hour":
        return [
            Span(
                now + timedelta(hours=step),
                now + timedelta(hours=step + 1, seconds=1),
                "range",
                anchored=False,
            )
        ]
    if unit in ("month", "year"):
        index = now.year * 12 + now.month - 1 + step
        return [
            Span.year(now.year + step, anchored=False)
            if unit == "year"
            else Span.month(index // 12, index % 12 + 1, anchored=False)
        ]
    if unit == "day":
        return [Span.day(now + timedelta(days=step), anchored=False)]
    monday = today.start - timedelta(days=now.weekday()) + timedelta(weeks=step)
    first = monday + timedelta(days=5) if unit == "weekend" else monday
    return [Span(first, monday + timedelta(days=7), "range", anchored=False)]


def _weekday(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    distance = (now.weekday() - _DAYS.index(match["weekday"])) % 7
    days = {"last": -(distance or 7), "past": -(distance or 7), "this": -distance, "next": (7 - distance)}[
        match["which"]
    ]
    return [Span.day(now + timedelta(days=days), anchored=False)]


def _named_day(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    days = {
        "today": 0,
        "tonight": 0,
        "this morning": 0,
        "yesterday": -1,
        "last night": -1,
        "tomorrow": 1,
        "the day before yesterday": -2,
    }
    return [Span.day(now + timedelta(days=days[match[0]]), anchored=False)]


# Longer readings first: a rule may not touch words that an earlier one has read.
_RULES: tuple[tuple[re.Pattern[str], Resolve], ...] = tuple(
    (re.compile(pattern), resolve)
    for pattern, resolve in (
        (rf"\b{_Y}-(?P<m>\d\d?)-(?P<d>\d\d?)\b", _iso),
        (rf"\b(?P<a>\d\d?)/(?P<b>\d\d?)/{_Y}\b", _slashed),
        (rf"\b{_D}(?:\s+of)?\s+{_M}(?:,?\s+(?:of\s+)?{_Y})?\b", _full_date),
        (rf"\b{_M}\s+{_D}\b(?:,?\s+(?:of\s+)?{_Y})?\b", _full_date),
        (
            r"\b(?:the day before yesterday|this morning|last night|today|tonight|yesterday|tomorrow)\b",
            _named_day,
        ),
        (rf"\b{_N}\s+{_U}\s+(?:ago|back|earlier)\b", _ago),
        (rf"\b(?:last|past|previous)\s+{_N}\s+{_U}\b", _past_units),
        (rf"\b(?P<which>last|this|next|past)\s+{_M}(?![a-z])", _relative_month),
        (rf"\b(?P<which>last|this|next|past)\s+(?P<weekday>{'|'.join(_DAYS)})\b", _weekday),
        (
            rf"\b(?:(?P<which>last|this|next|past)\s+)?(?P<season>winter|spring|summer|autumn|fall)(?:\s+(?:of\s+)?{_Y})\b",
            _season,
        ),
        (
            r"\b(?P<which>last|this|next|past)\s+(?P<season>winter|spring|summer|autumn|fall)\b(?P<year>)",
            _season,
        ),
        (rf"\bq(?P<quarter>[1-4])(?:\s+(?:of\s+)?{_Y})?\b", _numbered_quarter),
        (
            r"\b(?P<which>this|last|past|previous|next)\s+(?P<unit>hour|day|weekend|week|month|year)\b",
            _which_unit,
        ),
        (rf"\b{_M},?\s+(?:of\s+)?{_Y}\b", _month_of),
        # "may" alone is a verb unless a preposition makes it a month; short forms need a year
        (
            r"\b(?P<month>january|february|march|april|june|july|august|september|october|november|december)\b(?P<year>)",
            _month_of,
        ),
        (
            r"\b(?:in|of|since|during|by|until|before|after|late|early|mid|from|and)[ -](?P<month>may)\b(?P<year>)",
            _month_of,
        ),
        (rf"(?<![\d.,$£€]){_Y}\b(?![.,]?\d|\s*(?:dollars|euros|people|km|miles))", _year_of),
    )
)
