"""Where in a sentence stands what a question asks for: agents, objects and circumstances of its verb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import AUXILIARIES, BE, MONTHS
from agentcore.workflow.reading.roles.asked import Asked
from agentcore.workflow.reading.roles.phrases import pieces, reach_back, reach_forward
from agentcore.workflow.reading.roles.predicates import BIRTH, DEATH, PLACE, WORKS, WRITING, predicates_of
from agentcore.workflow.reading.roles.tokens import LOCAL_PREPOSITIONS, PRONOUNS, RELATIVES, Token, tokens_of

__all__ = ["SUBJECT", "Slot", "phrase_slots", "verb_slots"]

_NEXT = 0.85  # of the weight of the noun phrase before it in a list
_PART = 0.8  # of a phrase that is cut at "of", or of a whole list
_NAME_PART = 0.3  # of what stands behind "of" in a name
_FURTHER = 0.8  # of the weight of the circumstance before it
_OTHER_PREPOSITION = 0.5
_OTHER_VERB = 0.5  # of circumstances behind another participle
_BEFORE_VERB = 0.7  # of circumstances before the verb and phrases right behind it
_REACH = 12  # words between a verb and its "by"
_NAMING = frozenset(("called", "named", "known", "titled", "nicknamed", "dubbed", "renamed"))
_CASTING = frozenset(("stars", "star", "starring", "starred", "features", "featuring", "featured", "cast"))
_LINKS = frozenset(("also", "then", "first", "later", "who", "which", "that", "and"))
_LIFE = re.compile(r"\(([^()]*?\d{3,4}[^()]*)\)")
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{3,4}|[A-Z][a-z]+ \d{1,2},? \d{3,4}|\b\d{3,4}\b")
_LIFE_PLACE = re.compile(r"\b(?:in|at) (?P<place>[A-Z][\w'’-]*(?:[ -][A-Z][\w'’-]*)*)")
_OPENING = 300  # characters of a document's first sentence that may give a life


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a sentence that may be what is asked for.

    Attributes
    ----------
    start, end : int
        Offsets into the sentence.
    weight : float
        How surely it is, in (0, 1].
    """

    start: int
    end: int
    weight: float


SUBJECT = Slot(-1, -1, _PART)  # "he", "it": what the document is about


def verb_slots(text: str, asked: Asked, *, opens: bool) -> Iterator[Slot]:
    """Yield where the verb of a question, or a noun for what it tells, puts what is asked for.

    Parameters
    ----------
    text : str
        One sentence.
    opens : bool
        It is the first of its document, which may give a life in parentheses.
    """
    tokens = tokens_of(text)
    for place, token in enumerate(tokens):
        if token.is_mark:
            continue
        if asked.role == "agent" and WRITING in asked.predicates and token.low in WORKS:  # "the novel ... by"
            yield from _by(tokens, place)
        if asked.role == "circumstance" and PLACE in asked.predicates and _is_said_of(tokens, place):
            yield from _circumstances(tokens, place, asked.preposition)
        if not predicates_of(token.text) & asked.predicates:
            continue
        is_noun = not (token.is_main_verb or token.is_participle)
        if asked.role == "object" and is_noun:
            if place + 1 < len(tokens) and tokens[place + 1].low == "of":  # "founder of"
                end = reach_forward(tokens, place + 2, is_list=False)
                yield from phrase_slots(tokens, place + 2, end)
        elif asked.role == "agent":
            yield from _agents(tokens, place)
        elif asked.role == "object":
            yield from _objects(tokens, place)
        elif asked.role == "circumstance":
            yield from _circumstances(tokens, place, asked.preposition)
    if opens and asked.role == "circumstance":
        yield from _life(text, asked)


