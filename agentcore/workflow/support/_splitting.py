"""Cut a sentence into stretches that each say one thing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agentcore.workflow.reading.lexicon import (
    AUXILIARIES,
    CONJUNCTIONS,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SUBORDINATORS,
)
from agentcore.workflow.support._slots import second_phrase
from agentcore.workflow.support._text import Token
from agentcore.workflow.support._verbs import is_verb, verb_place

__all__ = ["split_sentence"]

_OTHERS = frozenset(
    ("elder", "younger", "older", "latter", "former", "other", "others", "rest", "next", "last")
)


def split_sentence(tokens: list[Token]) -> list[tuple[list[Token], bool]]:
    """Cut a sentence into clauses; stretches without a verb join their neighbour unless they stand parallel to it.

    Returns
    -------
    list of (tokens, is_gapped)
        ``is_gapped``: it repeats the pattern of the clause before and leaves out the verb.
    """
    stretches: list[list[Token]] = []
    for place, token in enumerate(tokens):
        if not stretches or token.gap or _joins(tokens, place):
            stretches.append([])
        stretches[-1].append(token)
    clauses: list[tuple[list[Token], bool]] = []
    waiting: list[Token] = []
    for stretch in stretches:
        if (at := verb_place(stretch)) is not None:
            goes_on = _resumption(stretch, at) if waiting and stretch[0].low in RELATIVES else None
            if goes_on is None:
                clauses.append(([*waiting, *stretch], False))
            else:  # "patients who suffer from asthma must not take it"
                clauses += [([*waiting, *part], False) for part in (stretch[:goes_on], stretch[goes_on:])]
            waiting = []
        elif not clauses or (stretch[0].low in SUBORDINATORS and stretch[0].low not in PREPOSITIONS):
            waiting += stretch
        elif _is_parallel(stretch, clauses[-1][0]):
            clauses.append(([*waiting, *stretch], True))
            waiting = []
        else:
            clauses[-1][0].extend(stretch)
    if waiting:
        clauses.append((waiting, False))
    return clauses


def _joins(tokens: list[Token], place: int) -> bool:
    """Tell whether a joining word opens a new stretch here."""
    low = tokens[place].low
    if low in CONJUNCTIONS:
        # "white and black" is no new clause; "built it and sold it", "in 1931, and in Geneva" are.
        rest = tokens[place + 1 : place + 8]
        return bool(rest) and (
            verb_place([tokens[place], *rest]) is not None
            or rest[0].low in PREPOSITIONS
            or _sets_apart(tokens[place:])
            or _has_number(rest)
            or second_phrase(rest) is not None
            or _opens_other_phrase(rest, tokens[:place])
        )
    if low in SUBORDINATORS and place:
        return verb_place(tokens[place + 1 :]) is not None and not (
            low == "that" and tokens[place - 1].low in PREPOSITIONS
        )
    return False


def _resumption(tokens: Sequence[Token], at: int) -> int | None:
    """Return where behind a relative clause the main clause goes on: at its own verb."""
    return next(
        (i for i in range(at + 2, len(tokens)) if is_verb(tokens, i) and tokens[i].low in AUXILIARIES), None
    )


def _has_number(tokens: Sequence[Token]) -> bool:
    return any(token.number is not None for token in tokens)


def _is_parallel(stretch: list[Token], before: list[Token]) -> bool:
    """Tell whether a stretch without a verb repeats the pattern of the clause before: another number of the same kind."""
    kinds = {(t.measure, t.number) for t in before if t.number is not None and t.measure != "date"}
    measures = {measure for measure, _ in kinds}
    ours = [t for t in stretch if t.number is not None and t.measure != "date"]
    numbers = {number for _, number in kinds}
    if kinds and any((t.measure in measures or not t.measure) and t.number not in numbers for t in ours):
        return True
    # "the warehouse was insured by A, and the ship by B": a preposition with another name
    opens = stretch[0].low in CONJUNCTIONS
    if _sets_apart(stretch):
        return True
    if opens and second_phrase(stretch[1:]) is not None:
        return True
    if _opens_other_phrase(stretch[1:] if opens else stretch, before):
        return True
    return opens and bool(_name_slots(stretch) & _name_slots(before))


def _sets_apart(stretch: Sequence[Token]) -> bool:
    """Tell whether a stretch without a verb denies of one thing what was said of another: "but no water", "but not zinc"."""
    return len(stretch) > 1 and stretch[0].low == "but" and stretch[1].low in ("no", "not")


def _opens_other_phrase(stretch: list[Token], before: list[Token]) -> bool:
    """Tell whether a stretch sets another one against the clause before: "the elder ...", "Oslo on its west coast"."""
    if len(stretch) < 2:
        return False
    if stretch[0].low in ("the", "his", "her", "its", "their") and stretch[1].low in _OTHERS:
        return True
    used = {token.low for token in before} & (PREPOSITIONS - {"of"})
    at = next((i for i, token in enumerate(stretch) if token.low in PREPOSITIONS), 0)
    return at > 0 and stretch[at].low in used and all(token.is_name for token in stretch[:at])


def _name_slots(tokens: Sequence[Token]) -> set[str]:
    """Return the prepositions that stand before names."""
    return {
        a.low for a, b in pairwise(tokens) if a.low in PREPOSITIONS and b.is_name and b.low not in PRONOUNS
    }
