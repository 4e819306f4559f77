"""Search by words alone, over one user or all: needs no embedder and nothing that is kept in RAM."""

from __future__ import annotations

from agentcore.memory._records import Hit, SearchResult
from agentcore.memory._stop_words import STOP_WORDS
from agentcore.memory._terms import words
from agentcore.memory.storage import Database, RowStore, TextIndex

__all__ = ["search_text"]

_HOLDS = (
    "r.superseded_at IS NULL AND (r.expires IS NULL OR r.expires > ?) "
    "AND (r.valid_from IS NULL OR r.valid_from <= ?) AND (r.valid_to IS NULL OR r.valid_to > ?)"
)


def search_text(
    database: Database, query: str, *, user_id: str | None, namespace: str | None, limit: int, now: int
) -> SearchResult:
    """Return the current records that hold words of the query, by BM25.

    Parameters
    ----------
    user_id, namespace : str, optional
        Every user, every namespace when not given; the namespace without a name is the empty string.
    now : int
        Microseconds; what has expired or does not hold yet is left out.
    """
    asked = list(dict.fromkeys(words(query)))
    content = [word for word in asked if word not in STOP_WORDS]
    condition = _HOLDS
    values: list[object] = [now, now, now]
    for column, value in (("r.user_id", user_id), ("r.namespace", namespace)):
        if value is not None:
            condition += f" AND {column} = ?"
            values.append(value)
    found = TextIndex(database).search(
        content or asked, condition=condition, parameters=values, user_id=user_id, limit=limit
    )
    with database.read() as connection:
        records = RowStore().by_sequence(connection, [seq for seq, _ in found])
    hits = []
    for seq, weight in found:
        record = records.get(seq)
        if record is None or record.superseded_at is not None:  # changed meanwhile
            continue
        hits.append(
            Hit(
                id=record.id, text=record.text, score=min(weight / found[0][1], 1.0) if found[0][1] > 0 else 1.0,
                timestamp=record.timestamp, tags=record.tags, metadata=record.metadata, user_id=record.user_id,
                namespace=record.namespace, signals={"lexical": weight}, role=record.role,
            )
        )  # fmt: skip
    return SearchResult(hits)
