"""FAISS approximate indexes: the graph (HNSW) and the inverted lists (IVF), one index a user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import faiss
import numpy as np

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["FaissAnnEngine"]


class FaissAnnEngine:
    """HNSW (M 16, ef 128) or IVF (a list for every 64 to 256 vectors, 32 probed); built at the first search."""

    form: TextForm = "document"

    def __init__(self, kind: Literal["hnsw", "ivf"]) -> None:
        self.name = f"faiss-{kind}"
        self._kind = kind
        self._vectors: dict[str, list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]] = {}
        self._ids: dict[str, list[str]] = {}
        self._indexes: dict[str, faiss.Index] = {}

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Keep the vectors until the index is built."""
        self._vectors.setdefault(partition, []).append(encoded.pooled)
        self._ids.setdefault(partition, []).extend(item.id for item in items)
        self._indexes.pop(partition, None)

    def finish(self) -> None:
        """Build the indexes that are missing."""
        for partition in self._ids:
            if partition not in self._indexes:
                joined = np.concatenate(self._vectors[partition])
                self._vectors[partition] = [joined]
                self._indexes[partition] = self._build(joined)

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Search the user's index."""
        self.finish()
        ids = self._ids[partition]
        scores, places = self._indexes[partition].search(encoded.pooled[None], min(limit, len(ids)))
        kept = [place for place in places[0].tolist() if place >= 0]
        return Found(tuple(ids[place] for place in kept), float(scores[0][0]), route="ann")

    def remove(self, partition: str) -> None:
        """Drop the user's index."""
        for table in (self._vectors, self._ids, self._indexes):
            table.pop(partition, None)

    def reopen(self) -> bool:
        """Return False: nothing is kept in files."""
        return False

    def size_bytes(self) -> None:
        """Return None: it lives in memory."""

    def close(self) -> None:
        """Drop everything."""
        for partition in list(self._ids):
            self.remove(partition)

    def _build(self, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> faiss.Index:
        width = vectors.shape[1]
        if self._kind == "hnsw":
            graph = faiss.IndexHNSWFlat(width, 16, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efSearch = 128
            graph.add(vectors)
            return graph
        count = max(1, min(len(vectors) // 64, int(4 * len(vectors) ** 0.5)))
        lists = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, count, faiss.METRIC_INNER_PRODUCT)
        # As SwiftMem's own lists are trained; FAISS's 256 a list and 25 rounds take most of an hour for a million.
        lists.cp.min_points_per_centroid, lists.cp.max_points_per_centroid = 1, 40
        lists.cp.niter = 8
        lists.nprobe = 32
        lists.train(vectors)
        lists.add(vectors)
        return lists
