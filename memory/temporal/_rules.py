"""What the words of a date look like, and the spans they name on their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from agentcore.memory.temporal._calendar import (
    MONTHS,
    SEASONS,
    WEEKDAYS,
    count_of,
    holiday,
    month_number,
    month_of_index,
    moved,
    quarter,
    seasons,
    weekend_around,
)
from agentcore.memory.temporal._span import Span

__all__ = ["COUNT", "RULES", "TRIGGERS", "UNIT", "WEEKDAY", "Resolve"]

Resolve = Callable[[re.Match[str], datetime, Sequence[int]], list[Span]]
"""From a match, the present, and the years that a date without one may mean."""

_M = rf"(?P<month>{'|'.join(MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)\.?"
_LATER = _M.replace("<month>", "<later>")
_ANY_MONTH = _M.replace("?P<month>", "?:")
_Y = r"(?P<year>(?:19|20)\d\d|'\d\d)"
_OF_Y = rf"(?:,?\s+(?:of\s+)?{_Y}\b)?"
_D = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_TO_D = r"\s*(?:-|–|to|and|until|till|through)\s*(?:the\s+)?(?P<last>[0-3]?\d)(?:st|nd|rd|th)?"
COUNT = r"(?P<count>\d{1,3}|a couple of|couple of|a few|few|several|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
UNIT = r"(?P<unit>hour|day|weekend|week|month|year)s?"
WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
_SEASON = rf"(?P<season>{'|'.join(SEASONS)})"
_WHICH = r"(?P<which>last|past|previous|this|next)"


def _year_number(text: str) -> int:
    return 2000 + int(text[1:]) if text.startswith("'") else int(text)


def _chosen(match: re.Match[str], years: Sequence[int]) -> list[int]:
    return [_year_number(match["year"])] if match["year"] else list(years)


def _day_or_none(year: int, month: int, day: int) -> Span | None:
    try:
        return Span.day(datetime(year, month, day))
    except ValueError:  # 31 February, or 29 in another year
        return None


def _full_date(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    month, day = month_number(match["month"]), int(match["day"])
    days = [_day_or_none(year, month, day) for year in _chosen(match, years)]
    return [span for span in days if span is not None]


def _days(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    """Resolve "3 to 10 May"."""
    month, first, last = month_number(match["month"]), int(match["day"]), int(match["last"])
    if first > last:
        return []
    return [
        Span(datetime(year, month, first), datetime(year, month, last) + timedelta(days=1))
        for year in _chosen(match, years)
    ]


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _ordinal_date(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    day = _ORDINALS.index(match["ordinal"]) + 1
    return [Span.day(datetime(year, month_number(match["month"]), day)) for year in _chosen(match, years)]


def _iso(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    return [Span.day(datetime(int(match["year"]), int(match["m"]), int(match["d"])))]


def _iso_month(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    return [Span.month(int(match["year"]), int(match["m"]))]


def _numbers(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    """Month first, unless dots are between or only day first is possible."""
    first, second, year = int(match["a"]), int(match["b"]), match["year"]
    month, day = (second, first) if first > 12 or match["sign"] == "." else (first, second)
    return [Span.day(datetime(int(year) if len(year) == 4 else 2000 + int(year), month, day))]


def _month_of(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    return [Span.month(year, month_number(match["month"])) for year in _chosen(match, years)]


def _two_months(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    """Resolve "March to May 2023" and, where it is no stretch, "March and May 2023"."""
    spans: list[Span] = []
    for year in _chosen(match, years):
        later = Span.month(year, month_number(match["later"]))
        first = Span.month(year, month_number(match["month"]))
        if match["between"] or match["word"] not in ("and", "or"):
            if first.start > later.start:  # November to February
                first = Span.month(year - 1, first.start.month)
            spans.append(Span(first.start, later.end))
        else:
            spans += [first, later]
    return spans


def _relative_month(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    month = month_number(match["month"])
    past = now.year if month < now.month else now.year - 1
    year = {"this": now.year, "next": now.year if month > now.month else now.year + 1}.get(
        match["which"], past
    )
    return [Span.month(year, month, anchored=False)]


def _year_of(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    return [Span.year(int(match["year"]))]


def _years(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    first, last = int(match["first"]), int(match["last"])
    return [Span(datetime(first, 1, 1), datetime(last + 1, 1, 1))] if first <= last else []


def _decade(match: re.Match[str], _: datetime, __: Sequence[int]) -> list[Span]:
    first = int(match["decade"])
    return [Span(datetime(first, 1, 1), datetime(first + 10, 1, 1))]


def _season(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    return [span for year in _chosen(match, years) for span in seasons(match["season"], year)]


def _relative_season(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    first = SEASONS[match["season"]]
    near = [quarter(year, first, anchored=False) for year in range(now.year - 2, now.year + 2)]
    if match["which"] == "this":
        return [next(span for span in near if span.end > now)]
    if match["which"] == "next":
        return [next(span for span in near if span.start > now)]
    return [next(span for span in reversed(near) if span.end <= now)]


def _seasons_ago(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    first, count = SEASONS[match["season"]], 2 if match["before"] else count_of(match["count"])
    past = [quarter(year, first, anchored=False) for year in range(now.year, 1, -1)]
    return [[span for span in past if span.end <= now][count - 1]]


def _numbered_quarter(match: re.Match[str], _: datetime, years: Sequence[int]) -> list[Span]:
    return [quarter(year, int(match["quarter"]) * 3 - 2) for year in _chosen(match, years)]


def _holiday(match: re.Match[str], now: datetime, years: Sequence[int]) -> list[Span]:
    name = match["holiday"].replace("’", "'").replace("s' ", "'s ").replace("new years ", "new year's ")
    if match["which"]:
        near = [holiday(name, now.year + step, anchored=False) for step in (-1, 0, 1)]
        if match["which"] in ("next", "this"):
            return [next(span for span in near if span.end > now)]
        return [next(span for span in reversed(near) if span.end <= now)]
    return [holiday(name, year) for year in _chosen(match, years)]


def _ago(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    count = -count_of(match["count"])
    if match["unit"] == "hour":
        return [Span.day(now + timedelta(hours=count), anchored=False)]
    return [moved(Span.day(now, anchored=False), count, match["unit"])]


def _other_units_ago(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    count = count_of(match["count"])
    if match["unit"] == "minute":
        return [Span.day(now - timedelta(minutes=count), anchored=False)]
    today = Span.day(now, anchored=False)
    return [
        moved(today, -2 * count, "week")
        if match["unit"] == "fortnight"
        else moved(today, -10 * count, "year")
    ]


def _which_quarter(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    index = now.year * 4 + (now.month - 1) // 3 + {"this": 0, "next": 1}.get(match["which"], -1)
    return [quarter(index // 4, index % 4 * 3 + 1, anchored=False)]


def _from_now(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    return [moved(Span.day(now, anchored=False), count_of(match["count"]), match["unit"])]


def _half_year_ago(_: re.Match[str], now: datetime, __: Sequence[int]) -> list[Span]:
    return [moved(Span.day(now, anchored=False), -6, "month")]


_DAYS_OF = {"hour": 1 / 24, "day": 1, "week": 7, "weekend": 7, "month": 30.5, "year": 365.25}


def _past_units(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve "the past three months": back from now."""
    back = timedelta(days=_DAYS_OF[match["unit"]] * count_of(match["count"] or "one"))
    return [Span(now - back, now + timedelta(seconds=1), "range", anchored=False)]


