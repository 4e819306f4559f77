"""One user's records as they are now: a large body with its indexes, and what came and went since they were built."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from agentcore.memory._partition import Partition

__all__ = ["LARGE", "Collection"]

LARGE = 20_000
"""Below this many records everything is scored and a write simply makes new arrays; above it indexes pay."""

MAX_STALE_SHARE = 0.1
"""Of the body: when more came and went, the indexes are built anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """The current records of one (user, namespace).

    Attributes
    ----------
    body : Partition
        All records of a small user; of a large one those that the indexes know.
    alive : ndarray, (N,), bool, or None
        Which of the body are still there; None: all.
    tail : Partition
        Records added since the body was built; scored one by one.
    last : int
        Largest sequence number ever taken in.
    change : int
        Number of the last change the body knows of.
    """

    body: Partition
    alive: npt.NDArray[np.bool_] | None
    tail: Partition
    last: int
    change: int

    def __len__(self) -> int:
        gone = 0 if self.alive is None else int(np.count_nonzero(~self.alive))
        return len(self.body) - gone + len(self.tail)

    @classmethod
    def of(cls, partition: Partition, *, change: int, last: int = 0) -> Collection:
        """Return a collection of just these records."""
        newest = int(partition.seq.max(initial=0))
        empty = partition.take(np.zeros(0, dtype=np.intp))
        return cls(partition, None, empty, max(last, newest), change)

    @property
    def is_large(self) -> bool:
        """Whether searches go through the indexes."""
        return len(self.body) > LARGE

    def changed(
        self, added: Partition | None, removed: AnyCollection[int], *, last: int, change: int
    ) -> Collection:
        """Return the collection after records came and went, up to the change with this number."""
        body, alive, tail = self.body, self.alive, self.tail
        gone = np.fromiter(removed, dtype=np.int64, count=len(removed))
        if added is not None and len(added):
            tail = tail.extended(added) if len(tail) else added
        if len(gone):
            here = np.isin(body.seq, gone, invert=True)
            alive = here if alive is None else alive & here
            tail = tail.take(np.flatnonzero(np.isin(tail.seq, gone, invert=True)))
            if alive.all():
                alive = None
        stale = len(tail) + (0 if alive is None else int(np.count_nonzero(~alive)))
        new = replace(self, body=body, alive=alive, tail=tail, last=max(last, self.last))
        if stale and (not self.is_large or stale > MAX_STALE_SHARE * len(body)):
            return new.merged(change=change)
        return new

    def merged(self, *, change: int) -> Collection:
        """Return the same records as one body, its indexes still to be built."""
        body = self.body if self.alive is None else self.body.take(np.flatnonzero(self.alive))
        return Collection.of(
            body.extended(self.tail) if len(self.tail) else body, change=change, last=self.last
        )
