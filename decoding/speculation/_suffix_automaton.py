"""Index every substring of a growing token sequence, so that the longest earlier match is known at every step."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from agentcore.decoding.speculation._edge_table import EdgeTable

__all__ = ["ROOT", "SEPARATOR", "Cursor", "Successor", "SuffixAutomaton"]

ROOT = 0
SEPARATOR = -1  # stands between two texts; no query contains it, so no match crosses it
_NONE = -1

# Occurrence counts and positions are refreshed on this many states a token, the longest suffixes first. The full
# path can be as long as the text ("a a a a ..."), which would make `append` quadratic.
_REFRESHED_SUFFIXES = 64


class Cursor(NamedTuple):
    """Mark a match: the last `length` tokens of a query end in `state`."""

    state: int
    length: int


class Successor(NamedTuple):
    """Describe one token that followed a match, with the number and places of its occurrences."""

    token: int
    state: int
    occurrences: int
    first_end: int
    last_end: int


class SuffixAutomaton:
    """Recognise the substrings of everything appended so far, online, in amortised constant time a token.

    The states keep how often, where first and where last their strings ended. All columns are int32 arrays: about 100
    bytes a token, where a list of dicts takes about a kilobyte.

    Notes
    -----
    The construction is Blumer et al. (1985). Based on SAM-Decoding (https://arxiv.org/abs/2411.10666) for drafting;
    ours differs: flat columns instead of objects, occurrence counts and latest positions beside the first one, and
    separators so that one automaton indexes many texts.
    """

    def __init__(self) -> None:
        self._edges = EdgeTable()
        self._length = array("i")
        self._link = array("i")
        self._first_end = array("i")
        self._last_end = array("i")
        self._count = array("i")
        self._last = self._new_state(length=0, link=_NONE, first_end=_NONE, last_end=_NONE, count=0)
        self._num_tokens = 0

    def __len__(self) -> int:
        """Return the number of tokens appended, separators included."""
        return self._num_tokens

    @property
    def num_states(self) -> int:
        """Number of states, at most twice the number of tokens."""
        return len(self._length)

    @property
    def num_bytes(self) -> int:
        """Memory of all columns in bytes."""
        columns = (self._length, self._link, self._first_end, self._last_end, self._count)
        return self._edges.num_bytes + sum(column.itemsize * len(column) for column in columns)

    def extend(self, tokens: Sequence[int]) -> None:
        """Append `tokens` to the indexed text."""
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        """Append one token, or `SEPARATOR`."""
        edges, lengths, links = self._edges, self._length, self._link
        position = self._num_tokens
        current = self._new_state(
            length=lengths[self._last] + 1, link=ROOT, first_end=position, last_end=position, count=0
        )
        state = self._last
        edge = _NONE
        while state != _NONE and (edge := edges.find(state, token)) == _NONE:
            edges.insert(state, token, current)
            state = links[state]
        if state != _NONE:
            target = edges.target(edge)
            if lengths[target] == lengths[state] + 1:
                links[current] = target
            else:
                links[current] = self._split(state, token, target)
        self._last = current
        self._num_tokens += 1
        self._refresh(current, position)

    def suffix(self) -> Cursor:
        """Return the longest suffix of the text that also occurs earlier in it."""
        link = self._link[self._last]
        return Cursor(ROOT, 0) if link == _NONE else Cursor(link, self._length[link])

    def advance(self, cursor: Cursor, token: int) -> Cursor:
        """Return the longest match of the query that `cursor` marks, extended by `token`."""
        state, length = self._settle(cursor)
        while (edge := self._edges.find(state, token)) == _NONE:
            if state == ROOT:
                return Cursor(ROOT, 0)
            state = self._link[state]
            length = self._length[state]
        return Cursor(self._edges.target(edge), length + 1)

    def shorter(self, cursor: Cursor) -> Cursor:
        """Return the next shorter match with more occurrences, the empty one at last."""
        link = self._link[self._settle(cursor).state]
        return Cursor(ROOT, 0) if link == _NONE else Cursor(link, self._length[link])

    def successors(self, state: int) -> Iterator[Successor]:
        """Yield what followed the strings of `state`, separators left out, most recently seen edge first."""
        for token, target in self._edges.edges(state):
            if token != SEPARATOR:
                yield Successor(
                    token, target, self._count[target], self._first_end[target], self._last_end[target]
                )

    def successor_counts(self, state: int, limit: int) -> dict[int, int]:
        """Return how often each token followed the strings of `state`, of the `limit` edges that were seen last."""
        counts = {token: self._count[target] for token, target in islice(self._edges.edges(state), limit)}
        counts.pop(SEPARATOR, None)
        return counts

    def _settle(self, cursor: Cursor) -> Cursor:
        """Move a cursor to the state that holds its match now: appending may have split the state it was in."""
        state, length = cursor
        while state != ROOT and self._length[self._link[state]] >= length:
            state = self._link[state]
        return Cursor(state, length)

    def _split(self, state: int, token: int, target: int) -> int:
        """Give the shorter strings of `target` a state of their own."""
        clone = self._new_state(
            length=self._length[state] + 1,
            link=self._link[target],
            first_end=self._first_end[target],
            last_end=self._last_end[target],
            count=self._count[target],
        )
        for edge_token, edge_target in self._edges.edges(target):
            self._edges.insert(clone, edge_token, edge_target)
        self._link[target] = clone
        walker = state
        while walker != _NONE and (edge := self._edges.find(walker, token)) != _NONE:
            if self._edges.target(edge) != target:
                break
            self._edges.redirect(edge, clone)
            walker = self._link[walker]
        return clone

    def _refresh(self, state: int, position: int) -> None:
        counts, last_ends, links = self._count, self._last_end, self._link
        for _ in range(_REFRESHED_SUFFIXES):
            if state == ROOT:
                return
            counts[state] += 1
            last_ends[state] = position
            state = links[state]

    def _new_state(self, *, length: int, link: int, first_end: int, last_end: int, count: int) -> int:
        self._edges.add_state()
        self._length.append(length)
        self._link.append(link)
        self._first_end.append(first_end)
        self._last_end.append(last_end)
        self._count.append(count)
        return len(self._length) - 1
