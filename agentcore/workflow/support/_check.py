"""The check as a whole: numbers, names, polarity, quantities, order, roles, binding, overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import MONTHS
from agentcore.workflow.reading.passages import Encoder
from agentcore.workflow.support._binding import binding_problems
from agentcore.workflow.support._clauses import Clause, clauses_of
from agentcore.workflow.support._fillers import filler_problems
from agentcore.workflow.support._kinship import kin_problems
from agentcore.workflow.support._numbers import number_problems
from agentcore.workflow.support._orders import order_problems
from agentcore.workflow.support._polarity import polarity_problems
from agentcore.workflow.support._quantities import quantity_problems
from agentcore.workflow.support._roles import role_problems
from agentcore.workflow.support._text import Token, content, read
from agentcore.workflow.support._ways import way_problems

__all__ = ["Verdict", "check_support"]

# A paraphrase may change many words; with more than two thirds gone the span speaks of something else.
_MISSING_SHARE = 2 / 3
# Of 44 pairs of synonyms in the frame three quarters lie above it, of 42 pairs of other nouns of one kind one in six.
_SAME_SENSE = 0.8
_FRAME = "They dealt with the {} in the town."
# "No more than six" asserts something: it denies nothing that is named.
_BOUNDS = re.compile(
    r"\b(?:no|not)\s+(?:more|less|fewer|later|earlier|longer|only|just|merely|least)\b(?:\s+than)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    problems : tuple of str
        What the spans do not support, in words; empty when nothing was found.
    """

    problems: tuple[str, ...]

    @property
    def is_supported(self) -> bool:
        """Whether nothing was found against the claim."""
        return not self.problems


def check_support(claim: str, spans: Sequence[str], *, encoder: Encoder | None = None) -> Verdict:
    """Return what in a claim its spans do not support.

    Parameters
    ----------
    claim : str
        A sentence.
    spans : sequence of str
        What it cites; read together.
    encoder : Encoder, optional
        Tells synonyms by sentence vectors; asked only where one noun alone is new. Without it such a noun is marked.

    Notes
    -----
    Rules over clauses, no inference: a paraphrase that turns every word around can be marked although it is right, and a
    wrong claim whose fault no rule knows can pass.
    """

    def are_alike(word: str, other: str) -> bool:
        return encoder is not None and _similarity(encoder, word, other) >= _SAME_SENSE

    ours = read(_BOUNDS.sub("up to", claim))
    theirs = read(_BOUNDS.sub("up to", "\n\n".join(spans)))
    said, known = clauses_of(ours), clauses_of(theirs)
    found = [
        *number_problems(ours, theirs),
        *_name_problems(ours, theirs),
        *kin_problems(ours, theirs, said, known),
        *polarity_problems(said, known),
        *quantity_problems(said, known),
        *order_problems(ours, theirs),
        *role_problems(said, known),
        *way_problems(said, known),
        *_apart_within(said, known, spans),
        *filler_problems(said, known, are_alike),
    ]
    return Verdict(tuple(dict.fromkeys(found or _overlap_problems(ours, theirs))))


def _apart_within(said: Sequence[Clause], known: Sequence[Clause], spans: Sequence[str]) -> Iterator[str]:
    """Yield words that one span keeps apart; those of different spans are what an answer in two steps joins."""
    problems = list(binding_problems(said, known))
    if len(spans) == 1 or any(
        any(binding_problems(said, clauses_of(read(_BOUNDS.sub("up to", span))))) for span in spans
    ):
        yield from problems


def _similarity(encoder: Encoder, word: str, other: str) -> float:
    """Return the cosine of two nouns in one short sentence, where they lie apart better than alone or in a long one."""
    first, second = encoder.encode([_FRAME.format(word), _FRAME.format(other)]).pooled
    return float(first @ second)


def _name_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield names of the claim that no span has."""
    known = {token.lemma for token in spans} | {token.low for token in spans}
    parts = {part for token in spans for part in token.low.split("-")}
    for place, token in enumerate(claim):
        opens_name = token.opens and place + 1 < len(claim) and claim[place + 1].is_name
        is_time = token.low in MONTHS and token.text[0].isupper()
        if not (token.is_name or opens_name or is_time) or token.text in ("The", "A", "An", "I"):
            continue
        if token.lemma not in known and token.low not in known and token.low not in parts:
            yield f"the name {token.text!r} is in no cited span"


def _overlap_problems(claim: list[Token], spans: list[Token]) -> list[str]:
    """Say so when the spans have almost none of the claim's words."""
    known = {token.lemma for token in spans}
    words = content(claim)
    missing = [token.text for token in words if token.lemma not in known and token.number is None]
    if words and len(missing) > _MISSING_SHARE * len(words):
        return [f"the cited spans do not speak of: {', '.join(missing[:5])}"]
    return []
