"""Store the transitions of an automaton in flat int32 columns: an open-addressing table plus one list per state."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

__all__ = ["EdgeTable"]

_EMPTY = -1
_INITIAL_SLOTS = 64
_MASK_32 = 0xFFFFFFFF


class EdgeTable:
    """Map (state, token) to a target state and list the edges of a state.

    About 28 bytes an edge, against roughly 100 for a dict entry with boxed integers. Edges are never removed:
    an automaton only grows.
    """

    def __init__(self) -> None:
        self._state = array("i")
        self._token = array("i")
        self._target = array("i")
        self._next = array("i")  # the next edge of the same state
        self._head = array("i")  # the newest edge of each state
        self._slots = array("i", [_EMPTY]) * _INITIAL_SLOTS
        self._mask = _INITIAL_SLOTS - 1

    def __len__(self) -> int:
        return len(self._state)

    @property
    def num_bytes(self) -> int:
        """Memory of all columns in bytes."""
        columns = (self._state, self._token, self._target, self._next, self._head, self._slots)
        return sum(column.itemsize * len(column) for column in columns)

    def add_state(self) -> None:
        """Append a state without edges."""
        self._head.append(_EMPTY)

    def find(self, state: int, token: int) -> int:
        """Return the edge of `state` for `token`, or -1."""
        slots, mask = self._slots, self._mask
        slot = _hash(state, token) & mask
        while (edge := slots[slot]) != _EMPTY:
            if self._token[edge] == token and self._state[edge] == state:
                return edge
            slot = (slot + 1) & mask
        return _EMPTY

    def target(self, edge: int) -> int:
        """Return where `edge` leads."""
        return self._target[edge]

    def redirect(self, edge: int, target: int) -> None:
        """Let `edge` lead to `target`."""
        self._target[edge] = target

    def insert(self, state: int, token: int, target: int) -> None:
        """Add an edge that is known to be absent."""
        edge = len(self._state)
        self._state.append(state)
        self._token.append(token)
        self._target.append(target)
        self._next.append(self._head[state])
        self._head[state] = edge
        if 2 * edge >= self._mask:
            self._grow()
        else:
            self._place(edge)

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """Yield (token, target) for every edge of `state`, newest first."""
        edge = self._head[state]
        while edge != _EMPTY:
            yield self._token[edge], self._target[edge]
            edge = self._next[edge]

    def _place(self, edge: int) -> None:
        slots, mask = self._slots, self._mask
        slot = _hash(self._state[edge], self._token[edge]) & mask
        while slots[slot] != _EMPTY:
            slot = (slot + 1) & mask
        slots[slot] = edge

    def _grow(self) -> None:
        size = 2 * len(self._slots)
        self._slots = array("i", [_EMPTY]) * size
        self._mask = size - 1
        for edge in range(len(self._state)):
            self._place(edge)


def _hash(state: int, token: int) -> int:
    mixed = (state * 0x9E3779B1 ^ token * 0x85EBCA6B) & _MASK_32
    return mixed ^ (mixed >> 15)
