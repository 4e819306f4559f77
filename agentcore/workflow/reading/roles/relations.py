"""Where in a sentence stands who is the captain, the mother or the capital of somebody or something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.lexicon import BE
from agentcore.workflow.reading.roles.asked import Asked
from agentcore.workflow.reading.roles.phrases import pieces, reach_back, reach_forward
from agentcore.workflow.reading.roles.predicates import MARRIAGE, converses, predicates_of
from agentcore.workflow.reading.roles.slots import SUBJECT, Slot, phrase_slots
from agentcore.workflow.reading.roles.tokens import ARTICLES, OWNERS, PRONOUNS, Token, tokens_of

__all__ = ["relation_slots"]

_OTHER_FORM = 0.8  # of "produced by" for "producer"
_BEFORE = 0.9  # of a name before its noun ("X, the captain of Y")
_LONGEST_TITLE = 6  # words between a noun and the mark or verb before it


def relation_slots(text: str, asked: Asked) -> Iterator[Slot]:
    """Yield who or what the noun of a question is said of, told from either side.

    "X is the captain of Y", "its captain, X", "her husband was X"; for "father" also "son of X", whose first name is the
    father's and whose second the mother's; for a spouse also "married X".
    """
    tokens = tokens_of(text)
    others = converses(asked.word)
    for place, token in enumerate(tokens):
        if token.is_mark:
            continue
        is_same = token.low == asked.word or bool(predicates_of(token.text) & asked.predicates)
        if MARRIAGE in asked.predicates and is_same and token.is_participle:
            yield from _married(tokens, place)
        elif is_same and (token.low == asked.word or token.low not in others):
            weight = 1.0 if token.low == asked.word else _OTHER_FORM
            for slot in _held(tokens, place, asked.preposition):
                yield Slot(slot.start, slot.end, slot.weight * weight) if slot is not SUBJECT else slot
        if token.low in others:
            yield from _from_other_side(tokens, place, asked.word)


def _held(tokens: Sequence[Token], noun: int, preposition: str | None) -> Iterator[Slot]:
    """Yield the name behind or before a noun."""
    place = noun + 1
    if place < len(tokens) and tokens[place].low == preposition:  # "a sequel to X"
        yield from phrase_slots(tokens, place + 1, reach_forward(tokens, place + 1, is_list=False))
        return
    if place < len(tokens) and tokens[place].low == "of":
        place = reach_forward(tokens, place + 1, is_list=False)
    if place < len(tokens) and tokens[place].text in ",(":
        place += 1
    if place < len(tokens) and (tokens[place].low in BE or tokens[place].low == "by"):
        place += 1
    if place < len(tokens) and (tokens[place].is_capital or tokens[place].low in ARTICLES):
        yield from phrase_slots(tokens, place, reach_forward(tokens, place, is_list=False))
    is_of_subject = tokens[0].low in PRONOUNS and len(tokens) > 1 and tokens[1].low in BE
    if is_of_subject and tokens[noun - 1].low not in OWNERS:
        yield SUBJECT  # "he was the captain of X"
    before = noun
    while before and noun - before < _LONGEST_TITLE:
        last = tokens[before - 1]
        if last.is_mark or last.is_capital or last.low in BE | {"as"} or last.is_preposition:
            break
        before -= 1
    if before > 1 and (tokens[before - 1].text == "," or tokens[before - 1].low in BE | {"as"}):
        end = before - 1
        while end and tokens[end - 1].is_verb:  # "X serving as the captain"
            end -= 1
        yield from phrase_slots(tokens, reach_back(tokens, end), end, _BEFORE)


def _from_other_side(tokens: Sequence[Token], noun: int, word: str) -> Iterator[Slot]:
    """Yield the name behind "of" and the other side's noun: the father is the first one of "son of A and B"."""
    place = noun + 1
    if place < len(tokens) and tokens[place].low in ("of", "to"):
        end = reach_forward(tokens, place + 1)
        names = pieces(tokens, place + 1, end)
        if word == "father":
            names = names[:1]
        elif word == "mother" and len(names) > 1:
            names = names[1:]
        for first, last in names:
            yield from phrase_slots(tokens, first, last)
    elif place < len(tokens) and tokens[place].is_capital and word in converses(word):
        yield from phrase_slots(tokens, place, reach_forward(tokens, place, is_list=False))


def _married(tokens: Sequence[Token], verb: int) -> Iterator[Slot]:
    """Yield both sides of "married"."""
    start = verb + 1
    if start < len(tokens) and tokens[start].low == "to":
        start += 1
    yield from phrase_slots(tokens, start, reach_forward(tokens, start, is_list=False))
    if verb and tokens[verb - 1].is_capital:
        yield from phrase_slots(tokens, reach_back(tokens, verb), verb, _BEFORE)
