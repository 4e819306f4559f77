"""Tags of records and relations of tags, as rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["TagRows"]

Key = tuple[str, str]


class TagRows:
    """The SQL of tags. Every method works on the connection it is given."""

    def untagged(
        self, connection: sqlite3.Connection, key: Key, *, tagger: str, limit: int
    ) -> list[tuple[int, str]]:
        """Return (seq, text) of current records that this tagger has not seen."""
        return connection.execute(
            "SELECT seq, text FROM records WHERE user_id = ? AND namespace = ? AND superseded_at IS NULL "
            "AND tagger IS NOT ? ORDER BY seq LIMIT ?",
            (*key, tagger, limit),
        ).fetchall()

    def store(
        self,
        connection: sqlite3.Connection,
        key: Key,
        *,
        tagger: str,
        tags: Mapping[int, Sequence[str]],
        relations: Iterable[tuple[str, str]],
    ) -> None:
        """Replace the derived tags of these records."""
        # A record may have been deleted while its text was with the tagger.
        alive = [
            seq
            for seq in tags
            if connection.execute("SELECT 1 FROM records WHERE seq = ?", (seq,)).fetchone()
        ]
        connection.executemany("DELETE FROM record_tags WHERE seq = ?", [(seq,) for seq in alive])
        connection.executemany(
            "INSERT OR IGNORE INTO record_tags (seq, tag) VALUES (?, ?)",
            [(seq, tag) for seq in alive for tag in tags[seq]],
        )
        connection.executemany(
            "UPDATE records SET tagger = ? WHERE seq = ?", [(tagger, seq) for seq in alive]
        )
        if alive:
            connection.executemany(
                "INSERT OR IGNORE INTO tag_relations (user_id, namespace, parent, child) VALUES (?, ?, ?, ?)",
                [(*key, parent, child) for parent, child in relations],
            )

    def load(
        self, connection: sqlite3.Connection, key: Key
    ) -> tuple[dict[int, list[str]], list[tuple[str, str]]]:
        """Return the tags of every current record, given and derived, and the relations, in a fixed order."""
        tags: dict[int, list[str]] = {}
        for seq, given in connection.execute(
            "SELECT seq, tags FROM records WHERE user_id = ? AND namespace = ? AND superseded_at IS NULL", key
        ):
            tags[seq] = [] if given == "[]" else json.loads(given)
        for seq, tag in connection.execute(
            "SELECT t.seq, t.tag FROM record_tags AS t JOIN records AS r ON r.seq = t.seq "
            "WHERE r.user_id = ? AND r.namespace = ? AND r.superseded_at IS NULL ORDER BY t.seq, t.tag",
            key,
        ):
            if tag not in tags[seq]:
                tags[seq].append(tag)
        relations = connection.execute(
            "SELECT parent, child FROM tag_relations WHERE user_id = ? AND namespace = ? ORDER BY parent, child",
            key,
        ).fetchall()
        return tags, relations

    def rename(self, connection: sqlite3.Connection, key: Key, replaced: Mapping[str, str]) -> None:
        """Give records the tag that stands for one of its near duplicates."""
        for old, new in replaced.items():
            rows = connection.execute(
                "SELECT t.seq FROM record_tags AS t JOIN records AS r ON r.seq = t.seq "
                "WHERE t.tag = ? AND r.user_id = ? AND r.namespace = ?",
                (old, *key),
            ).fetchall()
            connection.executemany(
                "INSERT OR IGNORE INTO record_tags (seq, tag) VALUES (?, ?)", [(r[0], new) for r in rows]
            )
            connection.executemany(
                "DELETE FROM record_tags WHERE seq = ? AND tag = ?", [(r[0], old) for r in rows]
            )
            for column in ("parent", "child"):
                connection.execute(
                    f"UPDATE OR REPLACE tag_relations SET {column} = ? WHERE {column} = ? AND user_id = ? AND namespace = ?",
                    (new, old, *key),
                )
        connection.execute("DELETE FROM tag_relations WHERE parent = child")

    def forget_orphans(self, connection: sqlite3.Connection, keys: Iterable[Key]) -> None:
        """Remove the relations of partitions that have no record left."""
        for key in keys:
            if (
                connection.execute(
                    "SELECT 1 FROM records WHERE user_id = ? AND namespace = ? LIMIT 1", key
                ).fetchone()
                is None
            ):
                connection.execute("DELETE FROM tag_relations WHERE user_id = ? AND namespace = ?", key)
