"""Which clauses of the spans speak of the same thing as a clause of the claim."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.workflow.reading.lexicon import BE, lemma
from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._senses import CONVERSES, OPPOSITES, SYNONYMS
from agentcore.workflow.support._text import Token

__all__ = ["are_converse", "counterparts", "opposite_words", "same_predicate"]

_LIGHT = BE | {"have", "has", "had", "do", "does", "did"}
_SYNONYMS = tuple(frozenset(map(lemma, group)) for group in SYNONYMS)
_CONVERSES = tuple((frozenset(map(lemma, left)), frozenset(map(lemma, right))) for left, right in CONVERSES)
_OPPOSITES = tuple((frozenset(map(lemma, left)), frozenset(map(lemma, right))) for left, right in OPPOSITES)


def same_predicate(ours: Clause, theirs: Clause) -> bool:
    """Tell whether two clauses say the same kind of thing: by verb, behind "be" by what is said of the subject."""
    if ours.verb is None or theirs.verb is None:
        return False
    left, right = ours.verb, theirs.verb
    if left.low in _LIGHT or right.low in _LIGHT:
        ours_said, theirs_said = _complement(ours), _complement(theirs)
        is_elliptic = theirs.is_denied and not theirs_said and right.low in _LIGHT  # "D is not"
        return bool(ours_said & theirs_said) or is_elliptic or _is_opposite(ours_said, theirs_said)
    return (
        left.lemma == right.lemma
        or any(left.lemma in group and right.lemma in group for group in _SYNONYMS)
        or any(left.lemma in side and right.lemma in side for pair in _OPPOSITES for side in pair)
        or _is_opposite({left.lemma}, {right.lemma})
        or left.lemma in _complement(theirs)  # "patented", "took no patent"
        or right.lemma in _complement(ours)
    )


def are_converse(ours: Clause, theirs: Clause) -> bool:
    """Tell whether the verbs say the same with the sides exchanged ("teach", "learn from")."""
    if ours.verb is None or theirs.verb is None:
        return False
    left, right = ours.verb.lemma, theirs.verb.lemma
    return left != right and any(
        (left in a and right in b) or (left in b and right in a) for a, b in _CONVERSES
    )


def counterparts(clause: Clause, others: Sequence[Clause]) -> list[Clause]:
    """Return the clauses with the same predicate that may be about the same subject, the most similar ones."""
    fitting = [
        other
        for other in others
        if same_predicate(clause, other)
        and (
            not clause.subject
            or not other.subject
            or clause.subject & other.bag
            or other.subject & clause.bag
        )
    ]
    subjects = [len(clause.subject & other.subject) for other in fitting]
    most = max(subjects, default=0)
    fitting = [other for other, count in zip(fitting, subjects, strict=True) if count == most]
    known = set() if clause.is_passive else set(clause.subject)
    known |= {clause.verb.lemma} if clause.verb is not None else set()
    ours = clause.bag - known
    # Words of the clause itself tell more than what its pronouns may mean.
    shared = [(len(ours & other.bag), len(ours & other.words)) for other in fitting]
    best = max(shared, default=(0, 0))
    return [other for other, count in zip(fitting, shared, strict=True) if count == best]


def opposite_words(ours: Sequence[Token], theirs: Sequence[Token]) -> tuple[str, str] | None:
    """Return the first word of ours in whose place theirs have its opposite, with that opposite."""
    left = {token.lemma: token.text for token in ours if _keeps_sense(token)}
    right = {token.lemma: token.text for token in theirs if _keeps_sense(token)}
    for one, other in (*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)):
        here, there = one & left.keys(), other & right.keys()
        if here and there and not one & right.keys() and not other & left.keys():
            return left[min(here)], right[min(there)]
    return None


def _keeps_sense(token: Token) -> bool:
    """Tell whether a word is no form that changes the sense ("opening")."""
    return not token.low.endswith("ing") or token.low in ("including", "excluding")


def _is_opposite(left: set[str], right: set[str]) -> bool:
    return any(
        (a & left and b & right and not b & left and not a & right)
        or (b & left and a & right and not a & left and not b & right)
        for a, b in _OPPOSITES
    )


def _complement(clause: Clause) -> set[str]:
    """Return what a clause says of its subject: its verb and what follows it, without circumstances."""
    said = {
        token.lemma
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if token.is_content
        and slot == "patient"
        and token.number is None
        and token.lemma not in clause.subject
    }
    if clause.verb is not None and clause.verb.low not in _LIGHT:
        said.add(clause.verb.lemma)
    return said
