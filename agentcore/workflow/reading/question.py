"""What kind of thing a question asks for, by its first wh-word and the noun behind it."""

from __future__ import annotations

import re
from typing import Literal

from agentcore.workflow.reading.lexicon import BE
from agentcore.workflow.reading.words import STOP_WORDS, words

__all__ = [
    "THINGS",
    "AnswerKind",
    "answer_kind",
    "asked_place",
    "asking_word",
    "asks_for_a_fact",
    "asks_yes_or_no",
    "kind_words",
    "named_class",
]

AnswerKind = Literal["person", "place", "name", "date", "year", "number", "reason", "nationality", "other"]

_WH = re.compile(r"\b(who|whom|whose|what|which|when|where|how|why)\b", re.IGNORECASE)
_YES_NO = re.compile(r"\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)\b", re.IGNORECASE)
_AMOUNTS = frozenset(
    ("many", "much", "old", "long", "far", "tall", "large", "big", "high", "few", "fast", "deep", "wide")
)
_PERSONS = frozenset(
    (
        "actor", "actress", "architect", "artist", "author", "captain", "coach", "composer", "director", "drummer",
        "emperor", "engineer", "explorer", "filmmaker", "founder", "general", "host", "inventor", "king", "leader",
        "man", "minister", "monarch", "novelist", "painter", "person", "philosopher", "photographer", "physicist",
        "pilot", "player", "poet", "politician", "president", "producer", "queen", "scientist", "screenwriter",
        "sculptor", "singer", "songwriter", "surfer", "woman", "writer",
    )
)  # fmt: skip
_PLACES = frozenset(
    (
        "area", "capital", "city", "continent", "country", "county", "district", "island", "lake", "municipality", "nation", "place", "port", "province",
        "region", "river", "state", "street", "suburb", "town", "village",
    )
)  # fmt: skip
_OUTER = frozenset(("continent", "country", "nation", "province", "region", "state"))
# Nouns of what bears a name of its own.
_NAMED = frozenset(
    (
        "agency", "airline", "airport", "album", "award", "band", "bank", "battle", "book", "brand", "bridge", "castle", "church", "club",
        "college", "company", "dynasty", "film", "firm", "label", "magazine", "mountain", "movie", "museum", "newspaper", "novel",
        "opera", "organisation", "organization", "party", "planet", "prize", "school", "series", "ship", "show", "song", "studio",
        "team", "tribe", "university",
    )
)  # fmt: skip
# Last words of names that no person bears.
THINGS = _PLACES | _NAMED | frozenset(
    (
        "academy", "army", "association", "board", "building", "championship", "cinema", "commission", "committee", "conference",
        "congress", "council", "court", "cup", "department", "empire", "festival", "games", "government", "hall", "hospital", "hotel",
        "institute", "kingdom", "league", "library", "medal", "ministry", "office", "orchestra", "park", "parliament", "peninsula",
        "pictures", "press", "productions", "railway", "records", "republic", "road", "senate", "society", "stadium", "station", "studios",
        "television", "theatre", "theater", "tower", "tunnel", "union", "valley", "war",
    )
)  # fmt: skip
# Nouns of those who do something; the usual exceptions.
_AGENTS = (
    "ist",
    "ster",
    "ician",
    "ologist",
    "grapher",
    "maker",
    "player",
    "writer",
    "designer",
    "driver",
    "keeper",
    "teacher",
)
_NO_PERSONS = frozenset(
    (
        "list",
        "mist",
        "twist",
        "waist",
        "disaster",
        "monster",
        "roster",
        "cluster",
        "semester",
        "poster",
        "minster",
    )
)
# Words behind which a wh-word asks: prepositions, conjunctions, forms of "be".
_OPENERS = frozenset(
    (
        "in", "on", "at", "of", "by", "for", "from", "to", "with", "under", "during", "after", "before", "until", "since",
        "through", "into", "and", "but", "or", "so", "is", "was", "are", "were", "as", "than", "about", "between",
    )
)  # fmt: skip
_TIMES = frozenset(("year", "decade", "century", "date", "day", "month"))
# The noun of "which bus driver did ...": the last word before the verb.
_ASKED_NOUN = re.compile(
    r"\b(?:what|which|whose)\s+(?:[\w'-]+\s+){0,3}?(?P<noun>[\w'-]+)\s+"
    r"(?:is|was|are|were|did|does|do|has|had|have|can|could|would|will)\b",
    re.IGNORECASE,
)
_FIRST_NOUN = re.compile(r"\b(?:what|which)\s+(?P<noun>\w+)", re.IGNORECASE)
_AMOUNT = re.compile(r"\bhow\s+(?P<noun>\w+)", re.IGNORECASE)
_CLASSES = frozenset(("bridge", "county", "island", "lake", "river", "street"))
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
    The first wh-word that asks decides: "In what year was the novel that X, who ..., based first published?" asks for
    a year. A wh-word behind its noun ("the arena where they play can seat how many?") tells of the noun and asks nothing,
    unless no other one is there.
    """
    match = asking_word(question)
    if match is None:
        return "other"
    word = match.group().lower()
    behind = words(question[match.end() :])
    if word in ("who", "whom"):
        return "person"
    if word == "why":
        return "reason"
    if word == "when":
        return "date"
    if word == "where":
        return "place"
    if word == "how":
        return "number" if behind[:1] and behind[0] in _AMOUNTS else "other"
    return _by_noun(_kind_of(behind)) if word in ("what", "which") else "other"


def asking_word(question: str) -> re.Match[str] | None:
    """Return the wh-word that asks, None without one."""
    found = list(_WH.finditer(question))
    return next((match for match in found if _asks(question, match)), found[0] if found else None)


def asks_for_a_fact(question: str) -> bool:
    """Tell whether a few words can answer: a question for a thing, an amount, or yes or no, no "why" and no "describe"."""
    if answer_kind(question) == "reason":
        return False
    found = [match.group().lower() for match in _WH.finditer(question)]
    if not found:
        return asks_yes_or_no(question)
    return answer_kind(question) != "other" or found[0] != "how"


def asks_yes_or_no(question: str) -> bool:
    """Tell whether a question opens with its verb."""
    return _YES_NO.match(question) is not None


def kind_words(question: str) -> list[str]:
    """Return the words of a question that name the kind of its answer alone: "which *river*", "how *tall*"."""
    nouns = [match["noun"].lower() for match in _ASKED_NOUN.finditer(question)]
    first = [match["noun"].lower() for match in _FIRST_NOUN.finditer(question)]
    amounts = [match["noun"].lower() for match in _AMOUNT.finditer(question)]
    kinds = _PERSONS | _PLACES | _TIMES | {"number"}
    return [*nouns, *(word for word in first if word in kinds), *(w for w in amounts if w in _AMOUNTS)]


def named_class(question: str) -> str | None:
    """Return the noun that the answer's own name holds, as a "which river" is "River Meuse", None where none must."""
    match = re.search(r"\b(?:which|what)\s+(\w+)", question, re.IGNORECASE)
    return match.group(1).lower() if match and match.group(1).lower() in _CLASSES else None


