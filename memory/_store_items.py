"""The items of the LangGraph store: JSON values under (namespace, key), their vectors, and when they expire.

Plain SQLite beside the records of `SwiftMem`, in the same file. Times are microseconds since 1970 UTC. A namespace is stored as
its labels, each ended by a dot, so that a prefix of labels is a prefix of the text and never of half a label.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory.errors import EmbedderMismatchError
from agentcore.memory.storage import Database

__all__ = ["ItemTable", "NewItem", "StoredItem", "encode_namespace"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000_000
_GENERATION = "store_generation"
_DIMENSION = "store_dimension"

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS store_items (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,     -- JSON
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        expires_at INTEGER,
        ttl INTEGER,             -- microseconds from the last access
        record TEXT,             -- id of the SwiftMem record that makes it searchable
        UNIQUE (namespace, key)
    )""",
    "CREATE INDEX IF NOT EXISTS store_items_expires ON store_items (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS store_items_record ON store_items (record) WHERE record IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS store_vectors (
        item INTEGER NOT NULL REFERENCES store_items (id),
        path TEXT NOT NULL,
        vector BLOB NOT NULL,    -- float32 little-endian, unit length or zero
        PRIMARY KEY (item, path)
    )""",
    # Which namespaces changed since their vectors were last read into RAM.
    "CREATE TABLE IF NOT EXISTS store_namespaces (namespace TEXT PRIMARY KEY, generation INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A row, its value parsed."""

    id: int
    namespace: tuple[str, ...]
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    record: str | None


@dataclass(frozen=True, slots=True)
class NewItem:
    """What `ItemTable.apply` writes.

    Attributes
    ----------
    value : Mapping or None
        None deletes.
    vectors : Mapping of str to ndarray
        By path.
    record : str or None
        Id of the SwiftMem record.
    """

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any] | None
    ttl_minutes: float | None = None
    vectors: Mapping[str, npt.NDArray[np.float32]] | None = None
    record: str | None = None


def encode_namespace(namespace: Sequence[str]) -> str:
    """Return the labels, each ended by a dot."""
    return "".join(f"{label}." for label in namespace)


