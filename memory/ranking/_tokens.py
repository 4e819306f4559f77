"""Late interaction on sign bits: how well each word piece of the query is met by some word piece of a record.

MaxSim as in ColBERT (arXiv 2004.12832), from the token vectors that a sentence encoder yields in the pass that makes its pooled
vector. How we differ: no trained projection; one sign bit a dimension on both sides, compared by popcount; query pieces
weighted by idf over the user's records and centred per piece; a piece may be met in a neighbouring turn of the session, at a
discount.

Letters: Q content pieces of the query, N records, T their pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._signs import SignVectors
from agentcore.memory.ranking._structure import GONE, Structure

__all__ = ["QueryTokens", "TokenIndex", "windowed"]

Float32 = npt.NDArray[np.float32]


class QueryTokens:
    """The content pieces of a query.

    Parameters
    ----------
    ids : ndarray, (Q,), integer
    vectors : ndarray, (Q, D), float32
    """

    def __init__(self, ids: npt.NDArray[np.integer], vectors: Float32) -> None:
        self.ids = ids.astype(np.uint32)
        self.signs = SignVectors.of(np.packbits(vectors > 0, axis=1))

    def __len__(self) -> int:
        return len(self.ids)


class TokenIndex:
    """The pieces of N records.

    Parameters
    ----------
    ids : ndarray, (T,), uint32
    signs : SignVectors
        T of them.
    starts : ndarray, (N + 1,), int64
        Pieces of record i are `starts[i]:starts[i + 1]`.
    """

    def __init__(
        self, ids: npt.NDArray[np.uint32], signs: SignVectors, starts: npt.NDArray[np.int64]
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
        signs: SignVectors,
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
            places = np.minimum(np.searchsorted(self._known, query.ids), len(self._known) - 1)
            df = np.where(self._known[places] == query.ids, self._frequency[places], 0).astype(np.float32)
        idf = np.log1p((self.num_records - df + 0.5) / (df + 0.5))
        return np.minimum(idf, config.max_token_idf).astype(np.float32)

    def similarities(self, query: QueryTokens, rows: npt.NDArray[np.intp] | None = None) -> Float32:
        """Return x, (Q, R): the best agreement of each query piece with a piece of each record, in agreeing bits.

        Parameters
        ----------
        query : QueryTokens
        rows : ndarray, (R,), intp, optional
            The records; all of them when not given. Records without pieces get the worst value that any of them has.
        """
        signs, starts = (self._signs, self._starts) if rows is None else self._select(rows)
        filled = np.flatnonzero(starts[1:] > starts[:-1])
        if not len(filled):
            return np.zeros((len(query), len(starts) - 1), dtype=np.float32)
        is_full = len(filled) == len(starts) - 1
        first = starts[:-1] if is_full else starts[:-1][filled]
        agreeing = np.empty((len(query), len(filled)), dtype=np.float32)
        place = 0
        for found in signs.distances(query.signs):
            nearest = np.minimum.reduceat(found, first, axis=1)
            np.subtract(signs.num_bits, nearest, out=agreeing[place : place + len(found)], casting="unsafe")
            place += len(found)
        if is_full:
            return agreeing
        result = np.empty((len(query), len(starts) - 1), dtype=np.float32)
        result[:] = agreeing.min(axis=1, keepdims=True)
        result[:, filled] = agreeing
        return result

    def _select(self, rows: npt.NDArray[np.intp]) -> tuple[SignVectors, npt.NDArray[np.int64]]:
        """Return the signs and starts of some records."""
        first, lengths = self._starts[rows], self._starts[rows + 1] - self._starts[rows]
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        places = np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1])
        return self._signs.take(places), starts


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
    means : ndarray, (Q, 1)
        The usual similarity of each query piece, taken off first.
    """
    centred = similarities - means
    if not structure.has_sessions:
        return weights @ centred
    line = structure.spread(centred, GONE)
    near = np.maximum(line[:, 1:-3], line[:, 3:-1])
    far = np.maximum(line[:, :-4], line[:, 4:])
    near *= np.float32(config.window_near)
    far *= np.float32(config.window_far)
    np.maximum(near, far, out=near)
    np.maximum(line[:, 2:-2], near, out=near)
    return structure.collect(weights @ near)


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
