"""One search from query to hits: bring the index up to date, score, keep the best, read them from the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._columns import MetadataColumns
from agentcore.memory._filters import Filter
from agentcore.memory._partition import Partition
from agentcore.memory._partitions import Partitions
from agentcore.memory._records import Hit, Plan, SearchResult
from agentcore.memory._validation import from_micros
from agentcore.memory.embedding import EncodedQuery
from agentcore.memory.ranking._config import Profile, RankingConfig, profile_config
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._ranker import Ranking, rank
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
    profile: Profile
    now: int
    as_of: int | None = None


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
            partition = self._partition(connection, request)
            synced = perf_counter()
            if not len(partition):
                return SearchResult(plan=Plan("empty", True, {"records": 0}, {}))
            config = profile_config(request.profile)
            eligible = self._eligible(connection, partition, request)
            query = Query.read(
                request.query,
                encoded,
                now=from_micros(request.now, None),
                years=partition.years,
                use_tokens=config.use_tokens,
            )
            ranking = rank(partition, query, config, eligible=eligible)
            allowed = eligible[ranking.rows]
            best = _top(
                np.where(allowed, ranking.fused, -np.inf), min(request.limit, int(np.count_nonzero(allowed)))
            )
            scored = perf_counter()
            found = self._rows.hits(
                connection, partition.seq[ranking.rows[best]].tolist(), superseded=request.as_of is not None
            )
        hits = self._hits(partition, ranking, best, found, request, config)
        done = perf_counter()
        times = {
            "sync": synced - began,
            "score": scored - synced,
            "fetch": done - scored,
            "total": done - began,
        }
        counts = {
            "records": len(partition),
            "eligible": int(np.count_nonzero(eligible)),
            "scored": len(ranking.rows),
        }
        exact = len(ranking.rows) == len(partition)
        return SearchResult(hits, plan=Plan("exact", exact, counts, {k: v * 1000 for k, v in times.items()}))

    def _partition(self, connection: Connection, request: Request) -> Partition:
        """Return the records as they are, or as they were."""
        if request.as_of is None:
            return self._partitions.get(connection, request.user_id, request.namespace)
        rows = self._rows.load_as_of(connection, request.user_id, request.namespace, as_of=request.as_of)
        return Partition.build(rows, dimension=self._partitions.dimension)

    def _hits(
        self, partition: Partition, ranking: Ranking, best: npt.NDArray[np.intp], found: Mapping[int, tuple[Any, ...]],
        request: Request, config: RankingConfig,
    ) -> list[Hit]:  # fmt: skip
        """Return the hits that reach the threshold."""
        hits = []
        top = float(ranking.fused[best[0]]) if len(best) else 0.0
        for place in best.tolist():
            record = found.get(int(partition.seq[ranking.rows[place]]))
            if record is None:  # deleted by another process since the index was brought up to date
                continue
            score = ranking.answerable * math.exp(
                config.abstention.decay * (float(ranking.fused[place]) - top)
            )
            if request.threshold is not None and score < request.threshold:
                break
            signals = {"dense": float(ranking.dense[place]), "lexical": float(ranking.lexical[place])}
            if ranking.tokens is not None:
                signals["tokens"] = float(ranking.tokens[place])
            record_id, text, role, metadata, tags, timestamp = record
            hits.append(
                Hit(
                    id=record_id, text=text, score=score, timestamp=timestamp, tags=tags, metadata=metadata,
                    user_id=request.user_id, namespace=request.namespace or None, signals=signals, role=role,
                )
            )  # fmt: skip
        return hits

    def _eligible(
        self, connection: Connection, partition: Partition, request: Request
    ) -> npt.NDArray[np.bool_]:
        """Return which records may be returned at all."""
        mask = partition.expires > request.now
        if request.as_of is None:
            mask &= (partition.valid_from <= request.now) & (partition.valid_to > request.now)
        if request.start is not None:
            mask &= partition.event_time >= request.start
        if request.end is not None:
            mask &= partition.event_time <= request.end
        if request.condition is not None:
            columns = MetadataColumns(partition.seq, user_id=request.user_id, namespace=request.namespace)
            mask &= columns.mask(connection, request.condition)
        return mask


def _top(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Return the places of the `count` largest, best first; earlier records win ties."""
    if count < len(scores):
        kept = np.argpartition(-scores, count)[:count] if count else np.zeros(0, dtype=np.intp)
    else:
        kept = np.arange(len(scores))
    return kept[np.lexsort((kept, -scores[kept]))]
