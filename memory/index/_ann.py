"""Approximate nearest neighbours over one large partition, with the filter inside the index."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

__all__ = ["VectorIndex"]

_MIN_LISTS, _MAX_LISTS = 64, 1024
_TRAINING_PER_LIST = 40
_ITERATIONS = 8
_PROBED_SHARE = 1 / 32
_MIN_PROBED = 12


class VectorIndex:
    """FAISS inverted lists over 8-bit vectors.

    About sqrt(N) lists keep the build at seconds a million; a 32nd of them is probed. What comes back is rescored with the exact vectors by the caller.

    Parameters
    ----------
    vectors : ndarray, (N, D), float32
        Unit vectors; not kept.
    order : ndarray, (N,), intp
        Records in order of insertion: the lists depend on it and not on where the records lie.
    """

    def __init__(self, vectors: npt.NDArray[np.float32], order: npt.NDArray[np.intp]) -> None:
        count, dimension = vectors.shape
        wanted = int(np.clip(2 ** round(np.log2(max(count, 4)) / 2), _MIN_LISTS, _MAX_LISTS))
        lists = max(min(wanted, count // 4), 1)
        coarse = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            coarse, dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.niter = _ITERATIONS
        index.cp.seed = 0
        index.cp.min_points_per_centroid = 1
        step = max(count // (lists * _TRAINING_PER_LIST), 1)
        index.train(np.ascontiguousarray(vectors[order[::step]]))
        for start in range(0, count, 65_536):
            index.add(np.ascontiguousarray(vectors[start : start + 65_536]))
        self._index: Any = index
        self._probed = min(max(int(lists * _PROBED_SHARE), _MIN_PROBED), lists)

    def nearest(
        self, query: npt.NDArray[np.float32], count: int, *, eligible: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.intp]:
        """Return up to `count` records near the query, best first.

        Parameters
        ----------
        query : ndarray, (D,), float32
        eligible : ndarray, (N,), bool, optional
            Only these are considered, inside the index; where they are few, every list is probed.
        """
        probed, selector = self._probed, None
        if eligible is not None:
            bits = np.packbits(eligible, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # the stub knows C++ only
            share = max(float(np.count_nonzero(eligible)) / len(eligible), 1e-6)
            probed = int(min(self._index.nlist, self._probed / min(share * 4, 1.0)))
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=probed)  # type: ignore[call-arg]  # as above
        _, rows = self._index.search(query[None], count, params=parameters)
        found: npt.NDArray[np.intp] = rows[0][rows[0] >= 0].astype(np.intp)
        return found

    def to_bytes(self) -> npt.NDArray[np.uint8]:
        """Return the index as FAISS writes it."""
        data: npt.NDArray[np.uint8] = faiss.serialize_index(self._index)
        return data

    @classmethod
    def from_bytes(cls, data: npt.NDArray[np.uint8]) -> VectorIndex:
        """Return the index that `to_bytes` gave."""
        new = cls.__new__(cls)
        new._index = faiss.deserialize_index(data)
        new._probed = max(int(new._index.nlist * _PROBED_SHARE), _MIN_PROBED)
        return new
