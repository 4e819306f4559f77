"""Make a follow-up question stand alone by rule: who "she" is, where "there" is, what "and the viola?" asks.

A small model cannot rewrite a question reliably, but what a follow-up refers to is nearly always something that the
last turns were about: their answers, the names in their questions, the documents they cited. Which of these a
pronoun means follows from how the documents themselves speak of it ("he", "she", "it").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agentcore.workflow.reading.question import answer_kind
from agentcore.workflow.reading.words import bare_title

__all__ = ["Exchange", "Reference", "depends_on_conversation", "reference_of", "stand_alone"]

Reference = Literal["he", "she", "person", "it", "place", "unknown"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier turn of a conversation.

    Attributes
    ----------
    question : str
        As it was understood: able to stand alone.
    answer : str
        What was answered; empty or "not found" when nothing was.
    titles : tuple of str
        Titles of the documents it cited, the one the answer stands in first.
    """

    question: str
    answer: str
    titles: tuple[str, ...] = ()


_NAME = re.compile(
    r"[^\W\d_a-z][\w’'.-]*(?:\s+(?:(?:of|the|de|van|von|der|la|da|di|del|du)\s+){0,2}[^\W\d_a-z][\w’'.-]*)*"
)
_FIRST_WORDS = frozenset(
    (
        "a", "an", "and", "are", "at", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had",
        "has", "have", "he", "her", "his", "how", "i", "if", "in", "is", "it", "its", "on", "or", "she", "so",
        "tell", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "was",
        "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "would",
    )
)  # fmt: skip
_PRONOUN = re.compile(
    r"\b(?P<he>he|him|his|himself)\b|\b(?P<she>she|her|hers|herself)\b|\b(?P<they>they|them|their|theirs)\b"
    r"|\b(?P<it>it|its|itself)\b|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\b(?P<place>there)\b(?! (?:is|are|was|were)\b)"
    r"|\b(?:this|these|those|(?P<that>that))\s+(?P<noun>[a-z]{3,})\b",
    re.IGNORECASE,
)
# "that" points back behind one of these; elsewhere it begins a clause ("the man that invented").
_BEFORE_THAT = frozenset(
    (
        "about", "at", "by", "did", "does", "for", "from", "in", "is", "near", "of", "on", "through", "to", "under",
        "was", "were", "with",
    )
)  # fmt: skip
_POSSESSIVE = re.compile(r"(?:his|its|their|her)\Z", re.IGNORECASE)
_LEAD = re.compile(r"^\s*(?:and|but|so|then|also|ok|okay)\b[\s,]*(?=\S)", re.IGNORECASE)
_WHAT_ABOUT = re.compile(r"^\s*(?:and\s+)?(?:what|how)\s+about\s+(?P<thing>.+?)\s*\??\s*$", re.IGNORECASE)
_AND_THING = re.compile(
    r"^\s*(?:and|or)\s+(?P<thing>(?:(?:in|for|of|on|at|by|the|a|an)\s+)*[\w’'.-]+(?:\s+[\w’'.-]+){0,3}?)\s*\?\s*$",
    re.IGNORECASE,
)
_WH = re.compile(r"\b(?:who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)
_NO_ANSWERS = frozenset(("", "yes", "no", "not found"))


def depends_on_conversation(question: str) -> bool:
    """Tell whether a question may need the turns before it: a pronoun without its name, a lead-in, or no name at all."""
    if _LEAD.match(question) or _WHAT_ABOUT.match(question):
        return True
    return bool(_anaphora(question)) or not list(names_in(question))


def stand_alone(question: str, exchanges: Sequence[Exchange], reference: Callable[[str], Reference]) -> str:
    """Return the question with what it refers to put in.

    Parameters
    ----------
    question : str
        As it was asked.
    exchanges : sequence of Exchange
        The turns before it, oldest first.
    reference : callable
        How the documents speak of a name (:func:`reference_of` of a document about it).

    Returns
    -------
    str
        The same question when it refers to nothing that is known.
    """
    if not exchanges:
        return question
    compared = _WHAT_ABOUT.match(question) or (None if _WH.search(question) else _AND_THING.match(question))
    if compared is not None and not _PRONOUN.fullmatch(compared["thing"]):
        return _with_other_thing(exchanges[-1].question, compared["thing"])
    text = _LEAD.sub("", question)
    text = text[:1].upper() + text[1:]
    candidates = list(_candidates(exchanges))
    for match in reversed(_anaphora(text)):
        chosen = _antecedent(match, candidates, reference)
        if chosen is not None:
            ending = "'s" if _is_possessive(match, text) else ""
            before = "in " if match["place"] else ""
            text = f"{text[: match.start()]}{before}{chosen}{ending}{text[match.end() :]}"
    if not list(names_in(text)) and candidates and len(text.split()) <= 4 and not _anaphora(text):
        return (
            f"{text.rstrip(' ?')}: {exchanges[-1].question}"  # "In which year?" asks on about the same thing
        )
    return text


def reference_of(text: str) -> Reference:
    """Return how a document speaks of what it is about: by the pronoun that it uses most."""
    counts = dict.fromkeys(("he", "she", "it"), 0)
    for match in re.finditer(r"\b(?:(he|him|his)|(she|her|hers)|(it|its))\b", text, re.IGNORECASE):
        counts[("he", "she", "it")[(match.lastindex or 1) - 1]] += 1
    if answer_kind(f"which {_what_it_is(text)}") == "place":
        return "place"
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "unknown"  # type: ignore[return-value]  # a key of counts


def names_in(text: str) -> Iterator[str]:
    """Yield the names in a text; a capital that only begins the sentence is none."""
    for match in _NAME.finditer(text):
        words = match.group().split()
        begins = not text[: match.start()].rstrip() or text[: match.start()].rstrip()[-1] in ".?!:"
        if begins and words[0].lower() in _FIRST_WORDS:
            words = words[1:]
        if words and words[0][0].isupper() and (len(words[0]) > 1 or len(words) > 1):
            yield " ".join(words).removesuffix("'s").removesuffix("’s").rstrip(".")


def _anaphora(question: str) -> list[re.Match[str]]:
    """Return the pronouns that no name of the same question comes before."""
    first = next(names_in(question), None)
    limit = question.find(first) if first is not None else len(question)
    return [
        match
        for match in _PRONOUN.finditer(question)
        if match.start() < limit and (not match["that"] or _word_before(match, question) in _BEFORE_THAT)
    ]


def _word_before(match: re.Match[str], text: str) -> str:
    """Return the word in front of a match, in lower case."""
    words = text[: match.start()].split()
    return words[-1].lower() if words else ""


def _candidates(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, Reference]]:
    """Yield what may be meant, the likeliest first, with what its turn says of its kind."""
    for exchange in reversed(exchanges):
        kind = answer_kind(exchange.question)
        is_thing = kind in ("person", "place", "other")
        if exchange.answer.strip().lower() not in _NO_ANSWERS and is_thing and len(exchange.answer) <= 80:
            yield exchange.answer.strip(" ."), kind if kind in ("person", "place") else "unknown"
        for title in exchange.titles:
            yield bare_title(title), "unknown"
        for name in names_in(exchange.question):
            yield name, "unknown"


