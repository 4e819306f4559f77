"""The vectors of many records in half the room: what takes time over them is fetching them from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import AHEAD, Floats, Ints, ShortMatrix, Shorts, compiled, prefetch

__all__ = ["Vectors"]

Rows = npt.NDArray[np.intp]

_STEPS = 32_767
"""Steps of a vector's length. The codes of a vector are as long as that, so the products of two add up to less than 2 ** 31, whatever the dimension."""

_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """N vectors of D dimensions, rounded to the 32,767th part of their length; the file holds them as they were given.

    The cosine of two is off by some .00001. Reads like an array of floats: `vectors[rows]`.

    Attributes
    ----------
    codes : ndarray, (N, D), int16
    steps : ndarray, (N,), float32
        What one step of each vector is worth.
    """

    codes: npt.NDArray[np.int16]
    steps: npt.NDArray[np.float32]

    @classmethod
    def of(cls, floats: npt.NDArray[np.float32]) -> Self:
        """Return vectors of any length, (N, D), rounded."""
        codes, steps = np.empty(floats.shape, dtype=np.int16), np.empty(len(floats), dtype=np.float32)
        for start in range(0, len(floats), _BLOCK):  # so no copy of all of them is made on the way
            some = floats[start : start + _BLOCK]
            lengths = np.maximum(np.sqrt(np.einsum("ij,ij->i", some, some)), np.float32(1e-30))
            steps[start : start + _BLOCK] = lengths / _STEPS
            codes[start : start + _BLOCK] = np.rint(some * (_STEPS / lengths)[:, None])
        return cls(codes, steps)

    @classmethod
    def joined(cls, parts: Sequence[Vectors]) -> Self:
        """Return the vectors of all parts in order."""
        return cls(
            np.concatenate([part.codes for part in parts]), np.concatenate([part.steps for part in parts])
        )

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: Rows | slice) -> npt.NDArray[np.float32]:
        floats: npt.NDArray[np.float32] = self.codes[rows] * self.steps[rows, None]
        return floats

    @property
    def shape(self) -> tuple[int, int]:
        """N and D."""
        return len(self), self.codes.shape[1]

    def take(self, rows: Rows) -> Self:
        """Return some of the vectors."""
        return type(self)(self.codes[rows], self.steps[rows])

    def products(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the inner product of the query, (D,), with every vector, (N,)."""
        return _products(self.codes, self.steps, query)

    def products_at(self, rows: Rows, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return that with some of the vectors, (R,), read where they lie."""
        return _products_at(self.codes, self.steps, rows, query)


@compiled
def _rounded(query: Floats) -> tuple[Shorts, float]:
    """Return the codes of a query, and what a step is worth."""
    square = 1e-30
    for value in query:
        square += value * value
    step = np.sqrt(square) / _STEPS
    codes = np.empty(len(query), np.int16)
    for place in range(len(query)):
        codes[place] = np.int16(np.rint(query[place] / step))
    return codes, step


@compiled
def _products(codes: ShortMatrix, steps: Floats, query: Floats) -> Floats:
    """Return the inner products of all; in integers, of which a core multiplies twice as many at a time as of floats."""
    asked, step = _rounded(query)
    found = np.empty(len(codes), np.float32)
    for record in range(len(codes)):
        code, total = codes[record], np.int32(0)
        for place in range(len(asked)):
            total = np.int32(total + np.int32(code[place]) * np.int32(asked[place]))
        found[record] = total * step * steps[record]
    return found


@compiled
def _products_at(codes: ShortMatrix, steps: Floats, rows: Ints, query: Floats) -> Floats:
    """Return the inner products of some."""
    asked, step = _rounded(query)
    found = np.empty(len(rows), np.float32)
    for number in range(-AHEAD, len(rows)):
        if number + AHEAD < len(rows):
            for byte in range(0, 2 * len(query), 64):
                prefetch(codes, rows[number + AHEAD], byte)
            prefetch(steps, rows[number + AHEAD], 0)
        if number < 0:
            continue
        code, total = codes[rows[number]], np.int32(0)
        for place in range(len(asked)):
            total = np.int32(total + np.int32(code[place]) * np.int32(asked[place]))
        found[number] = total * step * steps[rows[number]]
    return found
