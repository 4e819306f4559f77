"""How many: all, most, some, few, only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.lexicon import EXCLUSIVES, QUANTIFIERS
from agentcore.workflow.support._clauses import Clause

__all__ = ["quantity_problems"]

_EXCLUDED = {
    "all": {"most", "many", "some", "few", "counted"},
    "most": {"some", "few", "none"},
    "many": {"few", "none"},
    "some": {"none", "all"},
    "few": {"many", "most", "all"},
    "counted": set[str](),
    "none": set[str](),  # a matter of denial
}


def quantity_problems(claim: Sequence[Clause], spans: Sequence[Clause]) -> Iterator[str]:
    """Yield quantities that the spans' clause on the same thing excludes."""
    known = set().union(*(clause.words for clause in spans)) if spans else set()
    for clause in claim:
        theirs = _closest(clause, spans)
        if not theirs:
            continue
        kinds = _kinds(clause)
        exclusive = _is_exclusive(clause)
        for kind, word in kinds.items():
            there = [_kinds(other) for other in theirs]
            if all(_EXCLUDED[kind] & other.keys() and kind not in other for other in there):
                said = next(value for key, value in there[0].items() if key in _EXCLUDED[kind])
                yield f"the cited spans say {said!r}, not {word!r}"
                return
            if kind == "all" and not exclusive and all(_is_exclusive(other) for other in theirs):
                yield f"the cited spans make an exception, {word!r} does not"
                return
        extra = clause.words - set().union(*(other.bag for other in theirs))
        if not exclusive and extra & known and all(_is_exclusive(other) for other in theirs):
            yield "the cited spans make an exception of it"
            return
        if exclusive and not any(_is_exclusive(other) for other in theirs):
            yield "the cited spans do not say that it is the only one"
            return


def _closest(clause: Clause, spans: Sequence[Clause]) -> list[Clause]:
    """Return the clauses that share most words with one, at least one."""
    shared = [len(clause.bag & other.bag) for other in spans]
    best = max(shared, default=0)
    return [other for other, count in zip(spans, shared, strict=True) if count == best] if best else []


def _kinds(clause: Clause) -> dict[str, str]:
    """Return the quantifiers of a clause by kind."""
    kinds: dict[str, str] = {}
    for place, token in enumerate(clause.tokens):
        kind = QUANTIFIERS.get(token.low)
        following = clause.tokens[place + 1].low if place + 1 < len(clause.tokens) else ""
        if token.number is not None and following in ("of", "percent"):
            kind = "counted"
        before = clause.tokens[place - 1].low if place else ""
        is_few = kind == "few" and before == "a"  # "a few" are some
        if (
            kind
            and not (kind == "most" and _is_superlative(clause, place))
            and not (before == "as" and kind == "many")
        ):
            kinds.setdefault("some" if is_few else kind, token.text)
    return kinds


def _is_superlative(clause: Clause, place: int) -> bool:
    """Tell whether "most" or "largely" stands before an adjective: "the most visited"."""
    return place > 0 and clause.tokens[place - 1].low in ("the", "its", "their", "s")


def _is_exclusive(clause: Clause) -> bool:
    """Tell whether something is said to be the only one; "only five" is a measure."""
    for place, token in enumerate(clause.tokens):
        following = clause.tokens[place + 1 : place + 3]
        if token.low in EXCLUSIVES and not any(
            t.number is not None or t.low in ("a", "few") for t in following
        ):
            return True
    return False
