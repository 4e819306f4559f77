"""Sign vectors, one bit a dimension, compared by how many bits differ.

Letters: T vectors, Q of a query, B bytes a vector, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Self

import faiss
import numpy as np
import numpy.typing as npt

__all__ = ["SignVectors"]

Bytes = npt.NDArray[np.uint8]
_WIDTHS = (64, 32, 16, 8)
_AT_ONCE = 1 << 18  # distances worked out at a time: they stay in the cache


class SignVectors:
    """T sign vectors, kept in blocks of columns as wide as FAISS counts fastest.

    `faiss.hammings` has its own code for 8, 16, 32 and 64 bytes and a slow one for the rest: the 48 bytes of 384 dimensions
    take 4 times as long as 32 and 16 apart, and numpy's `bitwise_count` 6 times as long.

    Parameters
    ----------
    blocks : sequence of ndarray, (T, 64 | 32 | 16 | 8), uint8
        C-contiguous. Bits beyond the dimension are zero in every vector and so always agree.
    """

    def __init__(self, blocks: Sequence[Bytes]) -> None:
        self.blocks = tuple(blocks)

    @classmethod
    def of(cls, signs: Bytes) -> Self:
        """Return what `numpy.packbits` gave, (T, B), as blocks."""
        width = -(-signs.shape[1] // 8) * 8
        if width != signs.shape[1]:
            signs = np.pad(signs, ((0, 0), (0, width - signs.shape[1])))
        return cls([np.ascontiguousarray(signs[:, start:end]) for start, end in pairwise(_edges(width))])

    def __len__(self) -> int:
        return len(self.blocks[0])

    @property
    def num_bits(self) -> int:
        """Bits a vector, padding included."""
        return 8 * sum(int(block.shape[1]) for block in self.blocks)

    def take(self, rows: npt.NDArray[np.integer]) -> Self:
        """Return some of the vectors."""
        return type(self)(
            [np.take(block, rows, axis=0) for block in self.blocks]
        )  # a third of indexing's time

    def extended(self, other: SignVectors) -> Self:
        """Return these vectors and then the other ones."""
        return type(self)([np.concatenate(pair) for pair in zip(self.blocks, other.blocks, strict=True)])

    def distances(self, query: SignVectors) -> Iterator[npt.NDArray[np.int32]]:
        """Yield Hamming distances of the query's vectors to all of these, (1 or more of Q, T), in order of the query."""
        count = len(self)
        step = max(1, _AT_ONCE // max(count, 1))
        for start in range(0, len(query), step):
            total: npt.NDArray[np.int32] | None = None
            for mine, theirs in zip(self.blocks, query.blocks, strict=True):
                asked = theirs[start : start + step]
                found = np.empty((len(asked), count), dtype=np.int32)
                faiss.hammings(  # type: ignore[attr-defined]  # a C++ function that the stubs leave out
                    faiss.swig_ptr(asked), faiss.swig_ptr(mine), len(asked), count, mine.shape[1], faiss.swig_ptr(found)
                )  # fmt: skip
                total = found if total is None else np.add(total, found, out=total)
            assert total is not None
            yield total


def _edges(width: int) -> list[int]:
    """Return where blocks begin and end: as many of the widest as fit, then the next."""
    edges = [0]
    for size in _WIDTHS:
        while width - edges[-1] >= size:
            edges.append(edges[-1] + size)
    return edges
