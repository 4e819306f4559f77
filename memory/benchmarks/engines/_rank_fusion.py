"""FAISS and bm25s glued together by reciprocal ranks: what an afternoon's hybrid search finds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._bm25 import Bm25Engine
from agentcore.memory.benchmarks.engines._faiss_flat import FaissFlatEngine
from agentcore.memory.benchmarks.engines._protocol import Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["RankFusionEngine"]

_DEPTH = 100
_K = 60
"""Constant of Cormack et al. 2009."""


class RankFusionEngine:
    """Reciprocal rank fusion, k = 60, of the first hundred of both."""

    name = "rrf"
    form: TextForm = "document"

    def __init__(self) -> None:
        self._parts = (FaissFlatEngine(), Bm25Engine())

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Build both indexes."""
        for part in self._parts:
            part.add(partition, items, encoded)

    def finish(self) -> None:
        """Build what is missing."""
        for part in self._parts:
            part.finish()

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:
        """Fuse the two rankings."""
        scores: defaultdict[str, float] = defaultdict(float)
        rows = 0
        for part in self._parts:
            found = part.search(partition, question, encoded, limit=_DEPTH)
            rows += found.rows_scored or 0
            for place, item in enumerate(found.ids):
                scores[item] += 1 / (_K + place + 1)
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:limit]
        return Found(tuple(best), scores[best[0]], rows, "exact")

    def remove(self, partition: str) -> None:
        """Drop the partition from both."""
        for part in self._parts:
            part.remove(partition)

    def reopen(self) -> bool:
        """Return False: nothing is kept in files."""
        return False

    def size_bytes(self) -> None:
        """Return None: it lives in memory."""

    def close(self) -> None:
        """Drop everything."""
        for part in self._parts:
            part.close()
