"""Draft from the successors that the target itself rated highest the last time it saw the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agentcore.decoding.speculation._draft import Draft, Verification

__all__ = ["RecyclingTable", "TokenRecyclingDrafter"]

_PRIOR_PAIR = 0.6
_PRIOR_SINGLE = 0.35


class RecyclingTable:
    """Remember which token the target rated highest after one token, and after two.

    Parameters
    ----------
    max_pairs : int
        Keys of two tokens that are remembered, the oldest leave first; single tokens are bounded by the vocabulary.
    """

    def __init__(self, *, max_pairs: int = 65_536) -> None:
        self.max_pairs = max_pairs
        self._single: dict[int, int] = {}
        self._pair: dict[tuple[int, int], int] = {}

    def successor(self, before: int | None, token: int) -> tuple[int, float] | None:
        """Return the successor of `before, token` and a first guess of how reliable it is."""
        if before is not None and (found := self._pair.get((before, token))) is not None:
            return found, _PRIOR_PAIR
        found = self._single.get(token)
        return None if found is None else (found, _PRIOR_SINGLE)

    def learn(self, before: int | None, token: int, successor: int) -> None:
        """Remember what followed, in place of what was remembered."""
        self._single[token] = successor
        if before is None:
            return
        if len(self._pair) >= self.max_pairs and (before, token) not in self._pair:
            self._pair.pop(next(iter(self._pair)))
        self._pair[before, token] = successor

    def fill(self, token: int, successor: int) -> None:
        """Remember what followed `token` where nothing is remembered yet."""
        self._single.setdefault(token, successor)


class TokenRecyclingDrafter:
    """Chain the best remembered successors of the newest tokens.

    Parameters
    ----------
    table : RecyclingTable or None
        What is remembered, shared by the sequences of one run; None: a table of its own.

    Notes
    -----
    Token recycling (https://arxiv.org/abs/2408.08696): a table token -> successors, refreshed with every row that the
    target computes, rejected ones too. Ours differs: one chain in place of a fixed tree (rows are not free here), and a
    second table keyed by two tokens that answers first. The table outlives a sequence, so one table serves one run.
    """

    name = "recycling"

    def __init__(self, *, table: RecyclingTable | None = None) -> None:
        self.table = table if table is not None else RecyclingTable()
        self._tail: tuple[int, ...] = ()

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Begin a sequence; the table stays, and the prompt's own pairs fill its gaps."""
        for first, second in pairwise(prompt_ids):
            self.table.fill(first, second)
        self._tail = tuple(prompt_ids[-2:])

    def add(self, ids: Sequence[int]) -> None:
        """Learn what follows what in a text."""
        before: int | None = None
        for token, successor in pairwise(ids):
            self.table.learn(before, token, successor)
            before = token

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Follow the table from the newest token."""
        chain = [*self._tail, *after]
        start = len(chain)
        confidences: list[float] = []
        while len(confidences) < limit and chain:
            found = self.table.successor(chain[-2] if len(chain) > 1 else None, chain[-1])
            if found is None:
                break
            chain.append(found[0])
            confidences.append(found[1])
        return Draft(tuple(chain[start:]), tuple(confidences), source=self.name)

    def commit(self, verification: Verification) -> None:
        """Refresh the table with the target's rows, or with the committed tokens when it gave none."""
        if verification.top_ids is None:
            self.add((*self._tail, *verification.tokens))
        else:
            # The row of context[0] follows the token before it: the tail still ends in context[0].
            before = self._tail[-2] if len(self._tail) > 1 else None
            for token, best in zip(verification.context, verification.top_ids[:, 0].tolist(), strict=True):
                self.table.learn(before, token, best)
                before = token
        self._tail = (*self._tail, *verification.tokens)[-2:]
