"""FAISS, exact inner product, one index a user: what a bare vector store finds."""

from __future__ import annotations

from collections.abc import Sequence

import faiss

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["FaissFlatEngine"]


class FaissFlatEngine:
    """One `IndexFlatIP` a partition."""

    name = "faiss"
    form: TextForm = "document"

    def __init__(self) -> None:
        self._indexes: dict[str, tuple[faiss.Index, list[str]]] = {}

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Append to the partition's index."""
        if partition not in self._indexes:
            self._indexes[partition] = (faiss.IndexFlatIP(encoded.pooled.shape[1]), [])
        index, ids = self._indexes[partition]
        index.add(encoded.pooled)
        ids.extend(item.id for item in items)

    def finish(self) -> None:
        """Do nothing: the index grows as it is filled."""

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Scan all rows."""
        index, ids = self._indexes[partition]
        scores, places = index.search(encoded.pooled[None], min(limit, len(ids)))
        return Found(tuple(ids[place] for place in places[0]), float(scores[0][0]), len(ids), "exact")

    def remove(self, partition: str) -> None:
        """Drop the partition's index."""
        self._indexes.pop(partition, None)

    def reopen(self) -> bool:
        """Return False: nothing is kept in files."""
        return False

    def size_bytes(self) -> None:
        """Return None: it lives in memory."""

    def close(self) -> None:
        """Drop everything."""
        self._indexes.clear()
