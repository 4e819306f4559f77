"""Late interaction on sign bits: how well each word piece of the query is met by some word piece of a record.

MaxSim as in ColBERT (arXiv 2004.12832), from the token vectors that a sentence encoder yields in the pass that makes its pooled
vector. How we differ: no trained projection; one sign bit a dimension on both sides, compared by popcount; query pieces
weighted by idf over the user's records and centred per piece; a piece may be met in a neighbouring turn of the session, at a
discount.

Letters: Q content pieces of the query, N records, T their pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import FloatMatrix, Floats, Ints, compiled
from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._signs import best_agreement, sign_words
from agentcore.memory.ranking._structure import Structure

__all__ = ["QueryTokens", "TokenIndex", "windowed"]

Float32 = npt.NDArray[np.float32]

GONE = np.float32(-1e9)
"""What stands where nothing stands when the largest is looked for."""


class QueryTokens:
    """The content pieces of a query.

    Parameters
    ----------
    ids : ndarray, (Q,), integer
    vectors : ndarray, (Q, D), float32
    """

    def __init__(self, ids: npt.NDArray[np.integer], vectors: Float32) -> None:
        self.ids = ids.astype(np.uint32)
        self.signs = sign_words(np.packbits(vectors > 0, axis=1))

    def __len__(self) -> int:
        return len(self.ids)


class TokenIndex:
    """The pieces of N records.

    Parameters
    ----------
    ids : ndarray, (T,), uint32
    signs : ndarray, (T, W), uint64
    starts : ndarray, (N + 1,), int64
        Pieces of record i are `starts[i]:starts[i + 1]`.
    """

    def __init__(
        self, ids: npt.NDArray[np.uint32], signs: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64]
    ) -> None:
        self.num_records = len(starts) - 1
        self._starts = starts
        self._signs = signs
        self._known, self._frequency = _document_frequency(ids, starts)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what was worked out about the pieces: the known ones, and in how many records each occurs."""
        return {"known": self._known, "frequency": self._frequency}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, npt.NDArray[Any]],
        signs: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
    ) -> TokenIndex:
        """Return the index that `to_arrays` was asked of."""
        new = cls.__new__(cls)
        new.num_records, new._starts, new._signs = len(starts) - 1, starts, signs
        new._known, new._frequency = arrays["known"], arrays["frequency"]
        return new

    def __bool__(self) -> bool:
        return len(self._signs) > 0

    def weights(self, query: QueryTokens, config: RankingConfig) -> Float32:
        """Return the idf weight of every piece of the query, (Q,)."""
        df = np.zeros(len(query), dtype=np.float32)
        if len(self._known):
            places = self._known.searchsorted(query.ids)
            known = self._known.take(places, mode="clip") == query.ids
            df = (self._frequency.take(places, mode="clip") * known).astype(np.float32)
        idf = np.log1p((self.num_records - df + 0.5) / (df + 0.5))
        return np.minimum(idf, config.max_token_idf).astype(np.float32)

    def similarities(self, query: QueryTokens, rows: npt.NDArray[np.intp]) -> Float32:
        """Return x, (Q, R): the best agreement of each query piece with a piece of each record, in agreeing bits.

        Parameters
        ----------
        query : QueryTokens
        rows : ndarray, (R,), intp
            The records. Those without pieces get the worst value that any of them has.
        """
        found = best_agreement(self._signs, self._starts, np.ascontiguousarray(rows), query.signs)
        if self._has_empty:
            is_empty = self._starts[rows + 1] == self._starts[rows]
            if is_empty.any() and not is_empty.all():
                found[:, is_empty] = found[:, ~is_empty].min(axis=1, keepdims=True)
        return found

    @cached_property
    def _has_empty(self) -> bool:
        """Whether any record has no pieces."""
        return bool((self._starts[1:] == self._starts[:-1]).any())


def windowed(
    similarities: Float32, weights: Float32, structure: Structure, config: RankingConfig, means: Float32
) -> Float32:
    """Return MaxSim, (N,): the weighted sum of how well each query piece is met here or, at a discount, next to here in the session.

    Parameters
    ----------
    similarities : ndarray, (Q, N)
    weights : ndarray, (Q,)
    structure : Structure
        Of the same N records.
    config : RankingConfig
    means : ndarray, (Q,)
        The usual similarity of each query piece, taken off first.
    """
    return _windowed(
        similarities, weights, means, structure.line, structure.length, config.window_near, config.window_far
    )


@compiled
def _windowed(
    similarities: FloatMatrix,
    weights: Floats,
    means: Floats,
    line: Ints,
    length: int,
    near: float,
    far: float,
) -> Floats:
    """Lay each piece's similarities out on the line, and add up the best of each place and its surroundings."""
    count = len(line)
    total = np.zeros(count, np.float32)
    laid = np.empty(length, np.float32)
    for piece in range(len(weights)):
        laid[:] = GONE
        for record in range(count):
            laid[line[record]] = similarities[piece, record] - means[piece]
        for record in range(count):
            place = line[record]
            beside = np.float32(near) * max(laid[place - 1], laid[place + 1])
            beyond = np.float32(far) * max(laid[place - 2], laid[place + 2])
            total[record] += weights[piece] * max(laid[place], beside, beyond)
    return total


def _document_frequency(
    ids: npt.NDArray[np.uint32], starts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Return the known pieces, ascending, and in how many records each occurs."""
    records = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    order = np.argsort(ids, kind="stable")  # keeps the records of a piece in order
    ids, records = ids[order], records[order]
    is_new = np.ones(len(ids), dtype=np.bool_)
    np.not_equal(ids[1:], ids[:-1], out=is_new[1:])
    first = np.flatnonzero(is_new)
    is_new[1:] |= records[1:] != records[:-1]
    counts = np.add.reduceat(is_new, first, dtype=np.int32) if len(first) else np.zeros(0, np.int32)
    return ids[first], counts
