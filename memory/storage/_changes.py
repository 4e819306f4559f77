"""The log of what changed, by which every process keeps its indexes in step with the file."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

__all__ = ["Change", "ChangeLog"]

KEPT_CHANGES = 100_000
"""Older entries are dropped; a reader that slept longer rebuilds its indexes from the records."""

ChangeKind = Literal["add", "remove", "reset"]


@dataclass(frozen=True, slots=True)
class Change:
    """Records `first` to `last` (inclusive) of one partition were added or removed; `reset`: read the partition anew."""

    user_id: str
    namespace: str
    kind: ChangeKind
    first: int
    last: int


class ChangeLog:
    """Reads and writes the `changes` table."""

    def append(self, connection: sqlite3.Connection, changes: list[Change]) -> None:
        """Write changes, inside the transaction that makes them."""
        connection.executemany(
            "INSERT INTO changes (user_id, namespace, kind, first, last) VALUES (?, ?, ?, ?, ?)",
            [(c.user_id, c.namespace, c.kind, c.first, c.last) for c in changes],
        )
        newest = self.newest(connection)
        if newest % 1000 < len(changes):  # now and then
            connection.execute("DELETE FROM changes WHERE seq <= ?", (newest - KEPT_CHANGES,))

    def newest(self, connection: sqlite3.Connection) -> int:
        """Return the number of the newest change; 0 when nothing ever changed."""
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
        return 0 if row is None else int(row[0])

    def since(self, connection: sqlite3.Connection, seen: int) -> list[Change] | None:
        """Return the changes after number `seen`, oldest first; None when the log no longer reaches back that far."""
        rows = connection.execute(
            "SELECT seq, user_id, namespace, kind, first, last FROM changes WHERE seq > ? ORDER BY seq",
            (seen,),
        ).fetchall()
        if (rows and rows[0][0] != seen + 1) or (not rows and self.newest(connection) > seen):
            return None
        return [Change(*row[1:]) for row in rows]
