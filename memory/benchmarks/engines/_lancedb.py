"""LanceDB hybrid search (full text and vectors, reciprocal ranks), all users in one table with a filter.

`lancedb` has an index on the user column, which makes its filter fast; `lancedb-unindexed` is the table as a quick start leaves it. Neither has a
vector index, so the vector half is exact.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import EngineUnavailableError, Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["LanceDbEngine"]


class LanceDbEngine:
    """One table; the user filter is applied before the search."""

    form: TextForm = "document"

    def __init__(self, folder: Path, *, hybrid: bool = True, user_index: bool = True) -> None:
        # Its logger, set up at import, would write a deprecation note of its own internals for every search.
        os.environ.setdefault("LANCEDB_LOG", "error")
        try:
            import lancedb
            import pyarrow
            from lancedb.index import FTS, BTree
            from lancedb.rerankers import RRFReranker
        except ImportError as exc:
            raise EngineUnavailableError("lancedb", reason=str(exc)) from exc
        self.name = ("lancedb" if hybrid else "lancedb-dense") + ("" if user_index else "-unindexed")
        self._has_user_index = user_index
        self._hybrid = hybrid
        self._arrow = pyarrow
        self._reranker = RRFReranker()
        self._words, self._users = FTS(), BTree()
        self._folder = folder / self.name
        self._connect = lancedb.connect
        self._database = lancedb.connect(str(self._folder))
        self._table: Any = None
        self._is_indexed = False

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Append the partition's rows."""
        width = encoded.pooled.shape[1]
        vectors = self._arrow.FixedSizeListArray.from_arrays(encoded.pooled.ravel(), width)
        rows = self._arrow.table(
            {
                "user": [partition] * len(items),
                "item": [item.id for item in items],
                "text": [item.document for item in items],
                "vector": vectors,
            }
        )
        if self._table is None:
            self._table = self._database.create_table("turns", rows)
        else:
            self._table.add(rows)
        self._is_indexed = False

    def finish(self) -> None:
        """Build the full-text index and the index of users."""
        if not self._is_indexed:
            if self._hybrid:
                self._table.create_index("text", config=self._words, replace=True)
            if self._has_user_index:
                self._table.create_index("user", config=self._users, replace=True)
            self._is_indexed = True

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:
        """Search with the filter pushed down."""
        self.finish()
        condition = "user = '" + partition.replace("'", "''") + "'"
        if self._hybrid:
            query = self._table.search(query_type="hybrid").vector(encoded.pooled).text(question.text)
            query = query.where(condition, prefilter=True).rerank(self._reranker)
            column = "_relevance_score"
        else:
            query = (
                self._table.search(encoded.pooled).distance_type("cosine").where(condition, prefilter=True)
            )
            column = "_distance"
        rows = query.select(["item"]).limit(limit).to_arrow().to_pylist()
        best = float(rows[0].get(column) or 0.0) if rows else 0.0
        return Found(tuple(row["item"] for row in rows), best if self._hybrid else -best)

    def remove(self, partition: str) -> None:
        """Delete the user's rows."""
        self._table.delete("user = '" + partition.replace("'", "''") + "'")

    def reopen(self) -> bool:
        """Open the table again."""
        self._database = self._connect(str(self._folder))
        self._table = self._database.open_table("turns")
        return True

    def size_bytes(self) -> int:
        """Return the bytes of the table's folder."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the table."""
        self._table = None
