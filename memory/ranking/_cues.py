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
_UNITS = "day|night|week|weekend|month|year|spring|summer|autumn|fall|winter|morning|afternoon|evening|time|few|couple|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_TIME = re.compile(
    rf"\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|next|this|past) (?:{_UNITS}|{_MONTHS}|may)s?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
    rf"|{_MONTHS}|(?:in|of|by|since|until|late|early|mid) may|may \d|(?:19|20)\d\d)\b"
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|dozen|couple)\b"
)
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
    if _TIME.search(low):
        cues |= Cue.TIME
    if _NUMBER.search(low):
        cues |= Cue.NUMBER
    return cues


def asks_when(query: str) -> bool:
    """Return whether a question asks for a time."""
    return _WHEN.search(query.lower()) is not None
