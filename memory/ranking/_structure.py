"""Who stands next to whom: the order of turns inside their sessions.

Letters: N records. A place that does not exist is N, so that arrays padded by one value can be indexed by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["Structure"]

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Structure:
    """Neighbours and sessions of N records.

    Attributes
    ----------
    around : ndarray, (4, N), intp
        Places of the previous, the next, the one before the previous, the one after the next turn of the session; N where none.
    session : ndarray, (N,), intp
        Number of the session; records without one each have their own.
    num_sessions : int
    has_sessions : bool
        Whether any record has a neighbour.
    """

    around: Places
    session: Places
    num_sessions: int
    has_sessions: bool

    @classmethod
    def build(
        cls, sessions: npt.NDArray[np.int32], event_time: npt.NDArray[np.int64], seq: npt.NDArray[np.int64]
    ) -> Structure:
        """Order turns by (event time, insertion) inside each session, given by number; -1: none."""
        count = len(sessions)
        codes = sessions.astype(np.intp)
        alone = np.flatnonzero(codes < 0)
        codes[alone] = codes.max(initial=-1) + 1 + np.arange(len(alone))
        numbers, codes = np.unique(codes, return_inverse=True)
        order = np.lexsort((seq, event_time, codes))
        around = np.full((4, count), count, dtype=np.intp)
        for row, step in ((0, 1), (2, 2)):
            joined = codes[order[step:]] == codes[order[:-step]]
            later, earlier = order[step:][joined], order[:-step][joined]
            around[row, later] = earlier
            around[row + 1, earlier] = later
        return cls(around, codes, len(numbers), bool((around < count).any()))

    def restrict(self, rows: Places) -> Structure:
        """Return the structure of some records, ascending; neighbours that are not among them are none."""
        count = len(rows)
        wanted = self.around[:, rows]
        places = np.searchsorted(rows, wanted)
        places[places == count] = 0
        around = np.where(rows[places] == wanted, places, count) if count else wanted
        sessions, numbers = np.unique(self.session[rows], return_inverse=True)
        return Structure(around, numbers.astype(np.intp), len(sessions), bool((around < count).any()))

    def best_of_session(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return, for every record, the largest value in its session."""
        order, starts = self._grouped
        best = np.maximum.reduceat(values if order is None else values[order], starts)
        return np.take(best, self.session, mode="clip")

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
    def _grouped(self) -> tuple[Places | None, Places]:
        """The records by session (None: they lie so already), and where each session, none of them empty, begins."""
        is_grouped = bool((self.session[1:] >= self.session[:-1]).all())
        order = None if is_grouped else np.argsort(self.session, kind="stable")
        ordered = self.session if order is None else self.session[order]
        return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
