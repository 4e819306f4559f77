"""What kind of thing a question asks for, by its first wh-word and the noun behind it."""

from __future__ import annotations

import re
from typing import Literal

from agentcore.workflow.reading.words import STOP_WORDS, words

__all__ = ["AnswerKind", "answer_kind"]

AnswerKind = Literal["person", "place", "date", "year", "number", "other"]

_WH = re.compile(r"\b(who|whom|whose|what|which|when|where|how)\b", re.IGNORECASE)
_AMOUNTS = frozenset(
    ("many", "much", "old", "long", "far", "tall", "large", "big", "high", "few", "fast", "deep", "wide")
)
_PERSONS = frozenset(
    (
        "actor", "actress", "architect", "artist", "author", "captain", "coach", "composer", "director", "drummer",
        "emperor", "engineer", "explorer", "filmmaker", "founder", "guitarist", "host", "inventor", "king", "leader",
        "man", "mathematician", "musician", "novelist", "painter", "person", "philosopher", "photographer", "physicist",
        "pilot", "player", "poet", "politician", "president", "producer", "queen", "scientist", "screenwriter",
        "sculptor", "singer", "songwriter", "surfer", "woman", "writer",
    )
)  # fmt: skip
_PLACES = frozenset(
    (
        "area", "city", "continent", "country", "county", "district", "island", "lake", "nation", "place", "province",
        "region", "river", "state", "street", "suburb", "town", "village",
    )
)  # fmt: skip
_NOUN_ENDS = frozenset(
    (
        "is",
        "was",
        "are",
        "were",
        "did",
        "does",
        "do",
        "has",
        "had",
        "have",
        "of",
        "that",
        "in",
        "with",
        "by",
        "on",
    )
)


def answer_kind(question: str) -> AnswerKind:
    """Return what the question asks for.

    Notes
    -----
    The *first* wh-word decides: "In what year was the novel that X, who ..., based first published?" asks for a
    year. Any "who" in the question would be wrong for about 5 of 60 questions.
    """
    match = _WH.search(question)
    if match is None:
        return "other"
    word = match.group().lower()
    behind = words(question[match.end() :])
    if word in ("who", "whom"):
        return "person"
    if word == "when":
        return "date"
    if word == "where":
        return "place"
    if word == "how":
        return "number" if behind[:1] and behind[0] in _AMOUNTS else "other"
    return _by_noun(behind) if word in ("what", "which") else "other"


def _by_noun(behind: list[str]) -> AnswerKind:
    """Look at the few words between "what" and the verb for one that names a kind."""
    for word in behind[:5]:
        if word in _NOUN_ENDS:
            break
        if word in ("year", "decade", "century"):
            return "year"
        if word in ("date", "day", "month"):
            return "date"
        if word in ("number", "population"):
            return "number"
        if word in _PERSONS:
            return "person"
        if word in _PLACES:
            return "place"
        if word in STOP_WORDS and word not in ("the", "other", "most"):
            break
    return "other"
