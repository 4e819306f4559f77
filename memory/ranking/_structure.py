"""Who stands next to whom: the order of turns inside their sessions.

All records stand on one line, each session a stretch of it: the turns of a session follow each other, and the next session begins behind a
gap as wide as anybody looks. So what stands beside each record is a slice of what is laid out on the line.

Letters: N records, L places on the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["GONE", "REACH", "Structure"]

Float32 = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

REACH = 2
"""Turns looked at on either side; between sessions so many places of the line stay empty, and at both of its ends."""

GONE = np.float32(-1e9)
"""What stands where nothing stands when the largest is looked for: finite, so that it may be multiplied by zero."""


@dataclass(frozen=True, eq=False)
class Structure:
    """Neighbours and sessions of N records.

    Attributes
    ----------
    line : ndarray, (N,), intp
        Place of each record on the line.
    session : ndarray, (N,), intp
        Number of the session, ascending along the line; records without one each have their own.
    num_sessions : int
    has_sessions : bool
        Whether any record has a neighbour.
    """

    line: Places
    session: Places
    num_sessions: int
    has_sessions: bool

    @classmethod
    def build(
        cls, sessions: npt.NDArray[np.int32], event_time: npt.NDArray[np.int64], seq: npt.NDArray[np.int64]
    ) -> Structure:
        """Order turns by (event time, insertion) inside each session, given by number; -1: none."""
        codes = sessions.astype(np.intp)
        alone = np.flatnonzero(codes < 0)
        codes[alone] = codes.max(initial=-1) + 1 + np.arange(len(alone))
        order = np.lexsort((seq, event_time, codes))
        ordered = codes[order]
        is_new = ordered[1:] != ordered[:-1]
        return cls._in_order(order, np.where(is_new, REACH + 1, 1), is_new)

    @classmethod
    def _in_order(cls, order: Places, steps: Places, is_new: npt.NDArray[np.bool_]) -> Self:
        """Return the structure of records in this order: how far each but the first is from the one before, and whether it begins a session."""
        line, session = np.empty(len(order), dtype=np.intp), np.zeros(len(order), dtype=np.intp)
        line[order[:1]] = REACH
        line[order[1:]] = REACH + np.cumsum(steps)
        session[order[1:]] = np.cumsum(is_new)
        return cls(line, session, int(session.max(initial=-1)) + 1, bool((steps <= REACH).any()))

    def restrict(self, rows: Places) -> Structure:
        """Return the structure of some records, ascending; neighbours that are not among them are none."""
        line, session = self.line[rows], self.session[rows]
        order = np.argsort(line)
        steps = np.minimum(np.diff(line[order]), REACH + 1)
        session = session[order]
        return self._in_order(order, steps, session[1:] != session[:-1])

    def spread(self, values: Float32, missing: np.float32 | float) -> Float32:
        """Lay the values of the records, (..., N), out on the line, (..., L); `missing` stands where no record does."""
        padded = np.empty((*values.shape[:-1], values.shape[-1] + 1), dtype=np.float32)
        padded[..., :-1] = values
        padded[..., -1] = missing
        return padded.take(self._on_line, axis=-1, mode="clip")

    def collect(self, spread: Float32) -> Float32:
        """Return the values of the records, (N,), from what was worked out on the line without its two ends."""
        return spread.take(self._inner, mode="clip")

    @cached_property
    def around(self) -> Places:
        """Places of the previous, the next, the one before the previous, the one after the next turn of the session; N where none, (4, N)."""
        beside = self.line + np.array([[-1], [1], [-2], [2]], dtype=np.intp)
        places: Places = self._on_line[beside]
        return places

    def best_of_session(self, values: Float32) -> Float32:
        """Return, for every record, the largest value in its session; values are given on the line without its two ends."""
        best = np.maximum.reduceat(values + self._gaps, self._first)
        return best.take(self.session, mode="clip")

    def members(self, sessions: Places, *, longest: int) -> Places:
        """Return the records of some sessions, of those only that have up to `longest`."""
        order, starts = self._grouped
        first = starts[sessions]
        lengths = np.append(starts, len(self.session))[sessions + 1] - first
        first, lengths = first[lengths <= longest], lengths[lengths <= longest]
        ends = np.cumsum(lengths)
        places = np.repeat(first - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)
        return places if order is None else order[places]

    @cached_property
    def _on_line(self) -> Places:
        """The record at each place of the line; N where none stands, (L,)."""
        count = len(self.line)
        records = np.full(int(self.line.max(initial=0)) + REACH + 1, count, dtype=np.intp)
        records[self.line] = np.arange(count)
        return records

    @cached_property
    def _inner(self) -> Places:
        """Where the records stand on the line without its two ends."""
        return self.line - REACH

    @cached_property
    def _gaps(self) -> Float32:
        """What makes the empty places of the line, without its two ends, lose against any record."""
        empty = self._on_line[REACH:-REACH] == len(self.line)
        return np.where(empty, GONE, np.float32(0))

    @cached_property
    def _first(self) -> Places:
        """Where each session begins on the line without its two ends."""
        order, starts = self._grouped
        return self._inner[starts if order is None else order[starts]]

    @cached_property
    def _grouped(self) -> tuple[Places | None, Places]:
        """The records by session (None: they lie so already), and where each session, none of them empty, begins."""
        is_grouped = bool((self.line[1:] > self.line[:-1]).all())
        order = None if is_grouped else np.argsort(self.line)
        ordered = self.session if order is None else self.session[order]
        return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
