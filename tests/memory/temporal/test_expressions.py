"""Time expressions of English questions, each with the stretch of time it names."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.memory.temporal import parse_spans

NOW = datetime(2023, 7, 19, 15, 30)  # a Wednesday
YEARS = (2022, 2023)

# Half-open intervals; one end left out is open. Dates without a year may lie in either of YEARS.
EXPRESSIONS = [
    ("What did she do on 8 May 2023?", "2023-05-08..2023-05-09"),
    ("What happened on May 8, 2023?", "2023-05-08..2023-05-09"),
    ("what happened on May 8th 2023", "2023-05-08..2023-05-09"),
    ("on the 8th of May", "2022-05-08..2022-05-09 2023-05-08..2023-05-09"),
    ("on 2023-05-08", "2023-05-08..2023-05-09"),
    ("on 2023-05-08T13:56", "2023-05-08..2023-05-09"),
    ("on 2023/05/08", "2023-05-08..2023-05-09"),
    ("on 05/08/2023", "2023-05-08..2023-05-09"),
    ("on 25/12/2022", "2022-12-25..2022-12-26"),
    ("on 8.5.2023", "2023-05-08..2023-05-09"),
    ("on 08-05-2023", "2023-08-05..2023-08-06"),
    ("in May 2023", "2023-05-01..2023-06-01"),
    ("in May of 2023", "2023-05-01..2023-06-01"),
    ("in 2023-05", "2023-05-01..2023-06-01"),
    ("in 2022", "2022-01-01..2023-01-01"),
    ("last May", "2023-05-01..2023-06-01"),
    ("last December", "2022-12-01..2023-01-01"),
    ("last year", "2022-01-01..2023-01-01"),
    ("last week", "2023-07-10..2023-07-17"),
    ("last month", "2023-06-01..2023-07-01"),
    ("last weekend", "2023-07-15..2023-07-17"),
    ("last Friday", "2023-07-14..2023-07-15"),
    ("yesterday", "2023-07-18..2023-07-19"),
    ("today", "2023-07-19..2023-07-20"),
    ("the day before yesterday", "2023-07-17..2023-07-18"),
    ("two weeks ago", "2023-07-02..2023-07-09"),
    ("2 weeks ago", "2023-07-02..2023-07-09"),
    ("a month ago", "2023-06-01..2023-07-01"),
    ("three years ago", "2020-01-19..2021-01-18"),
    ("a couple of days ago", "2023-07-17..2023-07-18"),
    ("two weeks before 8 May 2023", "2023-04-21..2023-04-28"),
    ("two days after 2023-05-08", "2023-05-10..2023-05-11"),
    ("the week before 8 May 2023", "2023-05-01..2023-05-08"),
    ("the week of 5 June", "2022-05-30..2022-06-06 2023-06-05..2023-06-12"),
    ("the week of June 5, 2023", "2023-06-05..2023-06-12"),
    ("the weekend of 10 June 2023", "2023-06-10..2023-06-12"),
    ("between March and May 2023", "2023-03-01..2023-06-01"),
    ("between March 2022 and May 2023", "2022-03-01..2023-06-01"),
    ("between 3 May and 10 May 2023", "2023-05-03..2023-05-11"),
    ("from 3 to 10 May 2023", "2023-05-03..2023-05-11"),
    ("from May 3 to May 10, 2023", "2023-05-03..2023-05-11"),
    ("May 3-10, 2023", "2023-05-03..2023-05-11"),
    ("3-10 May 2023", "2023-05-03..2023-05-11"),
    ("from June until August 2022", "2022-06-01..2022-09-01"),
    ("between 2021 and 2022", "2021-01-01..2023-01-01"),
    ("2021-2022", "2021-01-01..2023-01-01"),
    ("in the summer of 2022", "2022-06-01..2022-09-01"),
    ("last summer", "2022-06-01..2022-09-01"),
    ("this summer", "2023-06-01..2023-09-01"),
    ("in summer 2022", "2022-06-01..2022-09-01"),
    ("in winter 2022", "2021-12-01..2022-03-01 2022-12-01..2023-03-01"),
    ("in Q3 2022", "2022-07-01..2022-10-01"),
    ("in the third quarter of 2022", "2022-07-01..2022-10-01"),
    ("since May 2023", "2023-05-01..2023-06-01 2023-05-01.."),
    ("after 8 May 2023", "2023-05-08..2023-05-09 2023-05-08.."),
    ("before 8 May 2023", "2023-05-08..2023-05-09 ..2023-05-08"),
    ("until June 2023", "2023-06-01..2023-07-01 ..2023-07-01"),
    ("in the past two weeks", "2023-07-05T15:30..2023-07-19T15:30"),
    ("in the last 3 months", "2023-04-19T03:30..2023-07-19T15:30"),
    ("over the last few days", "2023-07-16T15:30..2023-07-19T15:30"),
    ("in the past month", "2023-06-19T03:30..2023-07-19T15:30"),
    ("over the past year", "2022-07-19T09:30..2023-07-19T15:30"),
    ("in early May 2023", "2023-05-01..2023-05-11"),
    ("in late June 2022", "2022-06-21..2022-07-01"),
    ("in mid-August 2022", "2022-08-11..2022-08-22"),
    ("at the end of May 2023", "2023-05-22..2023-06-01"),
    ("at the beginning of 2023", "2023-01-01..2023-05-01"),
    ("in the first week of June 2023", "2023-06-01..2023-06-08"),
    ("in the second half of 2022", "2022-07-01..2023-01-01"),
    ("in the 1990s", "1990-01-01..2000-01-01"),
    ("on Monday", "2023-07-17..2023-07-18"),
    ("on the Friday before 15 July 2023", "2023-07-14..2023-07-15"),
    ("the Sunday after May 8, 2023", "2023-05-14..2023-05-15"),
    ("at Christmas 2022", "2022-12-25..2022-12-26"),
    ("early Christmas 2022", "2022-12-25..2022-12-26"),
    ("on New Year's Eve 2022", "2022-12-31..2023-01-01"),
    ("next month", "2023-08-01..2023-09-01"),
    ("next Friday", "2023-07-21..2023-07-22"),
    ("tomorrow", "2023-07-20..2023-07-21"),
    ("three weeks from now", "2023-08-06..2023-08-13"),
    ("this morning", "2023-07-19..2023-07-20"),
    ("last night", "2023-07-18..2023-07-19"),
    ("on 8 May and 10 June 2023", "2023-05-08..2023-05-09 2023-06-10..2023-06-11"),
    ("in May and June 2023", "2023-05-01..2023-06-01 2023-06-01..2023-07-01"),
    ("in May or in August 2022", "2022-05-01..2022-06-01 2022-08-01..2022-09-01"),
    ("When did she move?", ""),
    ("may I ask what he may do", ""),
    ("the spring in the mattress", ""),
    ("She will march on", ""),
    ("in March", "2022-03-01..2022-04-01 2023-03-01..2023-04-01"),
    ("in 2023, in May", "2023-05-01..2023-06-01"),
    ("24 May, 2023", "2023-05-24..2023-05-25"),
    ("5/8/23", "2023-05-08..2023-05-09"),
    ("May '23", "2023-05-01..2023-06-01"),
    ("May 2023 to July 2023", "2023-05-01..2023-08-01"),
    ("earlier this week", "2023-07-17..2023-07-24"),
    ("earlier this year", "2023-01-01..2024-01-01"),
    ("a few months before August 2022", "2022-05-01..2022-06-01"),
    ("the month before last", "2023-05-01..2023-06-01"),
    ("the year before last", "2021-01-01..2022-01-01"),
    ("two summers ago", "2021-06-01..2021-09-01"),
    ("the previous day", "2023-07-18..2023-07-19"),
    ("in January this year", "2023-01-01..2023-02-01"),
    ("in January last year", "2022-01-01..2022-02-01"),
    ("last year in October", "2022-10-01..2022-11-01"),
    ("January 1st", "2022-01-01..2022-01-02 2023-01-01..2023-01-02"),
    ("the first of May 2023", "2023-05-01..2023-05-02"),
    ("sometime during June 2023", "2023-06-01..2023-07-01"),
    ("as of 3 May 2023", "2023-05-03..2023-05-04"),
    ("by the end of 2022", "2022-09-01..2023-01-01 ..2023-01-01"),
    ("ten years ago", "2013-01-18..2014-01-18"),
    ("30 years ago", "1993-01-18..1994-01-18"),
    ("5 hours ago", "2023-07-19..2023-07-20"),
    ("the night of 4 July 2023", "2023-07-04..2023-07-05"),
    ("on 31 February 2023", "2023-02-01..2023-03-01"),
    ("2,023 people", ""),
    ("room 2023", ""),
    ("It cost $2023", ""),
    ("call 2023-555", ""),
    ("version 2.0.1", ""),
    ("on Tuesday, 20 June 2023", "2023-06-20..2023-06-21"),
    ("Tuesday June 20", "2022-06-20..2022-06-21 2023-06-20..2023-06-21"),
    ("half a year ago", "2023-01-01..2023-02-01"),
    ("a week later", ""),
    ("in the week after 1 June 2023", "2023-06-02..2023-06-09"),
    ("the day after 8 May 2023", "2023-05-09..2023-05-10"),
    ("the following week", ""),
    ("around 8 May 2023", "2023-05-05..2023-05-12"),
    ("several weeks ago", "2023-06-18..2023-06-25"),
    ("this week", "2023-07-17..2023-07-24"),
    ("this month", "2023-07-01..2023-08-01"),
    ("this year", "2023-01-01..2024-01-01"),
    ("this weekend", "2023-07-22..2023-07-24"),
    ("in the last week of May 2023", "2023-05-25..2023-06-01"),
    ("Thanksgiving 2022", "2022-11-24..2022-11-25"),
    ("on Halloween", "2022-10-31..2022-11-01 2023-10-31..2023-11-01"),
    ("in the morning of 8 May 2023", "2023-05-08..2023-05-09"),
    ("at 3 pm on 8 May 2023", "2023-05-08..2023-05-09"),
    ("May 2023", "2023-05-01..2023-06-01"),
    ("8 May", "2022-05-08..2022-05-09 2023-05-08..2023-05-09"),
    ("the 21st of June 2023", "2023-06-21..2023-06-22"),
    ("the weekend of 8 June 2023", "2023-06-10..2023-06-12"),
    ("last weekend of June 2023", "2023-06-24..2023-06-26"),
    ("first weekend of June 2023", "2023-06-03..2023-06-05"),
    ("since Monday", "2023-07-17..2023-07-18 2023-07-17.."),
    ("since March", "2022-03-01..2022-04-01 2023-03-01..2023-04-01 2022-03-01.. 2023-03-01.."),
    ("by Friday", "2023-07-14..2023-07-15 ..2023-07-15"),
    ("last winter", "2022-12-01..2023-03-01"),
    ("this winter", "2023-12-01..2024-03-01"),
    ("two years after 2015", "2017-01-01..2018-01-01"),
    ("last week in May 2023", "2023-05-25..2023-06-01"),
    ("What did April say to June?", ""),
    ("June's dog barks", ""),
    ("december 30 2022 to january 2 2023", "2022-12-30..2023-01-03"),
    ("between 28 December 2022 and 3 January", "2022-12-28..2023-01-04"),
    ("November to February 2023", "2022-11-01..2023-03-01"),
    ("in the year 0001", ""),
    ("9999 years ago", ""),
    ("the week after 9999-12-31", ""),
    ("the first Monday of May 2023", "2023-05-01..2023-05-02"),
    ("the second Tuesday in June 2023", "2023-06-13..2023-06-14"),
    ("the last Friday of June 2023", "2023-06-30..2023-07-01"),
    ("on the first Monday of May", "2022-05-02..2022-05-03 2023-05-01..2023-05-02"),
    ("the first Sunday of last month", "2023-06-04..2023-06-05"),
    ("the third Thursday of 2023", "2023-01-19..2023-01-20"),
    ("last Friday in Paris", "2023-07-14..2023-07-15"),
    ("the summer before last", "2021-06-01..2021-09-01"),
    ("the winter before last", "2021-12-01..2022-03-01"),
    ("the Friday before last", "2023-07-07..2023-07-08"),
    ("what did we do over the weekend?", "2023-07-15..2023-07-17"),
    ("at the weekend", "2023-07-15..2023-07-17"),
    ("over the weekend of 10 June 2023", "2023-06-10..2023-06-12"),
    ("the weekend before 14 July 2023", "2023-07-08..2023-07-10"),
    ("the weekend after 14 July 2023", "2023-07-15..2023-07-17"),
    ("the month before May 2023", "2023-04-01..2023-05-01"),
    ("the week of Christmas", "2022-12-19..2022-12-26 2023-12-25..2024-01-01"),
    ("how long ago was it", ""),
    ("from 5 May 2023 on", "2023-05-05..2023-05-06 2023-05-05.."),
    ("last Christmas", "2022-12-25..2022-12-26"),
    ("in the last quarter of 2022", "2022-10-01..2023-01-01"),
    ("What happened in 2021 and in 2022?", "2021-01-01..2022-01-01 2022-01-01..2023-01-01"),
    (
        "on 8 May 2023, 3 June 2023 and 4 July 2023",
        "2023-05-08..2023-05-09 2023-06-03..2023-06-04 2023-07-04..2023-07-05",
    ),
    ("the next day", "2023-07-20..2023-07-21"),
    ("in the first week of June", "2022-06-01..2022-06-08 2023-06-01..2023-06-08"),
    ("in early May", "2022-05-01..2022-05-11 2023-05-01..2023-05-11"),
    ("what I did in May last year", "2022-05-01..2022-06-01"),
    ("May of last year", "2022-05-01..2022-06-01"),
    ("last year's Christmas", "2022-12-25..2022-12-26"),
    ("from Monday to Friday", "2023-07-10..2023-07-15"),
    ("between Monday and Wednesday", "2023-07-17..2023-07-20"),
    ("on Tuesday last week", "2023-07-11..2023-07-12"),
    ("two Fridays ago", "2023-07-07..2023-07-08"),
    ("two weeks from today", "2023-07-30..2023-08-06"),
    ("a fortnight ago", "2023-07-02..2023-07-09"),
    ("two decades ago", "2003-01-18..2004-01-18"),
    ("what I said 10 minutes ago", "2023-07-19..2023-07-20"),
    ("last quarter", "2023-04-01..2023-07-01"),
    ("this quarter", "2023-07-01..2023-10-01"),
    ("in the early 1990s", "1990-01-01..1993-05-02"),
    ("prior to May 2023", "2023-05-01..2023-06-01 ..2023-05-01"),
    ("up to May 2023", "2023-05-01..2023-06-01 ..2023-06-01"),
    ("a last minute change", ""),
]


def shown(moment: datetime) -> str:
    """Return a moment as the table writes it."""
    if moment.year in (1, 9999):
        return ""
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(("query", "expected"), EXPRESSIONS, ids=[query for query, _ in EXPRESSIONS])
def test_expression(query: str, expected: str) -> None:
    """Each expression gives the intervals a reader would give, and what is no date gives none."""
    spans = parse_spans(query, now=NOW, years=YEARS)
    assert " ".join(f"{shown(span.start)}..{shown(span.end)}" for span in spans) == expected


def test_a_year_of_the_present_when_no_years_are_known() -> None:
    """A date without a year is one of this year where the memory says nothing about years."""
    (span,) = parse_spans("on 8 May", now=NOW)
    assert span.start == datetime(2023, 5, 8)


def test_what_is_worked_out_from_now_is_marked() -> None:
    """Spans say whether the words named the date themselves or the present did."""
    assert [parse_spans(words, now=NOW)[0].anchored for words in ("in May 2023", "last week", "two days ago")] == [
        True, False, False,
    ]  # fmt: skip


def test_the_weekend_is_the_last_that_has_begun() -> None:
    """On a Sunday "over the weekend" is about today and yesterday."""
    (span,) = parse_spans("what did we do over the weekend?", now=datetime(2023, 7, 16, 20))
    assert span.start == datetime(2023, 7, 15)


WORDS = """
the last next this past week of before after since between and may march 8 31 february 2023 9999 first half end weekend
friday over summer two years ago month christmas to - in early winter 2022-05 3/4/22 day quarter
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join) | st.text(max_size=60))
def test_any_words_give_spans_or_nothing(query: str) -> None:
    """Whatever is asked, there is no error, and every span has its start before its end."""
    for moment in (NOW, datetime(1, 1, 1), datetime(9999, 12, 31, 23)):
        for span in parse_spans(query, now=moment, years=YEARS):
            assert span.start < span.end