def _before_last(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    return _calendar_unit(match["unit"], now, -2)


def _which_unit(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    return _calendar_unit(match["unit"], now, {"this": 0, "next": 1}.get(match["which"], -1))


def _calendar_unit(unit: str, now: datetime, step: int) -> list[Span]:
    """Return the calendar day, week (from Monday), weekend, month or year some steps from now."""
    if unit == "year":
        return [Span.year(now.year + step, anchored=False)]
    if unit == "month":
        return [month_of_index(now.year * 12 + now.month - 1 + step, anchored=False)]
    today = Span.day(now, anchored=False)
    if unit in ("day", "hour"):
        return [Span.day(now + timedelta(**{f"{unit}s": step}), anchored=False)]
    monday = today.start - timedelta(days=now.weekday()) + timedelta(weeks=step)
    if unit == "weekend":
        return [weekend_around(monday, anchored=False)]
    return [Span(monday, monday + timedelta(days=7), "range", anchored=False)]


def _weekdays(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve "from Monday to Friday" as those that were: the last ones that are not yet to come."""
    first, last = WEEKDAYS.index(match["weekday"]), WEEKDAYS.index(match["last"])
    end = Span.day(now - timedelta(days=(now.weekday() - last) % 7), anchored=False)
    return [Span(end.start - timedelta(days=(last - first) % 7), end.end, "range", anchored=False)]


def _weekday_of_week(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve "Tuesday last week"."""
    step = {"this": 0, "next": 1}.get(match["which"], -1)
    days = 7 * step + WEEKDAYS.index(match["weekday"]) - now.weekday()
    return [Span.day(now + timedelta(days=days), anchored=False)]


def _weekdays_ago(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve "two Fridays ago"."""
    distance = (now.weekday() - WEEKDAYS.index(match["weekday"])) % 7 or 7
    return [Span.day(now - timedelta(days=distance + 7 * (count_of(match["count"]) - 1)), anchored=False)]


def _weekday(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    """Resolve "last Friday", and "on Friday" as the one that was."""
    distance = (now.weekday() - WEEKDAYS.index(match["weekday"])) % 7
    days = {"this": -distance, "next": 7 - distance}.get(match["which"], -(distance or 7))
    return [Span.day(now + timedelta(days=days), anchored=False)]


def _weekday_before_last(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    distance = (now.weekday() - WEEKDAYS.index(match["weekday"])) % 7 or 7
    return [Span.day(now - timedelta(days=distance + 7), anchored=False)]


def _the_weekend(_: re.Match[str], now: datetime, __: Sequence[int]) -> list[Span]:
    """Resolve "over the weekend" as the last one that has begun."""
    return _calendar_unit("weekend", now, 0 if now.weekday() >= WEEKDAYS.index("saturday") else -1)


_NAMED_DAYS = {
    "today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "yesterday": -1, "last night": -1,
    "tomorrow": 1, "the day before yesterday": -2, "the day after tomorrow": 2,
}  # fmt: skip


def _named_day(match: re.Match[str], now: datetime, _: Sequence[int]) -> list[Span]:
    return [Span.day(now + timedelta(days=_NAMED_DAYS[match[0]]), anchored=False)]


# "may" and "march" are verbs, "april", "may", "june" and "august" are names: alone they are months after a preposition only.
_CLEAR = "january|february|july|september|october|november|december"
_UNCLEAR = "march|april|may|june|august"
_BEFORE_MONTH = (
    "in|since|during|by|until|till|before|after|late|early|mid|from|"
    rf"(?:end|beginning|start|middle|month|half|week|weekend|day|{'|'.join(WEEKDAYS)}) of"
)
_NO_NAME = r"\b(?!['’]s?\b)"
_NO_DATE = rf"(?!,?\s+(?:the\s+)?(?:\d|{'|'.join(MONTHS)}))"

# What a group cannot match without (one of these), then its rules, longer readings first: a rule may not touch words that an earlier one has read.
_GROUPS: tuple[tuple[str, tuple[tuple[str, Resolve], ...]], ...] = (
    ("0|1|2|3|4|5|6|7|8|9", (
        (r"\b(?P<year>(?:19|20)\d\d)([-/])(?P<m>[01]?\d)\2(?P<d>[0-3]?\d)(?!\d)(?:t\d\d:\d\d\S*)?", _iso),
        (r"\b(?P<a>[0-3]?\d)(?P<sign>[-/.])(?P<b>[0-3]?\d)(?P=sign)(?P<year>(?:19|20)\d\d|\d\d)\b(?![.\d])", _numbers),
        (r"\b(?P<year>(?:19|20)\d\d)-(?P<m>0[1-9]|1[0-2])(?![-\d])", _iso_month),
        (r"\b(?P<first>(?:19|20)\d\d)\s*[-–]\s*(?P<last>(?:19|20)\d\d)\b(?!-)", _years),
    )),
    ("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", (
        (rf"\b{_D}{_TO_D}(?:\s+of)?\s+{_M}{_OF_Y}", _days),
        (rf"\b{_M}\s+{_D}{_TO_D}\b(?!\s*(?:\.?\d|{_ANY_MONTH})){_OF_Y}", _days),
        (rf"\b{_D}(?:\s+of)?\s+{_M}(?![a-z]){_OF_Y}", _full_date),
        (rf"\b{_M}\s+{_D}\b{_OF_Y}", _full_date),
        (rf"\bthe\s+(?P<ordinal>{'|'.join(_ORDINALS)})\s+of\s+{_M}(?![a-z]){_OF_Y}", _ordinal_date),
        (rf"(?P<between>\b(?:between|from)\s+)?\b{_M}\s*(?:\s(?P<word>and|or|to|until|till|through)\s|-|–)\s*{_LATER}(?![a-z]){_OF_Y}(?!\s+\d)", _two_months),
        (rf"\b{_WHICH}\s+{_M}(?![a-z])(?!\s+\d)", _relative_month),
        (rf"\b{_M},?\s+(?:of\s+)?{_Y}\b", _month_of),
        (rf"\b(?P<month>{_CLEAR}){_NO_NAME}(?P<year>)", _month_of),
        (rf"\b(?P<lead>(?:{_BEFORE_MONTH})[ -])(?P<month>{_UNCLEAR}){_NO_NAME}(?P<year>)", _month_of),
        (rf"\b(?P<month>{_UNCLEAR})(?P<year>)(?=\s+(?:of\s+)?(?:last|this|next)\s+year\b)", _month_of),
    )),
    ("day|night|morning|afternoon|evening|tomorrow", (
        (rf"\b{COUNT}\s+{UNIT}\s+from\s+today\b", _from_now),
        (rf"\b(?:from|between)\s+{WEEKDAY}\s+(?:to|and|until|till|through)\s+(?P<last>{'|'.join(WEEKDAYS)})\b", _weekdays),
        (rf"\b{WEEKDAY}\s+(?:of\s+)?{_WHICH}\s+week\b", _weekday_of_week),
        (rf"\b{COUNT}\s+{WEEKDAY}s\s+ago\b", _weekdays_ago),
        (r"\bthe day (?:before yesterday|after tomorrow)\b|\bthis (?:morning|afternoon|evening)\b|\blast night\b|\b(?:today|tonight|yesterday|tomorrow)\b", _named_day),
        (rf"\bthe\s+{WEEKDAY}\s+before\s+last\b", _weekday_before_last),
        (rf"\b{_WHICH}\s+{WEEKDAY}\b(?!\s+(?:of|in)\s+{_ANY_MONTH}\b)", _weekday),
        (rf"\b(?P<which>)(?:on|since|by|until|before|after|from)\s+{WEEKDAY}\b{_NO_DATE}(?!\s+(?:before|after))", _weekday),
    )),
    ("hour|day|week|month|year", (
        (rf"\bthe\s+{UNIT}\s+before\s+last\b", _before_last),
        (r"\b(?:over|at|on|during)\s+the\s+weekend\b(?!\s+(?:of|in|before|after|starting|beginning)\s)", _the_weekend),
        (r"\bhalf a year ago\b", _half_year_ago),
        (rf"\b{COUNT}\s+{UNIT}\s+(?:ago|back|earlier)\b", _ago),
        (rf"\b{COUNT}\s+{UNIT}\s+from\s+now\b", _from_now),
        (rf"\b(?:last|past|previous)\s+{COUNT}\s+{UNIT}\b", _past_units),
        (rf"\bthe\s+past\s+(?P<count>){UNIT}\b", _past_units),
        (rf"\b{_WHICH}\s+{UNIT}\b(?!\s+of\s|(?<=week)\s+in\s|(?<=weekend)\s+in\s)", _which_unit),
    )),
    ("ago", (
        (rf"\b{COUNT}\s+(?P<unit>minute|fortnight|decade)s?\s+ago\b", _other_units_ago),
    )),
    ("quarter", (
        (rf"\b{_WHICH}\s+quarter\b(?!\s+(?:of|in)\s)", _which_quarter),
    )),
    ("winter|spring|summer|autumn|fall", (
        (rf"\b{COUNT}\s+{_SEASON}s\s+ago\b(?P<before>)", _seasons_ago),
        (rf"\bthe\s+{_SEASON}\s+(?P<before>before\s+last)\b", _seasons_ago),
        (rf"\b{_WHICH}\s+{_SEASON}\b", _relative_season),
        (rf"\b{_SEASON},?\s+(?:of\s+)?{_Y}\b", _season),
        (r"\b(?:in|during|since|until)\s+(?:the\s+)?(?P<season>winter|spring|summer|autumn)\b(?P<year>)", _season),
    )),
    ("christmas|boxing|new year|valentine|halloween|thanksgiving", (
        (rf"\b(?:{_WHICH}\s+)?(?P<holiday>christmas(?: eve| day)?|boxing day|new year['’]?s['’]? (?:eve|day)|valentine['’]s day|halloween|thanksgiving)\b{_OF_Y}", _holiday),
    )),
    ("0|1|2|3|4|5|6|7|8|9", (
        (rf"\bq(?P<quarter>[1-4])(?:\s+(?:of\s+)?{_Y})?\b", _numbered_quarter),
        (r"\b(?P<decade>(?:19|20)\d0)s\b", _decade),
        (r"(?<![\d.,$£€#-])(?<!room )(?<!number )(?<!page )(?P<year>(?:19|20)\d\d)\b(?![.,]?\d|-\d{3}|\s*(?:dollars|euros|people|km|miles))", _year_of),
    )),
)  # fmt: skip

RULES = tuple(tuple((re.compile(pattern), resolve) for pattern, resolve in rules) for _, rules in _GROUPS)
"""Groups of rules: (pattern, resolver) pairs."""

TRIGGERS = tuple(
    (trigger, number) for number, (triggers, _) in enumerate(_GROUPS) for trigger in triggers.split("|")
)
"""Strings, each with the number of a group: a text must hold one of a group's strings for its rules to match,
and one of its words must hold one for any to match."""
