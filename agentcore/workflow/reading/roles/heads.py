"""What a sentence calls by the noun a question asks with: "the president Hugo Chávez" for "which president"."""

from __future__ import annotations

from collections.abc import Iterator

from agentcore.workflow.reading.lexicon import BE
from agentcore.workflow.reading.roles.phrases import reach_forward
from agentcore.workflow.reading.roles.slots import Slot, phrase_slots
from agentcore.workflow.reading.roles.tokens import tokens_of
from agentcore.workflow.reading.words import stem

__all__ = ["head_slots"]

_LONGEST_TITLE = 6  # words between a noun and the verb or article before it


def head_slots(text: str, head: str) -> Iterator[Slot]:
    """Yield the names that stand beside a noun: "president X", "province of X", "X Prize", "X is an opera".

    Parameters
    ----------
    text : str
        One sentence.
    head : str
        The noun, in lower case.
    """
    tokens = tokens_of(text)
    key = stem(head)
    for place, token in enumerate(tokens):
        if token.is_mark or stem(token.low) != key:
            continue
        behind = tokens[place + 1] if place + 1 < len(tokens) else None
        if behind is not None and behind.is_capital:
            yield from phrase_slots(tokens, place + 1, reach_forward(tokens, place + 1, is_list=False))
        elif behind is not None and behind.low == "of":
            yield from phrase_slots(tokens, place + 2, reach_forward(tokens, place + 2, is_list=False))
        start = place
        while start and tokens[start - 1].is_capital:
            start -= 1
        if start < place:  # "New Line label", "Fairfax County"
            yield Slot(tokens[start].start, tokens[place - 1].end, 1.0)
            yield Slot(tokens[start].start, token.end, 1.0)
            continue
        before = place
        while before and place - before < _LONGEST_TITLE and not tokens[before - 1].is_mark:
            if tokens[before - 1].low in BE:
                yield from phrase_slots(tokens, 0, reach_forward(tokens, 0, is_list=False))
                break
            if tokens[before - 1].is_preposition:
                break
            before -= 1