def _is_said_of(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a form of "be" says what something is: "X is a town in Y"."""
    return tokens[place].low in BE and place + 1 < len(tokens) and tokens[place + 1].low in ("a", "an", "the")


def phrase_slots(tokens: Sequence[Token], start: int, end: int, weight: float = 1.0) -> Iterator[Slot]:
    """Yield the noun phrases between two places, the first most likely; their names alone; and all of a list."""
    found = pieces(tokens, start, end)
    for number, (first, last) in enumerate(found):
        value = weight * _NEXT**number
        yield Slot(tokens[first].start, tokens[last - 1].end, value)
        name = next((i for i in range(first, last) if tokens[i].is_capital), first)
        if name != first:
            yield Slot(tokens[name].start, tokens[last - 1].end, value)
        yield from (
            Slot(t.start, t.end, value) for t in tokens[first:last] if " " in t.text
        )  # a title in quotes
        of = next((i for i in range(first + 1, last - 1) if tokens[i].low == "of"), None)
        if of is not None:
            yield Slot(tokens[first].start, tokens[of - 1].end, value * _PART)
            is_name = tokens[
                of - 1
            ].is_capital  # "Count Walter IV of Brienne" is one, "gorge of the River Avon" is not
            yield Slot(tokens[of + 1].start, tokens[last - 1].end, value * (_NAME_PART if is_name else _PART))
    if len(found) > 1:
        yield Slot(tokens[found[0][0]].start, tokens[found[-1][1] - 1].end, weight * _PART)


def _by(tokens: Sequence[Token], verb: int) -> Iterator[Slot]:
    place = _by_place(tokens, verb)
    if place is not None:
        yield from phrase_slots(tokens, place + 1, reach_forward(tokens, place + 1))


def _by_place(tokens: Sequence[Token], verb: int) -> int | None:
    """Return where the "by" of a verb stands: before any other verb."""
    for place in range(verb + 1, min(len(tokens), verb + _REACH)):
        if tokens[place].low == "by":
            return place
        if tokens[place].is_verb or tokens[place].text in ";:":
            return None
    return None


def _is_passive(tokens: Sequence[Token], verb: int) -> bool:
    if not tokens[verb].is_participle:
        return False
    behind = {token.low for token in tokens[max(0, verb - 4) : verb]}
    return bool(BE & behind) or _by_place(tokens, verb) is not None


def _subject(tokens: Sequence[Token], verb: int) -> Iterator[Slot]:
    """Yield the noun phrase before a verb, or the document's subject for a pronoun."""
    end = verb
    while end and (tokens[end - 1].low in AUXILIARIES | _LINKS or tokens[end - 1].low.endswith("ly")):
        end -= 1
        if tokens[end].low == "and":  # "he wrote X and directed Y"
            earlier = next((i for i in range(end - 1, -1, -1) if tokens[i].is_main_verb), None)
            if earlier is not None:
                yield from _subject(tokens, earlier)
            return
    if end and tokens[end - 1].low in PRONOUNS:
        yield SUBJECT
        return
    yield from phrase_slots(tokens, reach_back(tokens, end), end)


def _agents(tokens: Sequence[Token], verb: int) -> Iterator[Slot]:
    token = tokens[verb]
    if not token.is_main_verb and not token.is_participle:  # "its inventor, X", "inventor X"
        yield from _appositions(tokens, verb)
    elif token.low in _CASTING:
        yield from phrase_slots(tokens, verb + 1, reach_forward(tokens, verb + 1))
    elif token.is_participle and _by_place(tokens, verb) is not None:
        yield from _by(tokens, verb)
    elif not _is_passive(tokens, verb):
        yield from _subject(tokens, verb)


def _appositions(tokens: Sequence[Token], noun: int) -> Iterator[Slot]:
    """Yield the name before or behind the noun for who does it."""
    place = noun + 1
    if place < len(tokens) and tokens[place].low == "of":
        place = reach_forward(tokens, place + 1, is_list=False)
    if place < len(tokens) and tokens[place].text == ",":
        place += 1
    if place < len(tokens) and (tokens[place].low in BE or tokens[place].low == "by"):
        place += 1
    if place < len(tokens) and tokens[place].is_capital:
        yield from phrase_slots(tokens, place, reach_forward(tokens, place, is_list=False))
    before = noun
    while before and not (tokens[before - 1].is_mark or tokens[before - 1].low in BE | {"as"}):
        if tokens[before - 1].is_capital or tokens[before - 1].is_preposition:
            return
        before -= 1
    if before > 1:
        yield from phrase_slots(tokens, reach_back(tokens, before - 1), before - 1, _PART)


def _objects(tokens: Sequence[Token], verb: int) -> Iterator[Slot]:
    if _is_passive(tokens, verb):
        yield from _subject(tokens, verb)
        if tokens[verb].low not in _NAMING:
            return
    start = verb + 1
    while start < len(tokens) and tokens[start].low in ("as", "by"):
        start += 1
    end = reach_forward(tokens, start)
    yield from phrase_slots(tokens, start, end)
    if end < len(tokens) and tokens[end].low in _NAMING:  # "owned a studio named X"
        yield from phrase_slots(tokens, end + 1, reach_forward(tokens, end + 1, is_list=False))


def _circumstances(tokens: Sequence[Token], verb: int, preposition: str | None) -> Iterator[Slot]:
    """Yield what prepositions behind the verb open, the nearest most likely, and what opens the sentence."""
    number, share = 0, 1.0
    for place in range(verb + 1, len(tokens)):
        token = tokens[place]
        if token.is_participle and number:  # "was found in 2022, well preserved, at"
            share = _OTHER_VERB
        elif token.text == ";" or token.low in RELATIVES or (token.is_verb and number):
            break
        if token.is_preposition and (token.low != "by" or preposition == "by"):
            fit = 1.0 if preposition in (None, token.low) else _OTHER_PREPOSITION
            end = reach_forward(tokens, place + 1)
            yield from phrase_slots(tokens, place + 1, end, share * fit * _FURTHER**number)
            number += 1
        elif place == verb + 1 and token.is_capital:
            weight = 1.0 if token.text[0].isdigit() or token.low in MONTHS else _BEFORE_VERB
            yield from phrase_slots(tokens, place, reach_forward(tokens, place), weight)
    if tokens[0].is_preposition:  # "In 1906 he ..."
        end = reach_forward(tokens, 1, is_list=False)
        if end < verb:
            yield from phrase_slots(tokens, 1, end, _BEFORE_VERB)


def _life(text: str, asked: Asked) -> Iterator[Slot]:
    """Yield the day and the place of birth or death that an opening gives in parentheses."""
    is_birth = BIRTH in asked.predicates
    match = _LIFE.search(text[:_OPENING])
    if match is None or not (is_birth or DEATH in asked.predicates):
        return
    parts = re.split(r"\s[–—-]\s?|[–—]", match.group(1))
    if len(parts) < 2:
        return
    start = match.start(1) if is_birth else match.start(1) + match.group(1).rindex(parts[-1])
    part = parts[0] if is_birth else parts[-1]
    if asked.preposition in (None, "in", "on"):
        day = _DAY.search(part)
        if day is not None:
            yield Slot(start + day.start(), start + day.end(), 1.0)
            yield Slot(start + day.end() - len(day.group().split()[-1]), start + day.end(), 1.0)
    if asked.preposition in {None, *LOCAL_PREPOSITIONS}:
        place = _LIFE_PLACE.search(part)
        if place is not None:
            yield Slot(start + place.start("place"), start + place.end("place"), 1.0)
