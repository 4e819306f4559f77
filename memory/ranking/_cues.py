"""What the wording of a record tells, whatever the question: read once, when the record is loaded."""

from __future__ import annotations

import re
from enum import IntFlag

__all__ = ["Cue", "asks_when", "cues_of"]


class Cue(IntFlag):
    """Properties of a text."""

    ENDS_ASKING = 1
    ASKS = 2
    TIME = 4
    NUMBER = 8


_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
_WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_UNITS = f"day|night|week|weekend|month|year|spring|summer|autumn|fall|winter|morning|afternoon|evening|time|few|couple|{_WEEKDAYS}"
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_TIME_WORDS = frozenset(
    f"yesterday|today|tonight|tomorrow|ago|{_MONTHS}|{_WEEKDAYS}|{_WEEKDAYS.replace('|', 's|')}s".split("|")
)
_TIME_PHRASE = re.compile(
    rf"\b(?:(?:last|next|this|past) (?:{_UNITS}|{_MONTHS}|may)s?|(?:in|of|by|since|until|late|early|mid) may|may \d|(?:19|20)\d\d)\b"
)
_PHRASE_WORDS = frozenset(("last", "next", "this", "past", "may"))
"""A time phrase holds one of these, or a digit: most texts need no search for one."""
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|dozen|couple"
_NUMBER_WORDS = frozenset(_NUMBERS.split("|"))
_WHEN = re.compile(
    r"\b(?:when|how long|what (?:year|month|day|date|time)|which (?:year|month|day|date)|how many (?:days|weeks|months|years))\b"
)
_LONGEST = 4000  # characters looked at; cues are about turns


def cues_of(text: str) -> Cue:
    """Return the cues of a record's text."""
    low = text[:_LONGEST].lower()
    cues = Cue(0)
    if "?" in low:
        cues |= Cue.ASKS
        if low.rstrip().endswith("?"):
            cues |= Cue.ENDS_ASKING
    said = set(_WORD.findall(low))
    has_digit = _DIGIT.search(low) is not None
    may_be_phrase = has_digit or not said.isdisjoint(_PHRASE_WORDS)
    if not said.isdisjoint(_TIME_WORDS) or (may_be_phrase and _TIME_PHRASE.search(low)):
        cues |= Cue.TIME
    if has_digit or not said.isdisjoint(_NUMBER_WORDS):
        cues |= Cue.NUMBER
    return cues


def asks_when(query: str) -> bool:
    """Return whether a question asks for a time."""
    return _WHEN.search(query.lower()) is not None
