"""Draft from the successors that the target itself rated highest the last time it saw the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agentcore.decoding.speculation._draft import Draft, Verification

__all__ = ["TokenRecyclingDrafter"]

_PRIOR_PAIR = 0.6
_PRIOR_SINGLE = 0.35


class TokenRecyclingDrafter:
    """Chain the best remembered successors of the newest tokens.

    Parameters
    ----------
    max_pairs : int
        Keys of two tokens that are remembered; the table of single tokens is bounded by the vocabulary.

    Notes
    -----
    Token recycling (https://arxiv.org/abs/2408.08696): a table token -> successors, refreshed with every row that the
    target computes, rejected ones too. Ours differs: one chain in place of a fixed tree (rows are not free here), and a
    second table keyed by two tokens that answers first. The tables outlive a sequence, so one drafter serves one run.
    """

    name = "recycling"

    def __init__(self, *, max_pairs: int = 65_536) -> None:
        self.max_pairs = max_pairs
        self._single: dict[int, int] = {}
        self._pair: dict[tuple[int, int], int] = {}
        self._tail: tuple[int, ...] = ()

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Begin a sequence; the tables stay, and the prompt's own pairs fill their gaps."""
        for first, second in pairwise(prompt_ids):
            self._single.setdefault(first, second)
        self._tail = tuple(prompt_ids[-2:])

    def add(self, ids: Sequence[int]) -> None:
        """Learn the pairs and triples of a text."""
        for first, second in pairwise(ids):
            self._single[first] = second
        for first, second, third in zip(ids, ids[1:], ids[2:], strict=False):
            self._remember_pair((first, second), third)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Follow the tables from the newest token."""
        chain = [*self._tail, *after]
        start = len(chain)
        confidences: list[float] = []
        while len(confidences) < limit and chain:
            token = self._pair.get((chain[-2], chain[-1])) if len(chain) > 1 else None
            confidence = _PRIOR_PAIR
            if token is None:
                token, confidence = self._single.get(chain[-1]), _PRIOR_SINGLE
            if token is None:
                break
            chain.append(token)
            confidences.append(confidence)
        return Draft(tuple(chain[start:]), tuple(confidences), source=self.name)

    def commit(self, verification: Verification) -> None:
        """Refresh the tables with the target's rows, or with the committed tokens when it gave none."""
        if verification.top_ids is not None:
            self._learn_rows(verification.context, verification.top_ids)
        else:
            self.add((*self._tail, *verification.tokens))
        self._tail = (*self._tail, *verification.tokens)[-2:]

    def _learn_rows(self, context: tuple[int, ...], top_ids: NDArray[np.int32]) -> None:
        # The row of context[0] follows the token before it: the tail still ends in context[0].
        before = self._tail[-2] if len(self._tail) > 1 else None
        for token, row in zip(context, top_ids[:, 0].tolist(), strict=True):
            self._single[token] = row
            if before is not None:
                self._remember_pair((before, token), row)
            before = token

    def _remember_pair(self, pair: tuple[int, int], successor: int) -> None:
        if len(self._pair) >= self.max_pairs and pair not in self._pair:
            self._pair.pop(next(iter(self._pair)))
        self._pair[pair] = successor
