"""The schema as numbered steps; a file of any age is brought to the newest one when it is opened.

A step is never changed once released: a new need is a new step, appended. Each runs in one transaction with its record.
Everything here works on SQLite 3.37 without extensions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from agentcore.memory.errors import NewerStoreError

__all__ = ["MIGRATIONS", "migrate"]


def _m001_records(connection: sqlite3.Connection) -> None:
    """Create the records with their versions, derived features apart from them, settings, and the change log."""
    for statement in (
        """CREATE TABLE records (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- a version; never reused
            id TEXT NOT NULL,                       -- the memory; shared by its versions
            version INTEGER NOT NULL DEFAULT 1,
            user_id TEXT NOT NULL,
            namespace TEXT NOT NULL DEFAULT '',
            agent TEXT,
            run TEXT,
            text TEXT NOT NULL,
            text_hash BLOB NOT NULL,                -- of the normalised text: exact duplicates
            role TEXT,
            session TEXT,                           -- from metadata, for neighbours
            speaker TEXT,
            metadata TEXT NOT NULL DEFAULT '{}',    -- JSON
            tags TEXT NOT NULL DEFAULT '[]',        -- JSON list, given by the caller
            event_time INTEGER NOT NULL,            -- microseconds since 1970 UTC, as all times here
            event_offset INTEGER,                   -- minutes east of UTC; NULL: given without a zone
            event_given INTEGER NOT NULL DEFAULT 1, -- 0: no timestamp was given, event_time is the insert time
            insert_time INTEGER NOT NULL,
            valid_from INTEGER,
            valid_to INTEGER,
            expires INTEGER,
            superseded_at INTEGER,                  -- NULL: the current version
            superseded_by INTEGER REFERENCES records (seq),
            UNIQUE (id, version)
        )""",
        "CREATE INDEX records_partition ON records (user_id, namespace, superseded_at, seq)",
        "CREATE INDEX records_hash ON records (user_id, namespace, text_hash)",
        "CREATE INDEX records_expires ON records (expires) WHERE expires IS NOT NULL",
        """CREATE TABLE features (
            seq INTEGER PRIMARY KEY REFERENCES records (seq),
            vector BLOB,       -- pooled, float32 little-endian, unit length
            token_ids BLOB,    -- uint32 little-endian, content word pieces
            token_signs BLOB,  -- one bit a dimension, ceil(D / 8) bytes a token
            terms BLOB         -- (uint64 hash of a stem, uint16 count) pairs
        )""",
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE changes (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id TEXT NOT NULL,
            namespace TEXT NOT NULL,
            kind TEXT NOT NULL,     -- add | remove | reset
            first INTEGER NOT NULL, -- records.seq, inclusive
            last INTEGER NOT NULL
        )""",
    ):
        connection.execute(statement)


def _m002_tags(connection: sqlite3.Connection) -> None:
    """Keep derived tags: a language model's are dear, so they are stored and not made again."""
    for statement in (
        "ALTER TABLE records ADD COLUMN tagger TEXT",  # who tagged it; NULL: not yet
        "CREATE TABLE record_tags (seq INTEGER NOT NULL REFERENCES records (seq), tag TEXT NOT NULL, PRIMARY KEY (seq, tag)) "
        "WITHOUT ROWID",
        "CREATE TABLE tag_relations (user_id TEXT NOT NULL, namespace TEXT NOT NULL, parent TEXT NOT NULL, child TEXT NOT NULL, "
        "PRIMARY KEY (user_id, namespace, parent, child)) WITHOUT ROWID",
    ):
        connection.execute(statement)


def _m003_tag_index(connection: sqlite3.Connection) -> None:
    """Find the records of a tag without reading all tags: merging tags asks for it once a tag."""
    connection.execute("CREATE INDEX record_tags_tag ON record_tags (tag)")


def _m004_text_index(connection: sqlite3.Connection) -> None:
    """Make room for a full-text index of all users, filled when it is first searched (`TextIndex`).

    It keeps no second copy of the texts. The trigger takes a deleted record out of it in the same transaction.
    """
    for statement in (
        "CREATE VIEW records_words AS SELECT seq, 'u' || hex(user_id) AS owner, text FROM records",
        "CREATE VIRTUAL TABLE records_text USING fts5 (owner, text, content = 'records_words', content_rowid = 'seq', "
        "tokenize = 'porter unicode61')",
        "INSERT INTO settings (key, value) VALUES ('text_through', '0')",  # the newest record that is in it
        """CREATE TRIGGER records_text_remove BEFORE DELETE ON records
        WHEN old.seq <= (SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'text_through')
        BEGIN
            INSERT INTO records_text (records_text, rowid, owner, text)
            VALUES ('delete', old.seq, 'u' || hex(old.user_id), old.text);
        END""",
    ):
        connection.execute(statement)


def _m005_cues(connection: sqlite3.Connection) -> None:
    """Keep what the wording tells (`ranking.Cue` flags): reading it anew took half the time of loading a user."""
    connection.execute("ALTER TABLE records ADD COLUMN cues INTEGER")  # NULL: not read yet


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _m001_records,
    _m002_tags,
    _m003_tag_index,
    _m004_text_index,
    _m005_cues,
)


def migrate(connection: sqlite3.Connection, *, path: str) -> list[str]:
    """Apply the steps a file lacks, and return their names.

    Parameters
    ----------
    connection : sqlite3.Connection
        Outside any transaction. Two processes may do this at once: the second finds nothing left to do.
    path : str
        For error messages.

    Raises
    ------
    NewerStoreError
        The file has steps that this version does not know.
    """
    if connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
        return []
    applied = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > len(MIGRATIONS):
            raise NewerStoreError(path, found=found, known=len(MIGRATIONS))
        for number in range(found, len(MIGRATIONS)):
            MIGRATIONS[number](connection)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            applied.append(MIGRATIONS[number].__name__.lstrip("_"))
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    return applied
