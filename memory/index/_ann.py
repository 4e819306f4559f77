"""Approximate nearest neighbours over one large partition, with the filter inside the index."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from agentcore.memory.index._vectors import Vectors

__all__ = ["VectorIndex"]

_MIN_LISTS, _MAX_LISTS = 64, 1024
_TRAINING_PER_LIST = 40
_ITERATIONS = 8
_PROBED_SHARE = 1 / 32
_MIN_PROBED = 16
_MET_PER_WANTED = 4
"""Eligible records that are looked at for each that is wanted, were they spread evenly over the lists."""

_BLOCK = 32  # codes that the fast scan compares at a time


class VectorIndex:
    """FAISS inverted lists over product-quantised vectors, four dimensions in four bits.

    About sqrt(N) lists keep the build at seconds a million; a 32nd of them is probed: twice as many find no more of the exhaustive ten over a million records. The caller rescores what comes back with the
    exact vectors. At 100k records of 384 dimensions the 256 returned from 32 of 256 lists hold .97 of the true ten in .16 ms; 8 bits a dimension
    hold .92 from 16 lists in .53 ms, and take eight times the memory (FAISS fast scan, arXiv 1704.07355).

    Parameters
    ----------
    vectors : Vectors, or ndarray, (N, D), float32
        Unit vectors; not kept.
    order : ndarray, (N,), intp
        Records in order of insertion: the lists depend on it and not on where the records lie.
    """

    def __init__(self, vectors: Vectors | npt.NDArray[np.float32], order: npt.NDArray[np.intp]) -> None:
        count, dimension = vectors.shape
        wanted = int(np.clip(2 ** round(np.log2(max(count, 4)) / 2), _MIN_LISTS, _MAX_LISTS))
        lists = max(min(wanted, count // 4), 1)
        width = next(width for width in (4, 3, 2, 1) if dimension % width == 0)
        index = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(dimension),
            dimension,
            lists,
            dimension // width,
            4,
            faiss.METRIC_INNER_PRODUCT,
            _BLOCK,
        )
        index.by_residual = False  # one table a query instead of one a list
        index.cp.niter = _ITERATIONS
        index.cp.seed = 0
        index.cp.min_points_per_centroid = 1
        step = max(count // (lists * _TRAINING_PER_LIST), 1)
        index.train(np.ascontiguousarray(vectors[order[::step]]))
        for start in range(0, count, 65_536):
            index.add(np.ascontiguousarray(vectors[start : start + 65_536]))
        self._index: Any = index

    @property
    def num_probed(self) -> int:
        """Lists looked at without a filter."""
        lists = int(self._index.nlist)
        return min(max(int(lists * _PROBED_SHARE), _MIN_PROBED), lists)

    def nearest(
        self,
        query: npt.NDArray[np.float32],
        count: int,
        *,
        eligible: npt.NDArray[np.bool_] | None = None,
        effort: float = 1.0,
    ) -> npt.NDArray[np.intp]:
        """Return up to `count` records near the query, best first.

        Parameters
        ----------
        query : ndarray, (D,), float32
        eligible : ndarray, (N,), bool, optional
            Only these are considered, inside the index; where they are few, more lists are probed.
        effort : float
            Share of the usual lists that is probed.
        """
        lists, probed = int(self._index.nlist), max(int(self.num_probed * effort), 1)
        if eligible is None:
            return self._search(query, count, probed, None)
        bits = np.packbits(eligible, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # the stub knows C++ only
        num_eligible = int(np.count_nonzero(eligible))
        needed = _MET_PER_WANTED * count * lists // max(num_eligible, 1)
        probed = min(max(probed, needed), lists)
        found = self._search(query, count, probed, selector)
        if len(found) < min(count, num_eligible) and probed < lists:  # they lie together, far from the query
            return self._search(query, count, lists, selector)
        return found

    def _search(
        self, query: npt.NDArray[np.float32], count: int, probed: int, selector: Any
    ) -> npt.NDArray[np.intp]:
        _, rows = self._index.search(query[None], count, params=_parameters(probed, selector))
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
        return new


def _parameters(probed: int, selector: Any) -> Any:
    return (
        _unfiltered(probed) if selector is None else faiss.SearchParametersIVF(sel=selector, nprobe=probed)  # type: ignore[call-arg]  # the stub knows C++ only
    )


@lru_cache(maxsize=64)
def _unfiltered(probed: int) -> Any:
    """Return the parameters of searches without a filter; to make them takes a tenth of such a search."""
    return faiss.SearchParametersIVF(nprobe=probed)  # type: ignore[call-arg]  # the stub knows C++ only
