"""txtai hybrid search (BM25 and vectors, half each), all users in one index with an SQL filter.

The filter is applied to the best candidates of the whole index, so a user's share of them shrinks as users are added.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import EngineUnavailableError, Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["TxtaiEngine"]

_CANDIDATES = 400
"""Rows of either half that the filter sees: forty for each hit asked for."""


class TxtaiEngine:
    """One index with content; vectors are handed over by their text."""

    name = "txtai"
    form: TextForm = "document"

    def __init__(self, folder: Path) -> None:
        try:
            from txtai.embeddings import Embeddings
        except ImportError as exc:
            raise EngineUnavailableError(
                self.name, reason=str(exc), cure="install txtai, which no extra of ours brings"
            ) from exc
        self._folder = folder / self.name
        self._vectors: dict[str, deque[npt.NDArray[np.float32]]] = defaultdict(deque)
        vectors = self._vectors

        def transform(texts: Sequence[str]) -> npt.NDArray[np.float32]:  # txtai takes plain functions only
            return np.stack([vectors[text].popleft() for text in texts])

        self._transform = transform
        self._make: Any = Embeddings
        self._index: Any = Embeddings(method="external", transform=transform, content=True, hybrid=True)
        self._waiting: list[tuple[str, dict[str, str], None]] = []
        self._is_empty = True

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Collect the partition's rows."""
        for item, vector in zip(items, encoded.pooled, strict=True):
            self._waiting.append((f"{partition}|{item.id}", {"text": item.document, "user": partition}, None))
            self._vectors[item.document].append(vector)

    def finish(self) -> None:
        """Index what was added: its own choice of a vector index, and words."""
        if self._waiting:
            (self._index.index if self._is_empty else self._index.upsert)(self._waiting)
            self._is_empty = False
            self._waiting = []

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:
        """Search, filtered by user."""
        self.finish()
        self._vectors[question.text].append(encoded.pooled)
        rows = self._index.search(
            f"SELECT id, score FROM txtai WHERE similar(:query, {max(_CANDIDATES, limit)}) AND user = :user",
            limit,
            parameters={"query": question.text, "user": partition},
        )
        start = len(partition) + 1
        best = float(rows[0]["score"]) if rows else 0.0
        return Found(tuple(row["id"][start:] for row in rows), best, route="ann")

    def remove(self, partition: str) -> None:
        """Delete the user's rows."""
        self.finish()
        if not self._is_empty:
            rows = self._index.search(
                "SELECT id FROM txtai WHERE user = :user", 2**31 - 1, parameters={"user": partition}
            )
            self._index.delete([row["id"] for row in rows])

    def reopen(self) -> bool:
        """Save the index and load it again."""
        self.finish()
        self._index.save(str(self._folder))
        self._index.close()
        self._index = self._make()
        self._index.load(str(self._folder), config={"transform": self._transform})
        return True

    def size_bytes(self) -> int:
        """Return the bytes of the index when it is saved."""
        if not self._is_empty:
            self._index.save(str(self._folder))
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()
