"""Fit a drafter's proposal to a constraint: forced tokens filled in, the rest cut at the first forbidden token."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from agentcore.decoding.constraints import Constraint
from agentcore.decoding.speculation._draft import EMPTY_DRAFT, Draft, Drafter, TokenDistribution

__all__ = ["compose"]

_CERTAIN = 1.0
_NOTHING = TokenDistribution(None, np.zeros(0))  # stands at forced places, where nothing is decided


def compose(
    drafter: Drafter | None, constraint: Constraint | None, *, limit: int, eos_ids: AbstractSet[int]
) -> Draft:
    """Return a draft that plain decoding could emit token by token.

    Parameters
    ----------
    drafter : Drafter or None
        Where free tokens come from; None drafts forced tokens only.
    constraint : Constraint or None
        State after the committed tokens; a fork of it walks along the draft, it is not changed itself.
    limit : int
        Most tokens in the draft.
    eos_ids : set of int
        Nothing is drafted behind one of these.

    Returns
    -------
    Draft
        Forced tokens are marked in `forced`. A token drawn at random that the constraint forbids stays as the last one:
        the acceptance rule must see it to keep the distribution exact.
    """
    draft = EMPTY_DRAFT if drafter is None or limit < 1 else drafter.propose(limit).shortened(limit)
    if constraint is not None and limit > 0 and not constraint.is_finished:
        draft = _walk(drafter, constraint.fork(), draft, limit)
    end = next((place + 1 for place, token in enumerate(draft.tokens) if token in eos_ids), len(draft))
    return draft.shortened(end)


def _walk(drafter: Drafter | None, state: Constraint, proposal: Draft, limit: int) -> Draft:
    tokens: list[int] = []
    confidences: list[float] = []
    distributions: list[TokenDistribution] = []
    forced_places: set[int] = set()
    taken = 0  # of the current proposal
    is_free = True  # plain decoding asks for forced tokens once, then lets the model choose one
    while len(tokens) < limit and not state.is_finished:
        forced = [] if is_free else state.forced()
        if len(forced) > limit - len(tokens):
            break  # a forced run is taken whole or not at all
        is_free = bool(forced)
        if forced:
            state.advance(forced)
            forced_places.update(range(len(tokens), len(tokens) + len(forced)))
            tokens.extend(forced)
            confidences.extend([_CERTAIN] * len(forced))
            distributions.extend([_NOTHING] * len(forced))
            if proposal.tokens[taken : taken + len(forced)] == tuple(forced):
                taken += len(forced)
            else:
                proposal = _again(drafter, tokens, limit)
                taken = 0
            continue
        if taken >= len(proposal):
            break
        token = proposal.tokens[taken]
        is_allowed = state.advance([token]) == 1
        if not is_allowed and not proposal.is_sampled:
            break
        tokens.append(token)
        confidences.append(proposal.confidences[taken])
        distributions.append(_NOTHING if proposal.distributions is None else proposal.distributions[taken])
        taken += 1
        if not is_allowed:
            break
    return replace(
        proposal,
        tokens=tuple(tokens),
        confidences=tuple(confidences),
        distributions=None if proposal.distributions is None else tuple(distributions),
        source=proposal.source or "forced",
        forced=frozenset(forced_places),
    )


def _again(drafter: Drafter | None, tokens: list[int], limit: int) -> Draft:
    """Draft anew behind forced tokens that the first proposal did not foresee."""
    if drafter is None or len(tokens) >= limit:
        return EMPTY_DRAFT
    room = limit - len(tokens)
    return drafter.propose(room, after=tokens).shortened(room)
