"""A byte a dimension: copies of the vectors that choose among records of a large partition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import AHEAD, ByteMatrix, Floats, Ints, compiled, prefetch
from agentcore.memory.index._vectors import Vectors

__all__ = ["VectorCodes"]

_BLOCK = 16_384


class VectorCodes:
    """Vectors rounded to 255 steps, half the size of `Vectors`: what takes time among many records is fetching them from memory.

    The inner product of a unit vector is off by about a third of a step, .001 where the largest component is .4. It says which records are worth
    a look, never what one of them scores.

    Parameters
    ----------
    vectors : Vectors, or ndarray, (N, D), float32
        Not kept.
    """

    def __init__(self, vectors: Vectors | npt.NDArray[np.float32]) -> None:
        blocks = range(0, len(vectors), _BLOCK)  # so no copy of all of them is made on the way
        largest = max((float(np.abs(vectors[start : start + _BLOCK]).max()) for start in blocks), default=0.0)
        self._step = max(largest, 1e-9) / 127
        self._codes = np.empty(vectors.shape, dtype=np.int8)
        for start in blocks:
            self._codes[start : start + _BLOCK] = np.rint(vectors[start : start + _BLOCK] / self._step)

    def inner_products(
        self, rows: npt.NDArray[np.intp], query: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return the inner product of the query, (D,), with some of the vectors, (R,), nearly."""
        return _inner_products(self._codes, rows, query * np.float32(self._step))

    def nearest(
        self, rows: npt.NDArray[np.intp], query: npt.NDArray[np.float32], count: int
    ) -> npt.NDArray[np.intp]:
        """Return the `count` of some records that are nearest to the query, by looking at each."""
        if count >= len(rows):
            return rows
        return rows[np.argpartition(-self.inner_products(rows, query), count)[:count]]


@compiled
def _inner_products(codes: ByteMatrix, rows: Ints, query: Floats) -> Floats:
    """Return the inner products, read where the codes lie."""
    found = np.empty(len(rows), np.float32)
    for number in range(-AHEAD, len(rows)):
        if number + AHEAD < len(rows):
            for byte in range(0, len(query), 64):
                prefetch(codes, rows[number + AHEAD], byte)
        if number < 0:
            continue
        code, total = codes[rows[number]], np.float32(0)
        for place in range(len(query)):
            total += np.float32(code[place]) * query[place]
        found[number] = total
    return found