def _antecedent(
    match: re.Match[str], candidates: Sequence[tuple[str, Reference]], reference: Callable[[str], Reference]
) -> str | None:
    """Return the first candidate that the documents speak of as the question does, else the first of unknown kind."""
    wanted = _wanted(match)
    unknown: str | None = None
    for name, known in candidates:
        kind = reference(name)
        kind = known if kind == "unknown" else kind
        if kind in wanted:
            return name
        if unknown is None and kind == "unknown":
            unknown = name
    return unknown


def _wanted(match: re.Match[str]) -> tuple[Reference, ...]:
    """Return the kinds that a pronoun can mean."""
    if match["noun"]:
        kind = answer_kind(f"which {match['noun']}")
        return {"person": ("he", "she", "person"), "place": ("place",)}.get(kind, ("it",))  # type: ignore[return-value]
    if match["he"]:
        return ("he", "person")
    if match["she"]:
        return ("she", "person")
    if match["they"]:
        return ("he", "she", "person", "it")
    return ("place",) if match["place"] else ("it", "place")


def _is_possessive(match: re.Match[str], text: str) -> bool:
    """Tell "her mother" from "with her"."""
    if not _POSSESSIVE.match(match.group()):
        return False
    return match.group().lower() != "her" or bool(
        re.match(r"\s+(?!in\b|at\b|on\b|to\b|with\b|from\b|and\b|or\b|die\b|for\b)[a-z]", text[match.end() :])
    )


def _with_other_thing(question: str, thing: str) -> str:
    """Ask the last question about something else: it takes the place of the last question's name."""
    thing = re.sub(r"^(?:in|for|of|on|at|by)\s+", "", thing.strip(" ?"))
    names = list(names_in(question))
    if len(names) == 1:
        return question.replace(names[0], thing)
    return f"{question.rstrip(' ?')}: {thing}?"


def _what_it_is(text: str) -> str:
    """Return the words behind "is a" of a document's first sentence."""
    found = re.search(r"\b(?:is|was) (?:an?|the)\s+((?:[\w-]+\s+){0,4}[\w-]+)", text[:300])
    return found[1] if found else ""
