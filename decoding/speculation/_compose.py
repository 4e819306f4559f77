"""Fit a drafter's proposal to a constraint: forced tokens filled in, the rest cut at the first forbidden token.

A drafter that writes token by token writes around the forced ones, and chooses among what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from numbers import Integral
from typing import Any

import numpy as np

from agentcore.decoding.constraints import Constraint
from agentcore.decoding.speculation._draft import (
    CERTAIN,
    EMPTY_DRAFT,
    Draft,
    Drafter,
    Guess,
    TokenDistribution,
    WritesByToken,
)

__all__ = ["compose"]

GoesOn = Callable[[Sequence[float], int], bool]
_NOTHING = TokenDistribution(None, np.zeros(0))  # stands at forced places, where nothing is decided


def compose(
    drafter: Drafter | None,
    constraint: Constraint | None,
    *,
    limit: int,
    eos_ids: AbstractSet[int],
    vocabulary_size: int,
    goes_on: GoesOn | None = None,
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
    vocabulary_size : int
        Tokens that there are.
    goes_on : callable, optional
        Asked before every token of a drafter that writes token by token, with the confidences so far and how many of them
        are forced: False ends the draft.

    Returns
    -------
    Draft
        Forced tokens are marked in `forced`. A token drawn at random that the constraint forbids stays as the last one:
        the acceptance rule must see it to keep the distribution exact.

    Raises
    ------
    TypeError, ValueError
        If the drafter proposes something else than a `Draft`, or tokens that there are not.
    """
    if limit < 1:
        return EMPTY_DRAFT
    state = None if constraint is None or constraint.is_finished else constraint.fork()
    if isinstance(drafter, WritesByToken):
        with drafter.writing() as guess_after:
            source = drafter.name
            return _walk(guess_after, state, limit=limit, source=source, eos_ids=eos_ids, goes_on=goes_on)
    if state is not None:
        quoted = _Quoted(drafter, limit, vocabulary_size)
        source = "forced" if drafter is None else drafter.name
        return _walk(quoted.guess_after, state, limit=limit, source=source, eos_ids=eos_ids)
    draft = EMPTY_DRAFT if drafter is None else _proposal(drafter, limit, vocabulary_size)
    end = next((place + 1 for place, token in enumerate(draft.tokens) if token in eos_ids), len(draft))
    return draft.shortened(end)


def _proposal(drafter: Drafter, limit: int, vocabulary_size: int, *, after: Sequence[int] = ()) -> Draft:
    """Ask a drafter, which may be a user's own, for what the loop can run."""
    draft: object = drafter.propose(limit, after=after)
    if not isinstance(draft, Draft):
        raise TypeError(f"the drafter {drafter.name!r} proposed {draft!r}: propose must return a Draft")
    shortened = draft.shortened(limit)
    for token in shortened.tokens:
        if not _is_token(token, vocabulary_size):
            raise ValueError(
                f"the drafter {drafter.name!r} proposed {token!r}, which is no token: they are whole numbers from 0 "
                f"to {vocabulary_size - 1}"
            )
    return shortened


def _is_token(token: Any, vocabulary_size: int) -> bool:
    return isinstance(token, Integral) and 0 <= int(token) < vocabulary_size


def _walk(
    guess_after: Callable[[Sequence[int]], Guess | None],
    state: Constraint | None,
    *,
    limit: int,
    source: str,
    eos_ids: AbstractSet[int],
    goes_on: GoesOn | None = None,
) -> Draft:
    tokens: list[int] = []
    confidences: list[float] = []
    guesses: dict[int, Guess] = {}  # by place; what is missing is forced
    is_free = True  # plain decoding asks for forced tokens once, then lets the model choose one
    while len(tokens) < limit and (state is None or not state.is_finished):
        forced = [] if state is None or is_free else state.forced()
        if len(forced) > limit - len(tokens):
            break  # a forced run is taken whole or not at all
        is_free = bool(forced)
        if state is not None and forced:
            state.advance(forced)
            tokens.extend(forced)
            confidences.extend([CERTAIN] * len(forced))
            continue
        if goes_on is not None and not goes_on(confidences, len(tokens) - len(guesses)):
            break
        guess = guess_after(tokens)
        if guess is None:
            break
        is_allowed = state is None or state.advance([guess.token]) == 1
        if state is not None and not is_allowed and (other := guess.among(state.allowed())) is not None:
            guess, is_allowed = other, state.advance([other.token]) == 1
        if not is_allowed and not guess.is_sampled:
            break
        guesses[len(tokens)] = guess
        tokens.append(guess.token)
        confidences.append(guess.confidence)
        if not is_allowed or guess.token in eos_ids:
            break
    return _as_draft(tokens, confidences, guesses, source)


def _as_draft(
    tokens: Sequence[int], confidences: Sequence[float], guesses: Mapping[int, Guess], source: str
) -> Draft:
    places = range(len(tokens))
    distributions = tuple(guesses[i].distribution if i in guesses else _NOTHING for i in places)
    known = tuple(distribution for distribution in distributions if distribution is not None)
    return Draft(
        tuple(tokens),
        tuple(confidences),
        known if len(known) == len(tokens) else None,
        source if guesses else "forced",
        any(guess.is_sampled for guess in guesses.values()),
        frozenset(places) - guesses.keys(),
    )


class _Quoted:
    """Read proposals token by token; where others stand than were proposed, ask anew."""

    def __init__(self, drafter: Drafter | None, limit: int, vocabulary_size: int) -> None:
        self._drafter, self._limit, self._vocabulary_size = drafter, limit, vocabulary_size
        self._begin = 0  # place of the current proposal's first token
        self._proposal = EMPTY_DRAFT if drafter is None else _proposal(drafter, limit, vocabulary_size)

    def guess_after(self, tokens: Sequence[int]) -> Guess | None:
        if self._drafter is None:
            return None
        place = len(tokens) - self._begin
        if tuple(tokens[self._begin :]) != self._proposal.tokens[:place]:
            room = self._limit - len(tokens)
            self._proposal = _proposal(self._drafter, room, self._vocabulary_size, after=tokens)
            self._begin, place = len(tokens), 0
        if place >= len(self._proposal):
            return None
        known = self._proposal.distributions
        return Guess(
            self._proposal.tokens[place],
            self._proposal.confidences[place],
            None if known is None else known[place],
            self._proposal.is_sampled,
        )
