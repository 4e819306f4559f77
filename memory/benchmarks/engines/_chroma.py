"""Chroma, all users in one collection with a `where` filter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import EngineUnavailableError, Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["ChromaEngine"]

_BATCH = 4000
"""Below the largest batch Chroma accepts."""


class ChromaEngine:
    """A persistent collection with cosine distance."""

    name = "chroma"
    form: TextForm = "document"

    def __init__(self, folder: Path) -> None:
        try:
            import chromadb as package
            from chromadb.config import Settings
        except ImportError as exc:
            raise EngineUnavailableError(self.name, reason=str(exc)) from exc
        self._folder = folder / self.name
        self._chromadb: Any = package
        self._settings: Any = Settings(anonymized_telemetry=False)
        self._client: Any = self._open()
        self._collection = self._client.create_collection(
            "turns", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Add the partition's rows in batches."""
        for start in range(0, len(items), _BATCH):
            part = items[start : start + _BATCH]
            self._collection.add(
                ids=[f"{partition}|{item.id}" for item in part],
                embeddings=encoded.pooled[start : start + _BATCH],
                metadatas=[{"user": partition} for _ in part],
                documents=[item.document for item in part],
            )

    def finish(self) -> None:
        """Do nothing: what is added can be searched."""

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Search with the user in `where`."""
        answer = self._collection.query(
            query_embeddings=encoded.pooled[None],
            n_results=limit,
            where={"user": partition},
            include=["distances"],
        )
        start = len(partition) + 1
        ids = tuple(found[start:] for found in answer["ids"][0])
        distances = answer["distances"]
        return Found(ids, -float(distances[0][0]) if distances and ids else 0.0, route="ann")

    def remove(self, partition: str) -> None:
        """Delete the user's rows."""
        self._collection.delete(where={"user": partition})

    def reopen(self) -> bool:
        """Open the folder again, with nothing in memory."""
        self._client.clear_system_cache()
        self._client = self._open()
        self._collection = self._client.get_collection("turns", embedding_function=None)
        return True

    def size_bytes(self) -> int:
        """Return the bytes of its folder."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Drop the collection."""
        self._client.delete_collection("turns")

    def _open(self) -> Any:
        return self._chromadb.PersistentClient(str(self._folder), settings=self._settings)