class ItemTable:
    """Reads and writes the tables.

    Parameters
    ----------
    path : Path or None
        The file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._database = Database(path)
        with self._database.write() as connection:
            for statement in _SCHEMA:
                connection.execute(statement)

    def claim_dimension(self, dimension: int) -> None:
        """Remember the length of the vectors; refuse another one than the file's."""
        with self._database.write() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (_DIMENSION,)).fetchone()
            if row is not None and int(row[0]) != dimension:
                raise EmbedderMismatchError(
                    self._database.name,
                    stored=f"store vectors of length {row[0]}",
                    given=f"length {dimension}",
                )
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_DIMENSION, str(dimension)))

    def apply(self, items: Sequence[NewItem]) -> list[str]:
        """Write all items in one transaction; return the ids of SwiftMem records that nothing refers to any more."""
        now = _now()
        replaced: list[str] = []
        with self._database.write() as connection:
            generation = _next_generation(connection)
            for item in items:
                namespace = encode_namespace(item.namespace)
                old = connection.execute(
                    "SELECT id, record, created_at, expires_at FROM store_items WHERE namespace = ? AND key = ?",
                    (namespace, item.key),
                ).fetchone()
                if old is not None:
                    replaced += [old[1]] if old[1] else []
                    _remove(connection, [old[0]])
                if item.value is not None:
                    lives_on = old is not None and (old[3] is None or old[3] > now)
                    _insert(connection, item, namespace, created=old[2] if lives_on else now, now=now)
                connection.execute(
                    "INSERT OR REPLACE INTO store_namespaces VALUES (?, ?)", (namespace, generation)
                )
        return replaced

    def get(self, namespace: Sequence[str], key: str, *, refresh: bool) -> StoredItem | None:
        """Return an item that has not expired; with `refresh`, its time to live starts again."""
        with self._database.read() as connection:
            row = connection.execute(
                f"{_SELECT} WHERE namespace = ? AND key = ? AND {_ALIVE}",
                (encode_namespace(namespace), key, _now()),
            ).fetchone()
        if row is None:
            return None
        if refresh:
            self.refresh([row[0]])
        return _item(row)

    def newest(self, prefix: Sequence[str]) -> Iterator[StoredItem]:
        """Yield the items below a prefix, last updated first."""
        where, values = _below(prefix)
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE {where} AND {_ALIVE} ORDER BY updated_at DESC, id DESC", (*values, _now())
            ).fetchall()
        yield from map(_item, rows)

    def by_id(self, ids: Sequence[int]) -> dict[int, StoredItem]:
        """Return those of the items that are still there."""
        return {item.id: item for item in self._chosen("id", ids)}

    def by_record(self, records: Sequence[str]) -> dict[str, StoredItem]:
        """Return the items that the SwiftMem records belong to."""
        return {item.record: item for item in self._chosen("record", records) if item.record is not None}

    def refresh(self, ids: Sequence[int]) -> None:
        """Start the time to live again."""
        if not ids:
            return
        with self._database.read() as connection:
            limited = connection.execute(
                f"SELECT 1 FROM store_items WHERE id IN ({_marks(ids)}) AND ttl IS NOT NULL LIMIT 1",
                list(ids),
            ).fetchone()
        if limited is None:
            return
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE store_items SET expires_at = ? + ttl WHERE id IN ({_marks(ids)}) AND ttl IS NOT NULL",
                (_now(), *ids),
            )

    def namespaces(self, prefix: Sequence[str] = ()) -> list[tuple[str, ...]]:
        """Return the namespaces that hold an item, sorted."""
        where, values = _below(prefix)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT namespace FROM store_items WHERE {where} AND {_ALIVE}", (*values, _now())
            ).fetchall()
        return sorted(_decode_namespace(namespace) for (namespace,) in rows)

    def generations(self, prefix: Sequence[str]) -> dict[str, int]:
        """Return the encoded namespaces below a prefix with the number of their last change."""
        where, values = _below(prefix)
        with self._database.read() as connection:
            return dict(
                connection.execute(
                    f"SELECT namespace, generation FROM store_namespaces WHERE {where}", values
                ).fetchall()
            )

    def vectors(self, namespace: str) -> tuple[npt.NDArray[np.int64], list[bytes]]:
        """Return item ids and vectors of one encoded namespace, a row a path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT v.item, v.vector FROM store_items i JOIN store_vectors v ON v.item = i.id WHERE i.namespace = ?",
                (namespace,),
            ).fetchall()
        return np.array([row[0] for row in rows], dtype=np.int64), [row[1] for row in rows]

    def sweep(self) -> tuple[int, list[str]]:
        """Delete what has expired; return how many items, and their SwiftMem records."""
        with self._database.write() as connection:
            rows = connection.execute(
                "SELECT id, record, namespace FROM store_items WHERE expires_at <= ?", (_now(),)
            ).fetchall()
            if rows:
                generation = _next_generation(connection)
                _remove(connection, [row[0] for row in rows])
                connection.executemany(
                    "INSERT OR REPLACE INTO store_namespaces VALUES (?, ?)",
                    [(namespace, generation) for namespace in {row[2] for row in rows}],
                )
        return len(rows), [row[1] for row in rows if row[1]]

    def orphans(self, user_id: str, *, older_than: timedelta) -> list[str]:
        """Return SwiftMem records that a process left behind when it died between record and item."""
        before = _now() - int(older_than / timedelta(microseconds=1))
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT r.id FROM records r LEFT JOIN store_items i ON i.record = r.id"
                " WHERE r.user_id = ? AND r.insert_time < ? AND i.id IS NULL",
                (user_id, before),
            ).fetchall()
        return [row[0] for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _chosen(self, column: str, values: Sequence[Any]) -> Iterable[StoredItem]:
        found: list[StoredItem] = []
        with self._database.read() as connection:
            for start in range(0, len(values), 500):
                part = list(values[start : start + 500])
                rows = connection.execute(
                    f"{_SELECT} WHERE {column} IN ({_marks(part)}) AND {_ALIVE}", (*part, _now())
                ).fetchall()
                found += map(_item, rows)
        return found


_SELECT = "SELECT id, namespace, key, value, created_at, updated_at, record FROM store_items"
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"


def _insert(connection: Any, item: NewItem, namespace: str, *, created: int, now: int) -> None:
    ttl = None if item.ttl_minutes is None else round(item.ttl_minutes * _MINUTE)
    cursor = connection.execute(
        "INSERT INTO store_items (namespace, key, value, created_at, updated_at, expires_at, ttl, record)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            namespace,
            item.key,
            json.dumps(dict(item.value or {}), ensure_ascii=False),
            created,
            now,
            None if ttl is None else now + ttl,
            ttl,
            item.record,
        ),
    )
    connection.executemany(
        "INSERT INTO store_vectors VALUES (?, ?, ?)",
        [
            (cursor.lastrowid, path, vector.astype("<f4").tobytes())
            for path, vector in (item.vectors or {}).items()
        ],
    )


def _remove(connection: Any, ids: Sequence[int]) -> None:
    for number in ids:
        connection.execute("DELETE FROM store_vectors WHERE item = ?", (number,))
        connection.execute("DELETE FROM store_items WHERE id = ?", (number,))


def _next_generation(connection: Any) -> int:
    """Count up; never reset, so that an emptied and refilled namespace is never taken for its old self."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (_GENERATION,)).fetchone()
    generation = int(row[0]) + 1 if row else 1
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_GENERATION, str(generation)))
    return generation


def _below(prefix: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the condition that a namespace starts with the labels: `/` is the character after the dot."""
    if not prefix:
        return "1", ()
    start = encode_namespace(prefix)
    return "namespace >= ? AND namespace < ?", (start, f"{start[:-1]}/")


def _decode_namespace(namespace: str) -> tuple[str, ...]:
    return tuple(namespace[:-1].split("."))


def _item(row: tuple[Any, ...]) -> StoredItem:
    identity, namespace, key, value, created, updated, record = row
    return StoredItem(
        identity,
        _decode_namespace(namespace),
        key,
        json.loads(value),
        _EPOCH + timedelta(microseconds=created),
        _EPOCH + timedelta(microseconds=updated),
        record,
    )


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _now() -> int:
    return time_ns() // 1000
