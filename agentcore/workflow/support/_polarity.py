"""What is denied, opposite or only possible in the spans must not be asserted, and the other way round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._matching import counterparts, opposite_words
from agentcore.workflow.support._text import Token

__all__ = ["polarity_problems"]

_RESTRICTING = frozenset(("who", "which", "if", "whether", "unless", "when", "while"))
_CERTAIN = frozenset(("certainly", "definitely", "surely", "undoubtedly", "proven", "always"))
_POSSIBLE = frozenset(("can", "could", "allowed", "permitted", "possible", "possibly"))


def polarity_problems(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield clauses of the claim whose counterparts all say the opposite, or say it with a doubt that the claim lacks."""
    for clause in claim:
        if clause.tokens[0].low in _RESTRICTING or clause.is_unrivalled:
            continue
        found = [(other, _conflict(clause, other)) for other in counterparts(clause, spans)]
        if found and all(problem for _, problem in found):
            yield str(found[0][1])
            return
        is_open = clause.is_hedged or any(token.low in _POSSIBLE for token in clause.tokens)
        if found and not is_open and all(other.is_hedged for other, _ in found):
            yield "the cited spans do not say that it is certain"
            return
        if any(token.low in _CERTAIN for token in clause.tokens) and spans:
            closest = max(spans, key=lambda other: len(clause.bag & other.bag))
            if closest.is_hedged:
                yield "the cited spans do not say that it is certain"
                return
    yield from _loose_opposites(claim, spans)
    yield from _taken_away(claim, spans)


def _conflict(ours: Clause, theirs: Clause) -> str | None:
    """Return what the other clause says to the contrary: one of denial and opposite turns the sense, both keep it."""
    if ours.is_denied and any(token.low in ("except", "unless") for token in theirs.tokens):
        return None
    opposite = None
    if not (ours.compares and theirs.compares):
        opposite = opposite_words(ours.tokens, theirs.tokens)
    if (ours.is_denied != theirs.is_denied) == (opposite is not None):
        return None
    if opposite is not None:
        return f"the cited spans say {opposite[1]!r}, not {opposite[0]!r}"
    said = theirs.verb.text if theirs.verb is not None else "it"
    return f"the cited spans {'deny' if theirs.is_denied else 'do not deny'} {said!r}"


def _loose_opposites(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield opposites in the clause that shares most words, where neither side denies or compares."""
    for clause in claim:
        shared = [len(clause.bag & other.bag) for other in spans]
        if not shared or max(shared) < 1:
            continue
        best = [other for other, count in zip(spans, shared, strict=True) if count == max(shared)]
        plain = not clause.is_denied and not clause.compares and clause.tokens[0].low not in _RESTRICTING
        found = [opposite_words(clause.tokens, other.tokens) for other in best]
        if plain and all(found) and not any(other.is_denied or other.compares for other in best):
            assert found[0] is not None
            yield f"the cited spans say {found[0][1]!r}, not {found[0][0]!r}"
            return


def _taken_away(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield nouns that only one side goes without."""
    ours, theirs = [t for c in claim for t in c.tokens], [t for c in spans for t in c.tokens]
    is_denied = any(clause.is_denied for clause in claim)
    gone, gone_there = _missing(ours), _missing(theirs)
    counts = Counter(token.lemma for token in theirs)
    for base, word in gone_there.items():
        if (
            not is_denied
            and base not in gone
            and counts[base] == 1
            and any(token.lemma == base for token in ours)
        ):
            yield f"the cited spans deny {word!r}"


def _missing(tokens: Sequence[Token]) -> dict[str, str]:
    """Return the nouns that "without" or "no" takes away, by lemma."""
    gone: dict[str, str] = {}
    for place, token in enumerate(tokens):
        if token.low not in ("without", "no") or (place and tokens[place - 1].is_name):
            continue
        for other in tokens[place + 1 : place + 4]:
            if other.gap or other.low in ("of", "in", "on", "for", "to", "with", "that", "being"):
                break
            if other.is_content and other.number is None:
                gone[other.lemma] = other.text
    return gone
