"""Give a file the vectors of another embedder."""

from __future__ import annotations

import json

from agentcore.memory._encoding import check_encoded, dense_text, features_of, lexical_text
from agentcore.memory._progress import Progress
from agentcore.memory._validation import from_micros
from agentcore.memory.embedding import Embedder
from agentcore.memory.storage import Change, ChangeLog, Database

__all__ = ["embedder_label", "reembed"]


def embedder_label(embedder: Embedder) -> str:
    """Return the name under which a file remembers its embedder."""
    return f"{embedder.name} ({embedder.dimension})"


def reembed(database: Database, embedder: Embedder, *, batch: int, progress: Progress) -> int:
    """Rewrite all features in one transaction and return how many versions there were."""
    with database.write() as connection:
        numbers = [row[0] for row in connection.execute("SELECT seq FROM records ORDER BY seq")]
        for start in range(0, len(numbers), batch):
            progress("embedding anew", start, len(numbers))
            rows = connection.execute(
                "SELECT seq, text, role, metadata, event_time, event_offset, event_given FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (numbers[start], numbers[min(start + batch, len(numbers)) - 1]),
            ).fetchall()
            said = [(text, role, json.loads(metadata)) for _, text, role, metadata, *_ in rows]
            encoded = embedder.encode(
                [dense_text(text, role=role, metadata=metadata) for text, role, metadata in said]
            )
            check_encoded(encoded, count=len(said), dimension=embedder.dimension)
            for place, (row, (text, role, metadata)) in enumerate(zip(rows, said, strict=True)):
                time = from_micros(row[4], row[5]) if row[6] else None
                features = features_of(
                    encoded, place, lexical=lexical_text(text, role=role, metadata=metadata, timestamp=time)
                )
                connection.execute(
                    "INSERT OR REPLACE INTO features (seq, vector, token_ids, token_signs, terms) VALUES (?, ?, ?, ?, ?)",
                    (row[0], features.vector, features.token_ids, features.token_signs, features.terms),
                )
        connection.execute(
            "INSERT OR REPLACE INTO settings (key, value) VALUES ('embedder', ?)", (embedder_label(embedder),)
        )
        partitions = connection.execute("SELECT DISTINCT user_id, namespace FROM records").fetchall()
        ChangeLog().append(connection, [Change(user, space, "reset", 0, 0) for user, space in partitions])
    database.flush()
    progress("embedded", len(numbers), len(numbers))
    return len(numbers)
