"""Draft with a distribution: n-gram counts of the context, smoothed from the longest match down to nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agentcore.decoding.speculation._draft import Draft, TokenDistribution, Verification
from agentcore.decoding.speculation._suffix_automaton import ROOT, Cursor, SuffixAutomaton

__all__ = ["SmoothedNgramDrafter"]

_MAX_SUCCESSORS = 128
_STOP_BELOW = 0.05


class SmoothedNgramDrafter:
    """Believe the counts after the longest matches of the newest tokens, as far as their evidence goes.

    Each match length mixes its own counts with the estimate of the next shorter one (Witten-Bell: the weight of the
    shorter one is the number of distinct successors); below the shortest match the mass is even over the vocabulary.

    Parameters
    ----------
    max_orders : int
        Match lengths that are mixed, the longest ones.
    max_added_tokens : int
        Bound on the texts given to `add`; then all of them are forgotten.

    Notes
    -----
    This is the draft with a distribution that judge decoding (https://arxiv.org/abs/2601.04766) needs where no smaller
    model is at hand; the paper drafts with models only. Tokens are its best guesses, never drawn at random.
    """

    name = "ngram_model"

    def __init__(self, *, max_orders: int = 4, max_added_tokens: int = 32_768) -> None:
        if max_orders < 1:
            raise ValueError(f"max_orders must be at least 1, got {max_orders}")
        self.max_orders = max_orders
        self.max_added_tokens = max_added_tokens
        self._added: list[int] = []
        self._automaton = SuffixAutomaton()

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Index the added texts and the prompt of a new sequence."""
        self._automaton = SuffixAutomaton()
        self._automaton.extend(self._added)
        self._automaton.extend(prompt_ids)

    def add(self, ids: Sequence[int]) -> None:
        """Remember a text for the sequences that start from now on."""
        if len(self._added) + len(ids) > self.max_added_tokens:
            self._added = []
        self._added.extend((*ids, -1))

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens."""
        self._automaton.extend(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return the likeliest chain with the distribution at each of its positions."""
        cursor = self._automaton.suffix()
        for token in after:
            cursor = self._automaton.advance(cursor, token)
        tokens: list[int] = []
        confidences: list[float] = []
        distributions: list[TokenDistribution] = []
        path = 1.0
        while len(tokens) < limit:
            distribution = self.distribution(cursor)
            if distribution is None:
                break
            confidence = float(np.max(distribution.probabilities))
            path *= confidence
            if path < _STOP_BELOW and tokens:
                break
            tokens.append(distribution.argmax())
            confidences.append(confidence)
            distributions.append(distribution)
            cursor = self._automaton.advance(cursor, tokens[-1])
        return Draft(tuple(tokens), tuple(confidences), tuple(distributions), self.name)

    def distribution(self, cursor: Cursor) -> TokenDistribution | None:
        """Return the smoothed distribution after the match of `cursor`, None when nothing followed it before."""
        orders: list[dict[int, int]] = []
        while cursor.state != ROOT and len(orders) < self.max_orders:
            if counts := self._automaton.successor_counts(cursor.state, _MAX_SUCCESSORS):
                orders.append(counts)
            cursor = self._automaton.shorter(cursor)
        if not orders:
            return None
        mixed: dict[int, float] = {}
        rest = 1.0
        for counts in reversed(orders):
            distinct, total = len(counts), sum(counts.values())
            keep = distinct / (total + distinct)
            mixed = {token: keep * mass for token, mass in mixed.items()}
            rest *= keep
            for token, count in counts.items():
                mixed[token] = mixed.get(token, 0.0) + count / (total + distinct)
        ids = np.fromiter(mixed, dtype=np.int32, count=len(mixed))
        return TokenDistribution(ids, np.fromiter(mixed.values(), dtype=np.float64, count=len(mixed)), rest)
