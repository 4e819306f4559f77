"""Draft what followed the longest earlier match of the newest tokens, in this sequence or in the run's pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from agentcore.decoding.speculation._draft import EMPTY_DRAFT, Draft, Verification
from agentcore.decoding.speculation._draft_pool import DraftPool
from agentcore.decoding.speculation._suffix_automaton import ROOT, Cursor, Successor, SuffixAutomaton

__all__ = ["SuffixDrafter"]

Preference = Literal["frequent", "latest", "first"]

_MAX_SUCCESSORS = 64  # of a short match with many continuations, look at the newest edges only
_MAX_LENGTHS = 3  # match lengths tried per index, the longest first


class SuffixDrafter:
    """Copy the continuation of the longest match, from a suffix automaton over prompt, output and the run's pool.

    Parameters
    ----------
    pool : DraftPool or None
        Texts of the same run; None: a private pool, filled by `add`.
    key : str
        Whose texts to use in `pool`.
    prefer : {"frequent", "latest", "first"}
        Which continuation to take where the match occurred with several. "frequent" breaks ties by the latest.
    minimum_match : int
        Shortest match to draft from.
    factor, offset : float
        A draft is at most `factor * match_length + offset` tokens long.
    minimum_probability : float
        A draft ends where the product of its confidences falls below this.

    Notes
    -----
    Ranked like ArcticInference's suffix decoding (https://arxiv.org/abs/2411.04975): several match lengths compete by
    the expected number of accepted tokens, and own text against pooled text likewise. Ours differs: an automaton in
    place of depth-limited trees, so a match has no maximum length, and a confidence that grows with the match length.
    """

    name = "suffix"

    def __init__(
        self,
        *,
        pool: DraftPool | None = None,
        key: str = "",
        prefer: Preference = "frequent",
        minimum_match: int = 1,
        factor: float = 2.0,
        offset: float = 2.0,
        minimum_probability: float = 0.1,
    ) -> None:
        if prefer not in ("frequent", "latest", "first"):
            raise ValueError(f"prefer must be 'frequent', 'latest' or 'first', got {prefer!r}")
        if minimum_match < 1:
            raise ValueError(f"minimum_match must be at least 1, got {minimum_match}")
        self.pool = pool if pool is not None else DraftPool(max_keys=1)
        self.key = key
        self.prefer = prefer
        self.minimum_match = minimum_match
        self.factor = factor
        self.offset = offset
        self.minimum_probability = minimum_probability
        self._own = SuffixAutomaton()
        self._pooled: list[tuple[SuffixAutomaton, Cursor]] = []

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Index the prompt of a new sequence."""
        self._own = SuffixAutomaton()
        self._own.extend(prompt_ids)
        self._pooled = []
        self._follow_pool(prompt_ids[-64:])

    def add(self, ids: Sequence[int]) -> None:
        """Put a text into the pool under this drafter's key."""
        self.pool.add(self.key, ids)

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens to the index and to every match."""
        self._own.extend(verification.tokens)
        self._follow_pool(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return the continuation with the highest expected number of accepted tokens."""
        best, best_score = EMPTY_DRAFT, 0.0
        if limit < 1:
            return best
        with self.pool.lock:
            kept = {id(automaton) for automaton in self.pool.automata(self.key)}  # others were evicted
            pooled = [match for match in self._pooled if id(match[0]) in kept]
            matches = [(self._own, self._own.suffix()), *pooled]
            for automaton, cursor in matches:
                for token in after:
                    cursor = automaton.advance(cursor, token)
                for match in islice(self._lengths(automaton, cursor), _MAX_LENGTHS):
                    draft, score = self._follow(automaton, match, limit)
                    if score > best_score:
                        best, best_score = draft, score
                    if score > 0.5 * limit:
                        break
        return best

    def _lengths(self, automaton: SuffixAutomaton, cursor: Cursor) -> Iterator[Cursor]:
        while cursor.state != ROOT and cursor.length >= self.minimum_match:
            yield cursor
            cursor = automaton.shorter(cursor)

    def _follow(self, automaton: SuffixAutomaton, match: Cursor, limit: int) -> tuple[Draft, float]:
        """Walk from `match` along the preferred successors; the score is the expected number accepted."""
        limit = min(limit, int(self.factor * match.length + self.offset))
        tokens: list[int] = []
        confidences: list[float] = []
        state, path, score = match.state, 1.0, 0.0
        while len(tokens) < limit:
            successors = list(islice(automaton.successors(state), _MAX_SUCCESSORS))
            if not successors:
                break
            chosen = self._choose(successors)
            share = chosen.occurrences / sum(successor.occurrences for successor in successors)
            confidence = share * (1.0 - 0.5 ** (0.5 * (match.length + len(tokens))))
            path *= confidence
            if path < self.minimum_probability and tokens:
                break
            tokens.append(chosen.token)
            confidences.append(confidence)
            score += path
            state = chosen.state
        return Draft(tuple(tokens), tuple(confidences), source=self.name), score

    def _choose(self, successors: list[Successor]) -> Successor:
        if self.prefer == "frequent":
            return max(successors, key=lambda successor: (successor.occurrences, successor.last_end))
        if self.prefer == "latest":
            return max(successors, key=lambda successor: successor.last_end)
        return min(successors, key=lambda successor: successor.first_end)

    def _follow_pool(self, tokens: Sequence[int]) -> None:
        with self.pool.lock:
            known = {id(automaton): cursor for automaton, cursor in self._pooled}
            self._pooled = []
            for automaton in self.pool.automata(self.key):
                cursor = known.get(id(automaton), Cursor(ROOT, 0))
                for token in tokens:
                    cursor = automaton.advance(cursor, token)
                self._pooled.append((automaton, cursor))
