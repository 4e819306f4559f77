"""Late interaction on sign bits: how well each word piece of the query is met by some word piece of a record.

MaxSim as in ColBERT (arXiv 2004.12832), from the token vectors that a sentence encoder yields in the pass that makes its pooled
vector. How we differ: no trained projection; one sign bit a dimension on both sides, compared by popcount; query pieces
weighted by idf over the user's records and centred per piece; a piece may be met in a neighbouring turn of the session, at a
discount.

Letters: Q content pieces of the query, N records, T their pieces, W 64-bit words of a sign vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._structure import Structure

__all__ = ["QueryTokens", "TokenIndex", "sign_planes", "windowed"]

Float32 = npt.NDArray[np.float32]
_BLOCK = 16_384  # pieces compared at a time: the intermediate words stay in the cache


class QueryTokens:
    """The content pieces of a query.

    Parameters
    ----------
    ids : ndarray, (Q,), integer
    vectors : ndarray, (Q, D), float32
    """

    def __init__(self, ids: npt.NDArray[np.integer], vectors: Float32) -> None:
        self.ids = np.asarray(ids).astype(np.uint32)
        self.words = pack_words(np.packbits(vectors > 0, axis=1))

    def __len__(self) -> int:
        return len(self.ids)


def pack_words(signs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return sign bytes as 64-bit words, (rows, W); missing bytes are zero on both sides and so always agree."""
    width = -(-signs.shape[1] // 8) * 8
    if width != signs.shape[1]:
        signs = np.pad(signs, ((0, 0), (0, width - signs.shape[1])))
    return np.ascontiguousarray(signs).view(np.uint64)


class TokenIndex:
    """The pieces of N records.

    Parameters
    ----------
    ids : ndarray, (T,), uint32
    planes : ndarray, (W, T), uint64
        The sign bits, one contiguous row a word; see `sign_planes`.
    starts : ndarray, (N + 1,), int64
        Pieces of record i are `starts[i]:starts[i + 1]`.
    """

    def __init__(
        self, ids: npt.NDArray[np.uint32], planes: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64]
    ) -> None:
        self.num_records = len(starts) - 1
        self._starts = starts
        self._planes = planes
        self._known, self._frequency = _document_frequency(ids, starts)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what was worked out about the pieces: the known ones, and in how many records each occurs."""
        return {"known": self._known, "frequency": self._frequency}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, npt.NDArray[Any]],
        planes: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
    ) -> TokenIndex:
        """Return the index that `to_arrays` was asked of."""
        new = cls.__new__(cls)
        new.num_records, new._starts, new._planes = len(starts) - 1, starts, planes
        new._known, new._frequency = arrays["known"], arrays["frequency"]
        return new

    def __bool__(self) -> bool:
        return bool(self._planes.shape[1])

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
        planes, starts = (self._planes, self._starts) if rows is None else self._select(rows)
        width = np.float32(planes.shape[0] * 64)
        filled = np.flatnonzero(starts[1:] > starts[:-1])
        if not len(filled):
            return np.zeros((len(query), len(starts) - 1), dtype=np.float32)
        nearest = np.minimum.reduceat(_distances(query.words, planes), starts[:-1][filled], axis=1)
        if len(filled) == len(starts) - 1:
            return np.subtract(width, nearest, dtype=np.float32)
        result = np.empty((len(query), len(starts) - 1), dtype=np.float32)
        result[:] = width - nearest.max(axis=1, keepdims=True)
        result[:, filled] = width - nearest
        return result

    def _select(self, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Return the planes and starts of some records."""
        first, lengths = self._starts[rows], self._starts[rows + 1] - self._starts[rows]
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        places = np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1])
        return np.take(self._planes, places, axis=1), starts


def sign_planes(signs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return sign bytes, (T, bytes), as the planes that a `TokenIndex` keeps, (W, T)."""
    return np.ascontiguousarray(pack_words(signs).T)


def windowed(similarities: Float32, structure: Structure, config: RankingConfig, means: Float32) -> Float32:
    """Return y, (Q, N): how well each query piece is met here or, at a discount, next to here in the session.

    Parameters
    ----------
    similarities : ndarray, (Q, N)
    structure : Structure
        Of the same N records.
    config : RankingConfig
    means : ndarray, (Q, 1)
        The usual similarity of each query piece, taken off first.
    """
    centred = similarities - means
    if not structure.has_sessions:
        return centred
    padded = np.concatenate((centred, np.full((len(centred), 1), -np.inf, dtype=np.float32)), axis=1)
    previous, following, before, after = structure.around
    near = np.maximum(np.take(padded, previous, axis=1), np.take(padded, following, axis=1))
    far = np.maximum(np.take(padded, before, axis=1), np.take(padded, after, axis=1))
    np.multiply(near, np.float32(config.window_near), out=near)
    np.multiply(far, np.float32(config.window_far), out=far)
    np.maximum(near, far, out=near)
    np.maximum(centred, near, out=centred)
    return centred


def _distances(query: npt.NDArray[np.uint64], planes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
    """Return Hamming distances, (Q, T)."""
    count = planes.shape[1]
    result = np.empty((len(query), count), dtype=np.uint16)
    for start in range(0, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        differing = np.bitwise_count(planes[None, :, block] ^ query[:, :, None])
        np.sum(differing, axis=1, dtype=np.uint16, out=result[:, block])
    return result


def _document_frequency(
    ids: npt.NDArray[np.uint32], starts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the known pieces, ascending, and in how many records each occurs."""
    records = np.repeat(np.arange(len(starts) - 1, dtype=np.uint64), np.diff(starts))
    pairs = np.unique((records << np.uint64(32)) | ids.astype(np.uint64))
    return np.unique((pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32), return_counts=True)
