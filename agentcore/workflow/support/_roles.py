"""Who does what to whom: subjects and objects exchanged, or moved from one clause into another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.lexicon import BE
from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._matching import are_converse, same_predicate

__all__ = ["role_problems"]

_REFLEXIVES = frozenset(("himself", "herself", "itself", "themselves"))
_MUTUAL = frozenset(("meet", "marri", "fight", "join", "border", "play", "differ", "share"))


def role_problems(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield the first relation that the spans state with other roles."""
    for clause in claim:
        if clause.is_unrivalled:
            continue
        alike = [other for other in spans if same_predicate(clause, other) or are_converse(clause, other)]
        crossed = [o for o in alike if _is_crossed(clause, o) and not (clause.compares and o.compares)]
        if crossed and not any(_is_straight(clause, other) for other in alike):
            yield "the cited spans put it the other way round"
            return
        problem = _other_subject(clause, spans) or _no_fit(clause, spans)
        if problem:
            yield problem
            return


def _slot(clause: Clause, *names: str) -> set[str]:
    """Return the lemmas that stand in one of these slots."""
    return {
        token.lemma
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if slot in names and token.is_content and token.number is None
    }


def _is_crossed(ours: Clause, theirs: Clause) -> bool:
    """Tell whether agent and patient (or agent and origin) changed places."""
    if ours.verb is None or ours.verb.lemma in _MUTUAL or ours.verb.low in BE:
        return False
    flip = are_converse(ours, theirs)
    if flip and any(
        token.low in _REFLEXIVES for token in theirs.tokens
    ):  # "taught herself": the sides are one
        return False
    others = ("patient", "from", "to", "with") if flip else ("patient",)
    for slot in {*others, *ours.slots} - {"agent", "verb", "than"}:
        left, right = _slot(ours, "agent"), _slot(ours, slot)
        left_there, right_there = _slot(theirs, "agent"), _slot(theirs, *(others if flip else (slot,)))
        if flip:
            left_there, right_there = right_there, left_there
        if left & (right_there - left_there) and right & (left_there - right_there):
            return True
    return False


def _is_straight(ours: Clause, theirs: Clause) -> bool:
    """Tell whether agent and patient stand as in the claim."""
    if are_converse(ours, theirs):
        return False
    rest = tuple({*ours.slots, *theirs.slots} - {"agent", "verb", "than"})
    agent, patient = _slot(ours, "agent"), _slot(ours, *rest)
    agent_there, patient_there = _slot(theirs, "agent"), _slot(theirs, *rest)
    return bool(agent & (agent_there - patient_there)) and bool(patient & (patient_there - agent_there))


def _other_subject(ours: Clause, spans: Sequence[Clause]) -> str | None:
    """Tell whether the spans say the claim's predicate of somebody else, though they speak of the claim's subject."""
    if not ours.owns_subject or not _actor(ours):
        return None
    known = set().union(*(clause.words for clause in spans)) if spans else set()
    if not _actor(ours) & known:
        return None
    said = _said(ours)
    shared = [len(said & (_said(clause) | clause.taken)) for clause in spans]
    most = max(shared, default=0)
    if not most:
        return None
    holders = [clause for clause, count in zip(spans, shared, strict=True) if count == most]
    if 2 * most <= len(said) and not any(same_predicate(ours, clause) for clause in holders):
        return None
    if all(_is_of_another(ours, clause, known) for clause in holders):
        return f"the cited spans say it of {' '.join(sorted(_actor(holders[0])))}"
    return None


def _no_fit(ours: Clause, spans: Sequence[Clause]) -> str | None:
    """Tell whether every clause with the claim's verb has somebody else or something else in one of its parts."""
    if ours.verb is None or not ours.verb.is_content:
        return None
    alike = [other for other in spans if other.verb is not None and other.verb.lemma == ours.verb.lemma]
    known = set().union(*(clause.words for clause in spans)) if spans else set()
    if len(alike) > 1 and all(_part_differs(ours, other, known) for other in alike):
        return f"the cited spans say {ours.verb.text!r} with other parts"
    return None


def _part_differs(ours: Clause, theirs: Clause, known: set[str]) -> bool:
    """Tell whether a part of the claim is filled otherwise, though the spans speak of what the claim fills it with."""
    actor, other = _actor(ours), _actor(theirs)
    if actor and other and not actor & theirs.bag and actor <= known:
        return True
    for slot in {*ours.slots} & {*theirs.slots} - {"agent", "verb", "than", ""}:
        mine, others = _slot(ours, slot), _slot(theirs, slot)
        if mine and others and not mine & theirs.bag and mine <= known:
            return True
    return False


def _said(clause: Clause) -> set[str]:
    """Return what is said of the subject: a telling verb and its object."""
    words = {
        token.lemma
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if slot == "patient" and token.is_content and token.number is None
    }
    if not clause.is_passive:
        words -= clause.subject
    if clause.verb is not None and clause.verb.is_content:
        words.add(clause.verb.lemma)
    return words


def _is_of_another(ours: Clause, theirs: Clause, known: set[str]) -> bool:
    """Tell whether a clause that says the same has a subject of its own that is not the claim's."""
    actor, other = _actor(ours), _actor(theirs)
    if not actor or not other or (ours.compares and theirs.compares):
        return False
    is_said_of_both = ours.verb is not None and ours.verb.low in BE
    if ours.is_denied and not theirs.is_denied:
        return False
    is_strict = theirs.owns_subject and not is_said_of_both  # a pronoun behind the verb is not who acts
    if not actor & (theirs.words | theirs.subject if is_strict else theirs.bag):
        return True
    # Both are in it: another name as the head ("Hannah Stein, the widow of Karl Stein, opened ...")
    mine, others = actor - other, other - actor
    names = {token.lemma for token in (*ours.tokens, *theirs.tokens) if token.text[0].isupper()}
    if mine and others and not mine & theirs.bag:
        return mine <= known  # "the red variety", "unlike the red variety, the white one"
    is_elsewhere = not mine & _slot(theirs, "agent")
    is_rival = bool(others & names) or (bool(others) and is_elsewhere)
    return bool(mine & names) and is_rival and same_predicate(ours, theirs) and not is_said_of_both


def _actor(clause: Clause) -> set[str]:
    """Return who acts: the subject, in the passive what stands behind "by"."""
    if not clause.is_passive:
        return clause.subject
    return _slot(clause, "agent")
