"""Full text of every user's records in SQLite's FTS5: finds words with no embedder and no index in RAM."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from agentcore.memory.errors import StoreUnavailableError
from agentcore.memory.storage._database import Database

__all__ = ["TextIndex"]

_SLICE = 20_000
"""Records indexed in one transaction: other writers wait for a fraction of a second at most."""


class TextIndex:
    """The durable index of words.

    It is filled when it is searched, up to the newest record, so that adding costs nothing (kept up by a trigger it would cost
    75 microseconds a record, filled by the slice 10); deleted records leave it at once, by a trigger.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, words: Sequence[str], *, condition: str, parameters: Sequence[object], user_id: str | None, limit: int
    ) -> list[tuple[int, float]]:  # fmt: skip
        """Return (sequence number, BM25) of the best records with any of the words, best first.

        Parameters
        ----------
        condition : str
            SQL on `records AS r`, written by us.
        user_id : str, optional
            Every user when not given. It is part of the match, so one user's search costs no more in a large file.
        """
        if not words or not limit:
            return []
        match = "text : (" + " OR ".join(f'"{word}"' for word in words) + ")"
        if user_id is not None:
            match = f"owner : u{user_id.encode().hex()} AND {match}"
        self._catch_up()
        try:
            return self._matching(match, condition, parameters, limit)
        except StoreUnavailableError:  # damaged: what it was made from is in the records
            self.rebuild()
            return self._matching(match, condition, parameters, limit)

    def rebuild(self) -> None:
        """Throw everything away and index all records anew.

        FTS5 refuses even to drop a table whose structure record is damaged, so its tables are first put back to what it writes
        into a new one: empty averages (1) and a structure (10) without segments.
        """
        with self._database.write() as connection:
            for statement in (
                "DELETE FROM records_text_data",
                "DELETE FROM records_text_idx",
                "DELETE FROM records_text_docsize",
                "INSERT INTO records_text_data VALUES (1, x''), (10, x'00000000000000')",
                "INSERT INTO records_text (records_text) VALUES ('delete-all')",  # forgets what it has read before
            ):
                connection.execute(statement)
            _set_through(connection, 0)
        self._catch_up()

    def erase_deleted(self) -> None:
        """Rewrite the index so that no word of a deleted record is left in it; inside the caller's transaction."""
        with self._database.write() as connection:
            if _through(connection):
                connection.execute("INSERT INTO records_text (records_text) VALUES ('optimize')")

    def _matching(
        self, match: str, condition: str, parameters: Sequence[object], limit: int
    ) -> list[tuple[int, float]]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT r.seq, bm25(records_text, 0.0, 1.0) AS badness FROM records_text JOIN records AS r ON r.seq = records_text.rowid "
                f"WHERE records_text MATCH ? AND {condition} ORDER BY badness, r.seq LIMIT ?",
                (match, *parameters, min(limit, 2**31)),
            ).fetchall()
        return [(seq, -badness) for seq, badness in rows]

    def _catch_up(self) -> None:
        """Index the records that came since."""
        with self._database.read() as connection:
            waiting = _newest(connection) > _through(connection)
        while waiting:
            with self._database.write() as connection:
                through, newest = _through(connection), _newest(connection)
                upper = min(through + _SLICE, newest)
                if upper > through:
                    connection.execute(
                        "INSERT INTO records_text (rowid, owner, text) "
                        "SELECT seq, owner, text FROM records_words WHERE seq > ? AND seq <= ?",
                        (through, upper),
                    )
                    _set_through(connection, upper)
            waiting = upper < newest


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(seq) FROM records").fetchone()[0] or 0)


def _through(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM settings WHERE key = 'text_through'").fetchone()
    return 0 if row is None else int(row[0])


def _set_through(connection: sqlite3.Connection, seq: int) -> None:
    connection.execute("INSERT OR REPLACE INTO settings (key, value) VALUES ('text_through', ?)", (str(seq),))