def asked_place(question: str) -> Literal["inner", "outer"] | None:
    """Return which part of "Austin, Texas" a question asks for: the town or the state; None where it asks for neither."""
    match = asking_word(question)
    if match is None or match.group().lower() not in ("what", "which"):
        return None
    for word in words(question[match.end() :])[:5]:
        if word in _NOUN_ENDS:
            return None
        if word in _PLACES:
            return "outer" if word in _OUTER else "inner"
    return None


def counted_noun(question: str) -> str | None:
    """Return what a question wants counted: "towers" of "how many towers"."""
    match = re.search(r"\bhow many\s+(\w+)", question, re.IGNORECASE)
    return match.group(1).lower() if match and match.group(1).lower() not in STOP_WORDS else None


def _asks(question: str, match: re.Match[str]) -> bool:
    """Tell whether a wh-word asks: it opens the question or a part of it, ends it, or follows a verb or preposition."""
    word, before, behind = (
        match.group().lower(),
        question[: match.start()].rstrip(),
        words(question[match.end() :]),
    )
    previous = words(before)[-1:]
    if not previous or not behind or word == "what" or (word == "how" and behind[0] in _AMOUNTS):
        return True
    return (before[-1] in ",;:" and word not in ("who", "which", "whose")) or previous[0] in _OPENERS


def _kind_of(behind: list[str]) -> list[str]:
    """Return the words behind "what", from the noun on that a verb puts behind itself: "is the capital of", "was the name of the ship"."""
    if len(behind) < 4 or behind[0] not in BE or behind[1] != "the" or "of" not in behind[3:]:
        return behind
    noun = behind.index("of", 3) - 1
    return behind[noun + 2 :] if behind[noun] == "name" else behind[noun:]


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
        if word == "nationality":
            return "nationality"
        if word in _PERSONS or (word.endswith(_AGENTS) and word not in _NO_PERSONS):
            return "person"
        if word in _PLACES:
            return "place"
        if word in _NAMED:
            return "name"
        if word in STOP_WORDS and word not in ("the", "other", "most"):
            break
    return "other"
