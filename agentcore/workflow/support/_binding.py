"""What belongs together: numbers, places and names stay with what the spans put them with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.lexicon import MONTHS
from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._matching import same_predicate
from agentcore.workflow.support._text import Token

__all__ = ["binding_problems"]


def binding_problems(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield pairs of the claim that no clause of the spans holds, where each holder has a rival for one of them."""
    for clause in claim:
        for token, slot, other in _pairs(clause):
            if _are_apart(token, slot, other, clause, spans):
                yield f"the cited spans do not put {token.text} and {other.text} together"
                return


def _pairs(clause: Clause) -> Iterator[tuple[Token, str, Token]]:
    """Yield what must stay together: numbers and names with every word, common nouns with the verb and with names."""
    words = [
        (token, slot)
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if slot != "than" and token.is_content and token.low not in MONTHS and token.measure != "date"
    ]
    for token, slot in words:
        is_typed = token.number is not None or token.is_name
        is_circumstance = slot not in ("agent", "patient")
        for other, _ in words:
            goes_with = is_typed or other is clause.verb or (other.is_name and is_circumstance)
            if goes_with and other is not token and other.lemma not in (token.lemma, token.measure):
                yield token, slot, other


def _are_apart(token: Token, slot: str, other: Token, ours: Clause, spans: Sequence[Clause]) -> bool:
    """Tell whether each clause with the other word has a rival of the token, and none has both."""
    having = [c for c in spans if _has(c, token, slot, ours)]
    holders = [clause for clause in spans if _own(clause, other) or other.lemma in clause.subject]
    if (
        token.number is None and not token.is_name
    ):  # a common noun may be called otherwise in another sentence
        sentences = {clause.tokens[0].sentence for clause in having}
        holders = [c for c in holders if c.tokens[0].sentence in sentences]
        if any(
            _own(c, token)
            and (_own(c, other) or _is_verb_of(other, ours, c) or (c.is_gapped and other.lemma in c.taken))
            for c in having
        ):
            return False
        return bool(holders and having) and all(_rival(token, slot, ours, clause) for clause in holders)
    if not having or not holders:
        return False
    if any(_own(c, other) or other.lemma in c.bag or _is_verb_of(other, ours, c) for c in having):
        return False
    return all(_rival(token, slot, ours, clause) for clause in holders)


def _is_verb_of(token: Token, ours: Clause, theirs: Clause) -> bool:
    """Tell whether a word is the claim's verb and the clause says the same with its own."""
    return token is ours.verb and same_predicate(ours, theirs)


def _key(token: Token) -> str:
    return token.number if token.number is not None else token.lemma


def _has(clause: Clause, token: Token, slot: str, ours: Clause) -> bool:
    """Tell whether a clause holds a word: its own, or taken over with no other name of its own in that place."""
    if _own(clause, token):
        return True
    return token.lemma in clause.taken and not (token.is_name and _rival(token, slot, ours, clause))


def _own(clause: Clause, token: Token) -> bool:
    """Tell whether a word stands in a clause, outside what is compared."""
    return any(
        _key(t) == _key(token) and slot != "than" for t, slot in zip(clause.tokens, clause.slots, strict=True)
    )


def _rival(token: Token, slot: str, ours: Clause, clause: Clause) -> bool:
    """Tell whether a clause has another word of the kind in the token's place, one that the claim does not have."""
    for other, place in zip(clause.tokens, clause.slots, strict=True):
        if place == "than" or other.measure == "date" or _own(ours, other):
            continue
        if token.number is not None:
            if other.number is not None and other.measure in (token.measure, ""):
                return True
        elif (token.is_name and slot not in ("agent", "patient", "") and place == slot and other.is_name) or (
            not token.is_name
            and slot not in ("agent", "verb", "")
            and place == slot
            and other.is_content
            and other.low not in MONTHS
        ):
            return True
    return False
