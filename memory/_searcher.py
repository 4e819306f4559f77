"""One search from query to hits: bring the index up to date, score, keep the best, read them from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

from agentcore.memory._columns import MetadataColumns
from agentcore.memory._filters import Filter
from agentcore.memory._partition import Partition
from agentcore.memory._partitions import Partitions
from agentcore.memory._records import Hit, Plan, Record, SearchResult
from agentcore.memory._terms import stems, term_hash
from agentcore.memory.embedding import EncodedQuery
from agentcore.memory.storage import Connection, Database, RowStore

__all__ = ["Request", "Searcher"]


@dataclass(frozen=True, slots=True)
class Request:
    """A checked search. Times in microseconds; `start` and `end` are inclusive."""

    query: str
    user_id: str
    namespace: str
    limit: int
    start: int | None
    end: int | None
    condition: Filter | None
    threshold: float | None
    now: int


class Searcher:
    """Searches the partitions of one file.

    Parameters
    ----------
    database : Database
    partitions : Partitions
    """

    def __init__(self, database: Database, partitions: Partitions) -> None:
        self._database = database
        self._partitions = partitions
        self._rows = RowStore()

    def search(self, request: Request, encoded: EncodedQuery) -> SearchResult:
        """Return the best hits, with the plan."""
        began = perf_counter()
        with self._database.read() as connection:
            partition = self._partitions.get(connection, request.user_id, request.namespace)
            synced = perf_counter()
            if not len(partition):
                return SearchResult(plan=Plan("empty", True, {"records": 0}, {}))
            eligible = self._eligible(connection, partition, request)
            dense, lexical = _scores(partition, request.query, encoded)
            fused = 0.6 * dense + 0.4 * lexical
            best = _top(np.where(eligible, fused, -np.inf), min(request.limit, int(eligible.sum())))
            scored = perf_counter()
            found = self._rows.by_sequence(connection, [int(s) for s in partition.seq[best]])
        hits = []
        for place in best:
            record = found.get(int(partition.seq[place]))
            if record is None:  # deleted by another process since the index was brought up to date
                continue
            score = float(1 / (1 + np.exp(-(fused[place] - 1.5))))
            if request.threshold is None or score >= request.threshold:
                hits.append(
                    _hit(record, score, {"dense": float(dense[place]), "lexical": float(lexical[place])})
                )
        done = perf_counter()
        times = {
            "sync": synced - began,
            "score": scored - synced,
            "fetch": done - scored,
            "total": done - began,
        }
        counts = {"records": len(partition), "eligible": int(eligible.sum()), "candidates": len(partition)}
        return SearchResult(hits, plan=Plan("exact", True, counts, {k: v * 1000 for k, v in times.items()}))

    def _eligible(
        self, connection: Connection, partition: Partition, request: Request
    ) -> npt.NDArray[np.bool_]:
        """Return which records may be returned at all."""
        mask = partition.expires > request.now
        mask &= (partition.valid_from <= request.now) & (partition.valid_to > request.now)
        if request.start is not None:
            mask &= partition.event_time >= request.start
        if request.end is not None:
            mask &= partition.event_time <= request.end
        if request.condition is not None:
            columns = MetadataColumns(partition.seq, user_id=request.user_id, namespace=request.namespace)
            mask &= columns.mask(connection, request.condition)
        return mask


def _scores(
    partition: Partition, query: str, encoded: EncodedQuery
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the z-scores of dense similarity and BM25 over the partition."""
    dense = partition.vectors @ encoded.pooled
    lexical = partition.lexical.scores([term_hash(stem) for stem in stems(query)])
    return _z(dense), _z(lexical)


def _z(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return z-scores; zeros where all values are the same."""
    spread = float(values.std())
    centred = values - values.mean()
    return centred / np.float32(spread) if spread > 1e-9 else np.zeros_like(values)


def _top(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Return the places of the `count` largest, best first; earlier records win ties."""
    if count < len(scores):
        kept = np.argpartition(-scores, count)[:count] if count else np.zeros(0, dtype=np.intp)
    else:
        kept = np.arange(len(scores))
    return kept[np.lexsort((kept, -scores[kept]))]


def _hit(record: Record, score: float, signals: Mapping[str, float]) -> Hit:
    return Hit(
        id=record.id, text=record.text, score=score, timestamp=record.timestamp, tags=record.tags, metadata=record.metadata,
        user_id=record.user_id, namespace=record.namespace, signals=signals, role=record.role,
    )  # fmt: skip
