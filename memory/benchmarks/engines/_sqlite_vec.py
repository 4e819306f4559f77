"""sqlite-vec, all users in one virtual table with the user as partition key."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import EngineUnavailableError, Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["SqliteVecEngine"]


class SqliteVecEngine:
    """A `vec0` table; needs a Python whose sqlite3 loads extensions, or the package pysqlite3."""

    name = "sqlite-vec"
    form: TextForm = "document"

    def __init__(self, folder: Path) -> None:
        try:
            import sqlite_vec
        except ImportError as exc:
            raise EngineUnavailableError(self.name, reason=str(exc)) from exc
        self._load = sqlite_vec.load
        self._path = folder / "sqlite-vec.db"
        self._connection = self._open()
        self._has_table = False

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Insert the partition's rows in one transaction."""
        if not self._has_table:
            width = encoded.pooled.shape[1]
            self._connection.execute(
                "CREATE VIRTUAL TABLE turns USING vec0"
                f"(user TEXT PARTITION KEY, vector FLOAT[{width}] distance_metric=cosine, +item TEXT)"
            )
            self._has_table = True
        rows = (
            (partition, np.ascontiguousarray(vector).tobytes(), item.id)
            for item, vector in zip(items, encoded.pooled, strict=True)
        )
        with self._connection:
            self._connection.executemany("INSERT INTO turns (user, vector, item) VALUES (?, ?, ?)", rows)

    def finish(self) -> None:
        """Do nothing: what is added can be searched."""

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Search the user's rows."""
        rows = self._connection.execute(
            "SELECT item, distance FROM turns WHERE vector MATCH ? AND k = ? AND user = ?",
            (encoded.pooled.tobytes(), limit, partition),
        ).fetchall()
        return Found(tuple(item for item, _ in rows), -rows[0][1] if rows else -2.0)

    def remove(self, partition: str) -> None:
        """Delete the user's rows."""
        with self._connection:
            self._connection.execute("DELETE FROM turns WHERE user = ?", (partition,))

    def reopen(self) -> bool:
        """Open the file again."""
        self._connection.close()
        self._connection = self._open()
        return True

    def size_bytes(self) -> int:
        """Return the file's size."""
        return self._path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path)
        if not hasattr(connection, "enable_load_extension"):
            connection.close()
            try:
                import pysqlite3
            except ImportError:
                reason = "this Python's sqlite3 loads no extensions (pysqlite3-binary has one that does)"
                raise EngineUnavailableError(self.name, reason=reason) from None
            connection = pysqlite3.connect(str(self._path))
        connection.enable_load_extension(True)
        self._load(connection)
        return connection
