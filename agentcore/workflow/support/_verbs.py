"""Where the verb of a stretch of words stands, without a tagger: by list, by ending, by place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agentcore.workflow.reading.lexicon import (
    ADVERBS,
    AUXILIARIES,
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    MONTHS,
    NEGATORS,
    NOUN_LIKE,
    PARTICIPLES,
    PREPOSITIONS,
    PRONOUNS,
    VERBS,
    is_manner,
)
from agentcore.workflow.support._text import Token

__all__ = ["is_passive", "is_verb", "verb_place"]

_SUBJECTS = frozenset(("it", "he", "she", "they", "we", "you", "i"))


def verb_place(tokens: Sequence[Token]) -> int | None:
    """Return the place of the main verb: the last of the first group of verbs."""
    first = next((i for i in range(len(tokens)) if is_verb(tokens, i)), None)
    if first is None:
        return _unlisted_verb(tokens)
    last = first
    for i in range(first + 1, len(tokens)):
        low = tokens[i].low
        if tokens[i].gap:
            break
        if _could_be_verb(low) and tokens[last].low in AUXILIARIES and tokens[i - 1].low not in DETERMINERS:
            last = i
        elif not (low in ADVERBS or low in NEGATORS or is_manner(low) or low in ("been", "be", "to")):
            break
    return last


def _could_be_verb(low: str) -> bool:
    is_derived = low.endswith(("ed", "ing", "ises", "izes", "ifies")) and len(low) > 3
    return low in VERBS or low in AUXILIARIES or is_derived or low.removeprefix("re") in VERBS


def is_verb(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a word is a verb where it stands."""
    token = tokens[place]
    low = token.low
    if token.is_name or not _could_be_verb(low):
        return False
    before = tokens[place - 1] if place else None
    if low in AUXILIARIES:
        return True
    if before is None and low in NOUN_LIKE:
        return _takes_object(tokens, place)
    if before is None:
        return not low.endswith("ing") and (not token.opens or low.endswith("ed"))
    if before.low in ("who", "which", "that"):
        return not low.endswith("ing")
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if before.low in CONJUNCTIONS and low.endswith("s") and following is not None and not following.gap:
        return True
    if (
        before.low in DETERMINERS
        and before.low not in PRONOUNS - DETERMINERS
        and before.low not in ("that", "this")
    ):
        return False
    if before.low in PREPOSITIONS:  # "for use", "by storing"
        return before.low in ("before", "after", "since", "than", "as", "until", "while") and low.endswith(
            ("ed", "s")
        )
    if low.endswith("ing"):
        return before.low in BE
    if before.number is not None and before.measure != "calendar" and not low.endswith("ed"):
        return False
    if low.endswith("ed") or low not in NOUN_LIKE:
        # "the long delayed extension": an adjective between an article and its noun
        return not (
            low.endswith("ed")
            and is_manner(before.low)
            and place >= 2
            and tokens[place - 2].low in DETERMINERS
        )
    # A word that may be a noun as well ("plan", "costs") is a verb behind a subject pronoun or with an object behind it.
    if before.low in _SUBJECTS:
        return True
    return before.low in ("to", "not") or before.low in AUXILIARIES or _takes_object(tokens, place)


def _takes_object(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether an article, a number or a name follows."""
    if place + 1 >= len(tokens) or tokens[place + 1].gap:
        return False
    following = tokens[place + 1]
    return following.low in DETERMINERS or following.number is not None or following.is_name


def _unlisted_verb(tokens: Sequence[Token]) -> int | None:
    """Return the place of a verb that no list knows: a word in -s between a noun and an object ("Deimos orbits Mars")."""
    for place in range(1, len(tokens) - 1):
        token, before, after = tokens[place], tokens[place - 1], tokens[place + 1]
        is_candidate = (
            token.low.endswith("s")
            and not token.low.endswith("ss")
            and not token.is_name
            and token.is_content
        )
        if (
            not is_candidate
            or before.number is not None
            or not before.is_content
            or before.low in DETERMINERS
        ):
            continue
        if after.low in DETERMINERS or after.is_name:
            return place
    # ... or a word that is a noun as well, between two others ("the enzyme turns starch into sugar")
    between = range(1, len(tokens) - 1)
    found = next((i for i in between if tokens[i].low in VERBS and _stands_between_nouns(tokens, i)), None)
    if found is None and len(tokens) > 2 and tokens[-1].low in VERBS and not tokens[-1].gap:
        ends = tokens[-2].low.endswith(("s", "percent", "people"))
        return len(tokens) - 1 if ends and tokens[-2].is_content else None
    return found


def _stands_between_nouns(tokens: Sequence[Token], place: int) -> bool:
    token, before, after = tokens[place], tokens[place - 1], tokens[place + 1]
    if token.is_name or token.gap or after.gap or not before.is_content or before.number is not None:
        return False
    return token.low.endswith("s") and (after.is_content or after.low in PREPOSITIONS - {"of"})


def is_passive(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether the verb is passive: a participle behind "be", or one behind its noun with "by"."""
    low = tokens[at].low
    if low in AUXILIARIES or not (
        low.endswith("ed") or low in PARTICIPLES or low.removeprefix("re") in PARTICIPLES
    ):
        return False
    behind = [token.low for token in tokens[max(0, at - 4) : at]]
    if BE & set(behind) or "been" in behind:
        return True
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.is_name or following.low in DETERMINERS:  # "reached Marseille by ship"
        return False
    return any(
        a.low == "by" and b.number is None and b.low not in MONTHS
        for a, b in pairwise(tokens[at + 1 : at + 4])
    )
