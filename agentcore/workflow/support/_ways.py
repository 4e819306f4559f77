"""Where a way begins and where it ends: "left Vienna", "from Vienna", "settled in London", "into Egypt"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import lemma
from agentcore.workflow.support._clauses import Clause

__all__ = ["way_problems"]

_ENDS = ("to", "into", "toward", "towards")


def _lemmas(verbs: str) -> frozenset[str]:
    return frozenset(lemma(verb) for verb in verbs.split())


_LEAVING = _lemmas("leave flee depart abandon quit escape")
_REACHING = _lemmas("reach enter")
_STARTING = _lemmas("start begin originate rise grow bear raise")  # "grew up in", "was born in"
_ARRIVING = _lemmas("settle arrive end land stop finish")


@dataclass(frozen=True, slots=True)
class _Way:
    starts: frozenset[str]
    ends: frozenset[str]


def way_problems(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield the first way of the claim whose beginning is an end in the spans, or the other way round."""
    for clause in claim:
        ours = _way(clause)
        if not (ours.starts or ours.ends) or clause.is_denied:
            continue
        theirs = [_way(other) for other in spans]
        starts = frozenset[str]().union(*(way.starts for way in theirs))
        ends = frozenset[str]().union(*(way.ends for way in theirs))
        is_crossed = any(_is_crossed(ours, way) for way in theirs) or _is_crossed(ours, _Way(starts, ends))
        if is_crossed or _is_reversed(ours, starts, ends):
            yield "the cited spans give the way the other way round"
            return


def _is_crossed(ours: _Way, theirs: _Way) -> bool:
    """Tell whether both ends were exchanged."""
    return bool(ours.starts & (theirs.ends - theirs.starts)) and bool(
        ours.ends & (theirs.starts - theirs.ends)
    )


def _is_reversed(ours: _Way, starts: frozenset[str], ends: frozenset[str]) -> bool:
    """Tell whether the one end that the claim names is the other end of the only ways there are."""
    if ours.starts and ours.ends:
        return False
    if ours.starts:
        return bool(ours.starts & ends) and bool(starts) and not ours.starts & starts
    return bool(ours.ends & starts) and bool(ends) and not ours.ends & ends


def _way(clause: Clause) -> _Way:
    """Return the names, or else the nouns, at both ends of what a clause says."""
    verb = clause.verb.lemma if clause.verb is not None else ""
    starts, ends = ["from"], [*_ENDS]
    if verb in _LEAVING:
        starts.append("patient")
    if verb in _REACHING and not clause.is_passive:
        ends.append("patient")
    if verb in _STARTING:
        starts += ["at", "in"]
    if verb in _ARRIVING:
        ends += ["at", "in"]
    ways = [_at(clause, starts), _at(clause, ends)]
    if not ways[0] and ways[1]:  # "through Sudan into Egypt", "starch into sugar"
        ways[0] = _at(clause, ["through"]) or (
            _at(clause, ["patient"]) if "into" in clause.slots else ways[0]
        )
    return _Way(*ways)


def _at(clause: Clause, slots: Sequence[str]) -> frozenset[str]:
    """Return the lemmas in these slots, without numbers."""
    return frozenset(
        token.lemma
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if slot in slots and token.is_content and token.number is None
    )
