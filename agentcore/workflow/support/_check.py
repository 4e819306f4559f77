"""The check as a whole: numbers, names, negation, relations, overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.support._negation import negation_problems, opposite_problems, without_quantities
from agentcore.workflow.support._numbers import number_problems
from agentcore.workflow.support._relations import relation_problems
from agentcore.workflow.support._text import Token, content, read

__all__ = ["Verdict", "check_support"]

# A paraphrase may change many words; with more than two thirds gone the span speaks of something else.
_MISSING_SHARE = 2 / 3


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


def check_support(claim: str, spans: Sequence[str]) -> Verdict:
    """Return what in a claim its spans do not support.

    Parameters
    ----------
    claim : str
        A sentence.
    spans : sequence of str
        What it cites; read together.

    Notes
    -----
    Rules, no inference: a paraphrase that turns every word around can be marked although it is right, and a wrong
    claim that uses only words of the span in the same order can pass.
    """
    ours = read(without_quantities(claim))
    theirs = read(without_quantities("\n\n".join(spans)))
    found = [
        *number_problems(ours, theirs),
        *_name_problems(ours, theirs),
        *negation_problems(ours, theirs),
        *opposite_problems(ours, theirs),
        *relation_problems(ours, theirs),
    ]
    return Verdict(tuple(dict.fromkeys(found or _overlap_problems(ours, theirs))))


def _name_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield names of the claim that no span has."""
    known = {token.lemma for token in spans} | {token.text.lower() for token in spans}
    parts = {part for token in spans for part in token.text.lower().split("-")}
    for place, token in enumerate(claim):
        opens_name = token.opens and place + 1 < len(claim) and claim[place + 1].is_name
        if not (token.is_name or opens_name) or token.text in ("The", "A", "An", "I"):
            continue
        if token.lemma not in known and token.text.lower() not in known and token.text.lower() not in parts:
            yield f"the name {token.text!r} is in no cited span"


def _overlap_problems(claim: list[Token], spans: list[Token]) -> list[str]:
    """Say so when the spans have almost none of the claim's words."""
    known = {token.lemma for token in spans}
    words = content(claim)
    missing = [token.text for token in words if token.lemma not in known and token.number is None]
    if words and len(missing) > _MISSING_SHARE * len(words):
        return [f"the cited spans do not speak of: {', '.join(missing[:5])}"]
    return []
