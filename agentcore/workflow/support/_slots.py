"""What each word of a clause does: agent, patient, or what a preposition makes of it; the passive is turned round."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.workflow.reading.lexicon import CONJUNCTIONS, DETERMINERS, MONTHS, PREPOSITIONS
from agentcore.workflow.support._text import Token

__all__ = ["gapped_slots", "is_bearing", "is_contrast", "second_phrase", "slots_of"]

_HEIGHTS = frozenset(("above", "below", "over", "under"))
_BEARINGS = frozenset(("north", "south", "east", "west"))
_PARTICLES = frozenset(("on", "over", "up", "down", "out", "off"))


def slots_of(tokens: Sequence[Token], at: int | None, is_passive: bool) -> list[str]:
    """Return what each word does."""
    left, right = ("patient", "patient") if is_passive else ("agent", "patient")
    slots: list[str] = []
    slot = left if at is not None else ""
    for place, token in enumerate(tokens):
        low = token.low
        if at is not None and place == at:
            slot = right
            slots.append("verb")
            continue
        if is_contrast(tokens, place) or low == "unlike" or (low == "than" and not _is_bound(tokens, place)):
            slot = "than"
        elif slot == "than" and token.gap and at is not None and place < at:
            slot = left
        elif slot == "than" and not token.gap:
            pass
        elif at is not None and place == at + 1 and low in _PARTICLES:
            pass  # "took on", "broke down"
        elif at is not None and place < at and slot in PREPOSITIONS and _begins_anew(tokens, place):
            slot = left
        elif low in PREPOSITIONS and low not in ("of", "than") and not token.is_name:
            slot = "agent" if low == "by" and is_passive and at is not None and place > at else low
        elif token.gap and at is not None and place < at:
            slot = left
        slots.append(slot)
    return slots


def second_phrase(tokens: Sequence[Token], *, over_gaps: bool = False) -> int | None:
    """Return where a second noun phrase begins behind a first one ("her sister Ana | a pilot")."""
    for place in range(2, len(tokens)):
        if (tokens[place].gap and not over_gaps) or tokens[place].low in PREPOSITIONS:
            return None
        if tokens[place].low in ("a", "an", "the") and tokens[place - 1].is_content:
            return place
    return None


def gapped_slots(tokens: Sequence[Token], is_passive: bool) -> list[str]:
    """Return what each word does in a clause that leaves out its verb."""
    cut = second_phrase(tokens, over_gaps=True)
    first, second = ("patient", "agent") if is_passive else ("agent", "patient")
    opens_with_number = (
        any(token.number is not None for token in tokens[:2]) and tokens[0].low not in DETERMINERS
    )
    # "borders Chile in the south and Ecuador in the north": without a comma the second object, not a second subject
    goes_on = tokens[0].low in CONJUNCTIONS and not tokens[0].gap and cut is None
    slot = second if opens_with_number or goes_on else first
    slots: list[str] = []
    for place, token in enumerate(tokens):
        if place == cut:
            slot = second
        elif token.low in PREPOSITIONS and token.low != "of":
            slot = "agent" if token.low == "by" and is_passive else token.low
        slots.append(slot)
    return slots


def is_contrast(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether "not" sets something apart (", not the mayor, ...", ", not taking part") and denies nothing of the clause."""
    token = tokens[place]
    if token.low != "not" or not token.gap or place + 1 >= len(tokens):
        return False
    following = tokens[place + 1]
    return following.low in DETERMINERS or following.is_name or following.low.endswith("ing")


def is_bearing(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a word gives one thing's place by another's, as its opposite does from the other side: "north of Edolo"."""
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if following is None or following.gap or following.number is not None:
        return False
    low = tokens[place].low
    return low in _HEIGHTS or (low in _BEARINGS and following.low == "of")


def _is_bound(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether "than" gives a bound ("less than eight hours") and compares nothing."""
    return place + 1 < len(tokens) and tokens[place + 1].number is not None


def _begins_anew(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a noun phrase begins behind a fronted one without a comma: "In 1813 Humphry Davy ..."."""
    before, token = tokens[place - 1], tokens[place]
    follows_number = before.number is not None and token.text[0].isupper() and token.low not in MONTHS
    return follows_number or (before.is_content and token.low in DETERMINERS)
