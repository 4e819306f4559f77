"""Records as rows: insert, fetch, supersede, delete, and load what the indexes need."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from agentcore.memory._records import Record
from agentcore.memory._validation import from_micros, to_micros

__all__ = ["EXPIRED", "Features", "NewRow", "RowStore"]

_COLUMNS = (
    "id, version, user_id, namespace, agent, run, text, role, metadata, tags, event_time, event_offset, insert_time, "
    "valid_from, valid_to, expires, superseded_at"
)
_LOADED = (
    "r.seq, r.event_time, r.session, r.speaker, r.expires, r.valid_from, r.valid_to, "
    "r.cues, CASE WHEN r.cues IS NULL THEN r.text END, f.vector, f.token_ids, f.token_signs, f.terms"
)
EXPIRED = "SELECT id FROM records WHERE superseded_at IS NULL AND expires <= ?"
"""The memories whose current version has expired: gone with all their history."""

_BATCH = 500  # stays below SQLite's old limit of 999 variables


@dataclass(frozen=True, slots=True)
class Features:
    """What the indexes read of a record, as stored; all derived from its text."""

    vector: bytes
    token_ids: bytes
    token_signs: bytes
    terms: bytes


@dataclass(frozen=True, slots=True)
class NewRow:
    """A version about to be written."""

    record: Record
    text_hash: bytes
    session: str | None
    speaker: str | None
    event_given: bool
    cues: int
    features: Features


class RowStore:
    """The SQL of records and features. Every method works on the connection it is given."""

    def insert(self, connection: sqlite3.Connection, rows: Iterable[NewRow]) -> list[int]:
        """Write versions, and return their sequence numbers."""
        numbers = []
        cursor = connection.cursor()
        for row in rows:
            record = row.record
            cursor.execute(
                "INSERT INTO records (id, version, user_id, namespace, agent, run, text, text_hash, role, session, speaker, metadata, "
                "tags, event_time, event_offset, event_given, insert_time, valid_from, valid_to, expires, cues) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.id, record.version, record.user_id, record.namespace or "", record.agent, record.run, record.text,
                    row.text_hash, record.role, row.session, row.speaker,
                    "{}" if not record.metadata else _encode(record.metadata), "[]" if not record.tags else _encode(record.tags),
                    to_micros(record.timestamp), _offset(record.timestamp), row.event_given, to_micros(record.created_at),
                    _micros(record.valid_from), _micros(record.valid_to), _micros(record.expires), row.cues,
                ),
            )  # fmt: skip
            seq = cursor.lastrowid
            assert seq is not None
            features = row.features
            cursor.execute(
                "INSERT INTO features (seq, vector, token_ids, token_signs, terms) VALUES (?, ?, ?, ?, ?)",
                (seq, features.vector, features.token_ids, features.token_signs, features.terms),
            )
            numbers.append(seq)
        return numbers

    def current(self, connection: sqlite3.Connection, record_id: str) -> tuple[int, Record] | None:
        """Return the current version of a memory."""
        row = connection.execute(
            f"SELECT seq, {_COLUMNS} FROM records WHERE id = ? AND superseded_at IS NULL", (record_id,)
        ).fetchone()
        return None if row is None else (row[0], _record(row[1:]))

    def versions(self, connection: sqlite3.Connection, record_id: str) -> list[Record]:
        """Return every version of a memory, oldest first."""
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM records WHERE id = ? ORDER BY version", (record_id,)
        )
        return [_record(row) for row in rows]

    def by_sequence(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Record]:
        """Return the versions with these sequence numbers; those that are gone are left out."""
        found = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            marks = ", ".join("?" * len(batch))
            for row in connection.execute(
                f"SELECT seq, {_COLUMNS} FROM records WHERE seq IN ({marks})", batch
            ):
                found[row[0]] = _record(row[1:])
        return found

    def hits(
        self, connection: sqlite3.Connection, numbers: Sequence[int], *, superseded: bool = False
    ) -> dict[int, tuple[Any, ...]]:
        """Return what a hit shows of these versions: id, text, role, metadata, tags, timestamp.

        Superseded versions are left out unless asked for.
        """
        found = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            rows = connection.execute(_select_hits(len(batch), superseded), batch).fetchall()
            # at once, and without the steps before the parser: it is a third of the time
            parsed, _ = _decode(f"[{','.join([row[4] for row in rows])}]")
            for (seq, record_id, text, role, _, tags, time, offset), metadata in zip(
                rows, parsed, strict=True
            ):
                tagged = () if tags == "[]" else tuple(json.loads(tags))
                found[seq] = (record_id, text, role, metadata, tagged, from_micros(time, offset))
        return found

    def vectors(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, bytes]:
        """Return the pooled vectors of these versions, as stored."""
        found: dict[int, bytes] = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            marks = ", ".join("?" * len(batch))
            found.update(
                connection.execute(f"SELECT seq, vector FROM features WHERE seq IN ({marks})", batch)
            )
        return found

    def select(
        self,
        connection: sqlite3.Connection,
        where: str,
        parameters: Sequence[Any],
        *,
        order: str = "event_time, seq",
    ) -> Iterator[tuple[int, Record]]:
        """Yield versions that match an SQL condition written by us."""
        for row in connection.execute(
            f"SELECT seq, {_COLUMNS} FROM records WHERE {where} ORDER BY {order}", parameters
        ):
            yield row[0], _record(row[1:])

    def same_text(
        self, connection: sqlite3.Connection, user_id: str, namespace: str, text_hash: bytes
    ) -> list[int]:
        """Return the current records of the partition with this text, the oldest first."""
        rows = connection.execute(
            "SELECT seq FROM records WHERE user_id = ? AND namespace = ? AND text_hash = ? AND superseded_at IS NULL ORDER BY seq",
            (user_id, namespace, text_hash),
        )
        return [row[0] for row in rows]

    def taken(self, connection: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
        """Return those of the ids that some version has."""
        found: set[str] = set()
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            marks = ", ".join("?" * len(batch))
            found.update(
                row[0] for row in connection.execute(f"SELECT id FROM records WHERE id IN ({marks})", batch)
            )
        return found

    def has_version(self, connection: sqlite3.Connection, record_id: str, version: int) -> bool:
        """Return whether this version of this memory is stored."""
        row = connection.execute(
            "SELECT 1 FROM records WHERE id = ? AND version = ?", (record_id, version)
        ).fetchone()
        return row is not None

    def owner(self, connection: sqlite3.Connection, record_id: str) -> str | None:
        """Return the user whose memory this is."""
        row = connection.execute("SELECT user_id FROM records WHERE id = ? LIMIT 1", (record_id,)).fetchone()
        return None if row is None else row[0]

    def event_given(self, connection: sqlite3.Connection, seq: int) -> bool:
        """Return whether the caller gave the event time of a version."""
        row = connection.execute("SELECT event_given FROM records WHERE seq = ?", (seq,)).fetchone()
        return row is not None and bool(row[0])

    def annotate(
        self,
        connection: sqlite3.Connection,
        seq: int,
        *,
        tags: Sequence[str],
        metadata: Mapping[str, Any],
        expires: datetime | None,
    ) -> None:
        """Replace the tags, metadata and expiry of a version in place."""
        connection.execute(
            "UPDATE records SET tags = ?, metadata = ?, expires = ? WHERE seq = ?",
            (_encode(tags), _encode(metadata), _micros(expires), seq),
        )

    def supersede(self, connection: sqlite3.Connection, old: int, *, new: int, at: datetime) -> None:
        """Mark a version as replaced by another."""
        connection.execute(
            "UPDATE records SET superseded_at = ?, superseded_by = ? WHERE seq = ?", (to_micros(at), new, old)
        )

    def put_in_order(self, connection: sqlite3.Connection, record_id: str) -> list[int]:
        """Let each version of a memory be replaced by the next, whatever order they came in; return the replaced ones."""
        versions = connection.execute(
            "SELECT seq, insert_time FROM records WHERE id = ? ORDER BY version", (record_id,)
        ).fetchall()
        for (old, _), (new, at) in pairwise(versions):
            self.supersede(connection, old, new=new, at=from_micros(at))
        return [seq for seq, _ in versions[:-1]]

    def delete(self, connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
        """Remove versions for good."""
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            marks = ", ".join("?" * len(batch))
            connection.execute(
                f"UPDATE records SET superseded_by = NULL WHERE superseded_by IN ({marks})", batch
            )
            connection.execute(f"DELETE FROM features WHERE seq IN ({marks})", batch)
            connection.execute(f"DELETE FROM record_tags WHERE seq IN ({marks})", batch)
            connection.execute(f"DELETE FROM records WHERE seq IN ({marks})", batch)

    def count(self, connection: sqlite3.Connection, user_id: str, namespace: str) -> int:
        """Return how many current records a partition has."""
        row = connection.execute(
            "SELECT count(*) FROM records WHERE user_id = ? AND namespace = ? AND superseded_at IS NULL",
            (user_id, namespace),
        ).fetchone()
        return int(row[0])

    def load(
        self, connection: sqlite3.Connection, user_id: str, namespace: str, *, after: int = 0, limit: int = -1
    ) -> list[tuple[Any, ...]]:
        """Return what a partition keeps in RAM of its current records, by sequence number; at most `limit`, -1: all.

        Columns: seq, event_time, session, speaker, expires, valid_from, valid_to, cues, text (of records without cues), vector,
        token_ids, token_signs, terms.
        """
        return connection.execute(
            f"SELECT {_LOADED} FROM records AS r JOIN features AS f ON f.seq = r.seq "
            "WHERE r.user_id = ? AND r.namespace = ? AND r.superseded_at IS NULL AND r.seq > ? ORDER BY r.seq LIMIT ?",
            (user_id, namespace, after, limit),
        ).fetchall()

    def load_as_of(
        self, connection: sqlite3.Connection, user_id: str, namespace: str, *, as_of: int, now: int
    ) -> list[tuple[Any, ...]]:
        """Return the same for the versions that held at a moment, of memories that have not expired by now.

        A first version holds from `valid_from`, or its event time where that is open. A later one holds from the
        `valid_from` or the later event time given with it, else from when it was stored. Each holds until its
        `valid_to`, and at most until its successor begins to hold.
        """
        return connection.execute(
            f"SELECT {_LOADED} FROM records AS r JOIN features AS f ON f.seq = r.seq "
            "LEFT JOIN records AS p ON p.id = r.id AND p.version = r.version - 1 "
            "LEFT JOIN records AS n ON n.seq = r.superseded_by "
            "WHERE r.user_id = ?1 AND r.namespace = ?2 "
            f"AND CASE WHEN p.seq IS NULL THEN COALESCE(r.valid_from, r.event_time) ELSE {_begin('r', 'p')} END <= ?3 "
            f"AND (r.valid_to IS NULL OR r.valid_to > ?3) AND (n.seq IS NULL OR {_begin('n', 'r')} > ?3) "
            f"AND r.id NOT IN ({EXPIRED.replace('?', '?4')}) ORDER BY r.seq",
            (user_id, namespace, as_of, now),
        ).fetchall()


@lru_cache
def _select_hits(count: int, superseded: bool) -> str:
    """Return the SQL that reads so many versions, each found by its number: without the list that `IN` sorts first."""
    marks = ", ".join(["(?)"] * count)
    current = "" if superseded else " WHERE superseded_at IS NULL"
    return (
        f"WITH wanted (number) AS (VALUES {marks}) SELECT seq, id, text, role, metadata, tags, event_time, event_offset "
        f"FROM wanted CROSS JOIN records ON seq = number{current}"
    )


def _begin(later: str, earlier: str) -> str:
    """Return the SQL of when a version that replaces another begins to hold."""
    return (
        f"CASE WHEN {later}.valid_from IS NOT NULL AND {later}.valid_from IS NOT {earlier}.valid_from THEN {later}.valid_from "
        f"WHEN {later}.event_time > {earlier}.event_time THEN {later}.event_time ELSE {later}.insert_time END"
    )


_encode = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().raw_decode


def _micros(value: datetime | None) -> int | None:
    return None if value is None else to_micros(value)


def _offset(value: datetime) -> int | None:
    """Minutes east of UTC; None for a naive time."""
    offset = value.utcoffset()
    return None if offset is None else round(offset.total_seconds() / 60)


def _optional(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _record(row: Sequence[Any]) -> Record:
    """Build a record from the columns of `_COLUMNS`."""
    return Record(
        id=row[0], version=row[1], user_id=row[2], namespace=row[3] or None, agent=row[4], run=row[5], text=row[6], role=row[7],
        metadata=json.loads(row[8]), tags=tuple(json.loads(row[9])), timestamp=from_micros(row[10], row[11]),
        created_at=from_micros(row[12]), valid_from=_optional(row[13]), valid_to=_optional(row[14]), expires=_optional(row[15]),
        superseded_at=_optional(row[16]),
    )  # fmt: skip
