"""Who stands next to whom: the order of turns inside their sessions.

All records stand on one line, each session a stretch of it: the turns of a session follow each other, and the next session begins behind a
gap as wide as anybody looks. So what stands beside a record is found one or two places on.

Letters: N records, L places on the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["REACH", "Structure"]

Places = npt.NDArray[np.intp]

REACH = 2
"""Turns looked at on either side; between sessions so many places of the line stay empty, and at both of its ends."""


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
    """

    line: Places
    session: Places
    num_sessions: int

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
        return cls(line, session, int(session.max(initial=-1)) + 1)

    def restrict(self, rows: Places) -> Structure:
        """Return the structure of some records, ascending; neighbours that are not among them are none."""
        line, session = self.line[rows], self.session[rows]
        order = np.argsort(line)
        steps = np.minimum(np.diff(line[order]), REACH + 1)
        session = session[order]
        return self._in_order(order, steps, session[1:] != session[:-1])

    def around(self, rows: Places) -> Places:
        """Return the previous, the next, the one before the previous, the one after the next turn of the session; N where none, (4, R)."""
        beside = self.line.take(rows) + np.array([[-1], [1], [-2], [2]], dtype=np.intp)
        return self._on_line.take(beside)

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
        records = np.full(self.length, count, dtype=np.intp)
        records[self.line] = np.arange(count)
        return records

    @cached_property
    def length(self) -> int:
        """Places on the line, its empty ends among them."""
        return int(self.line.max(initial=0)) + REACH + 1

    @cached_property
    def _grouped(self) -> tuple[Places | None, Places]:
        """The records by session (None: they lie so already), and where each session, none of them empty, begins."""
        is_grouped = bool((self.line[1:] > self.line[:-1]).all())
        order = None if is_grouped else np.argsort(self.line)
        ordered = self.session if order is None else self.session[order]
        return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
