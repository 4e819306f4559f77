"""Who stands next to whom: the order of turns inside their sessions.

All records stand on one line, each session a stretch of it: the turns of a session follow each other, and the next session begins behind a
gap as wide as anybody looks. So what stands beside a record is found one or two places on.

Letters: N records, L places on the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import Ints, compiled, prefetch

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
        steps = np.where(ordered[1:] != ordered[:-1], REACH + 1, 1)
        return cls(*_laid_out(order, np.append(0, np.cumsum(steps)), codes))

    def restrict(self, rows: Places) -> Structure:
        """Return the structure of some records, ascending; neighbours that are not among them are none."""
        line = self.line.take(rows)
        order = np.argsort(line)
        return Structure(*_laid_out(order, line.take(order), self.session.take(rows)))

    def around(self, rows: Places) -> Places:
        """Return the previous, the next, the one before the previous, the one after the next turn of the session; N where none, (4, R)."""
        beside = self.line.take(rows) + np.array([[-1], [1], [-2], [2]], dtype=np.intp)
        return self._on_line.take(beside)

    def with_context(self, chosen: Places, *, whole: int, longest: int) -> Places:
        """Return the chosen records with their neighbours, and the sessions of the first `whole` that have up to `longest` turns; some more than once."""
        return _with_context(self._on_line, self.line, chosen, whole, longest)

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


@compiled
def _laid_out(order: Ints, places: Ints, sessions: Ints) -> tuple[Ints, Ints, int]:
    """Return line and numbered session of some records, and the number of sessions; gaps of any width become as wide as anybody looks.

    Parameters
    ----------
    order : ndarray, (R,)
        The records in order.
    places : ndarray, (R,)
        Where they stand on a line, in that order.
    sessions : ndarray, (R,)
        Of the records.
    """
    line, session = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    place, number = REACH, 0
    for at in range(len(order)):
        if at > 0:
            place += min(places[at] - places[at - 1], REACH + 1)
            number += sessions[order[at]] != sessions[order[at - 1]]
        line[order[at]], session[order[at]] = place, number
    return line, session, number + 1 if len(order) else 0


@compiled
def _with_context(on_line: Ints, line: Ints, chosen: Ints, whole: int, longest: int) -> Ints:
    """Go along the line from each chosen record: as far as anybody looks, and of the first ones to both ends of the session."""
    count = len(line)
    found = np.empty(len(chosen) * (2 * REACH + 1) + min(whole, len(chosen)) * longest, np.int64)
    size = 0
    for record in chosen:
        prefetch(line, record, 0)
    for record in chosen:
        prefetch(on_line, line[record] - REACH, 0)
    for number in range(len(chosen)):
        place = line[chosen[number]]
        for beside in on_line[place - REACH : place + REACH + 1]:
            if beside < count:
                found[size] = beside
                size += 1
        if number < whole:
            first = after = place
            while after - first <= longest and on_line[first - 1] < count:
                first -= 1
            while after - first <= longest and on_line[after] < count:
                after += 1
            if after - first <= longest:
                for member in on_line[first:after]:
                    found[size] = member
                    size += 1
    return found[:size]
