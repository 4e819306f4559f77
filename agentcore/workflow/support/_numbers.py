"""Numbers: each stands in a span and counts the same thing there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.support._text import Token

__all__ = ["number_problems"]

_PLACES = frozenset(("calendar", "date", "ordinal"))


def number_problems(claim: Sequence[Token], spans: Sequence[Token]) -> Iterator[str]:
    """Yield numbers of the claim that no span has, or has with another measure only."""
    for token in claim:
        if token.number is None:
            continue
        there = [other for other in spans if other.number == token.number]
        if not there:
            yield f"the number {token.text} is in no cited span"
        elif token.measure and all(other.measure != token.measure for other in there):
            others = {other.measure for other in there if other.measure}
            if others and len(others) == len({*others} - _PLACES):
                yield f"the cited spans say {token.text} {sorted(others)[0]}, not {token.measure}"
