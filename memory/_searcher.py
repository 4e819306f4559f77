"""One search from query to hits: bring the index up to date, choose a route, score, read the best from the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from agentcore.memory._collection import Collection
from agentcore.memory._partition import Partition
from agentcore.memory._partitions import Partitions
from agentcore.memory._planner import Route, choose_route
from agentcore.memory._records import Hit, Plan, SearchResult
from agentcore.memory._request import Request
from agentcore.memory._selection import best_places
from agentcore.memory._validation import from_micros
from agentcore.memory.embedding import EncodedQuery
from agentcore.memory.ranking import (
    FAST,
    Query,
    RankingConfig,
    Reordering,
    maximal_marginal_relevance,
)
from agentcore.memory.ranking._large import rank_candidates
from agentcore.memory.ranking._ranker import Ranking, rank
from agentcore.memory.storage import Connection, Database, RowStore

__all__ = ["Searcher"]

Mask = npt.NDArray[np.bool_]


class _Found(NamedTuple):
    """The best records of a search, best first."""

    seq: list[int]
    fused: list[float]
    signals: list[dict[str, float]]
    answerable: float
    num_scored: int


class Searcher:
    """Searches the collections of one file.

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
        """Return the best hits, with the plan if it is asked for."""
        times = [perf_counter()]
        config = request.config
        with self._database.read() as connection:
            collection = self._collection(connection, request)
            body = collection.body
            times.append(perf_counter())
            if not len(collection):
                return SearchResult(plan=Plan("empty", True, {"records": 0}, {}) if request.explain else None)
            query = Query.read(
                request.query,
                encoded,
                now=from_micros(request.now, None),
                years=body.years,
                use_tokens=config.use_tokens,
            )
            masks = (
                _eligible(connection, body, request, collection.alive),
                _eligible(connection, collection.tail, request, None),
            )
            route = choose_route(
                body,
                query,
                eligible=masks[0],
                graph=self._partitions.tags(collection),
                allowed=request.routes,
            )
            times.append(perf_counter())
            found = _best(collection, query, config, route, masks, request)
            times.append(perf_counter())
            rows = self._rows.hits(connection, found.seq, superseded=request.as_of is not None)
            vectors = {} if request.reordering is None else self._rows.vectors(connection, found.seq)
        top = found.fused[0] if found.fused else 0.0
        if request.reordering is not None:
            found = _reordered(found, rows, vectors, request, request.reordering)
        hits = _hits(found, rows, request, config, top=top)
        if not request.explain:
            return SearchResult(hits)
        times.append(perf_counter())
        return SearchResult(hits, plan=_plan(collection, route, masks, found, times))

    def _collection(self, connection: Connection, request: Request) -> Collection:
        """Return the records as they are, or as they were."""
        if request.as_of is None:
            return self._partitions.get(connection, request.user_id, request.namespace)
        rows = self._rows.load_as_of(
            connection, request.user_id, request.namespace, as_of=request.as_of, now=request.now
        )
        return Collection.of(Partition.build(rows, dimension=self._partitions.dimension), change=0)


def _best(
    collection: Collection,
    query: Query,
    config: RankingConfig,
    route: Route,
    masks: tuple[Mask | None, Mask | None],
    request: Request,
) -> _Found:
    """Score along the route and keep the best."""
    parts = _scored(collection, query, config, route.candidates, masks, exhaustive=not request.routes)
    wanted = min(request.depth, sum([_count(mask, part) for part, mask, _ in parts]))
    if sum([_count_in(mask, ranking.rows) for _, mask, ranking in parts]) < wanted:
        # more was asked for than was scored: everything, without tokens where there is much of it
        route.notes.append("the limit goes beyond the candidates: each record is scored")
        everything = FAST if collection.is_large else config
        parts = _scored(collection, query, everything, None, masks, exhaustive=True)
    return _merged(parts, wanted)


def _scored(
    collection: Collection, query: Query, config: RankingConfig, candidates: npt.NDArray[np.intp] | None,
    masks: tuple[Mask | None, Mask | None], *, exhaustive: bool,
) -> list[tuple[Partition, Mask | None, Ranking]]:  # fmt: skip
    """Score a small body by itself, of a large one candidates (None: all of it), and the tail."""
    body, tail = collection.body, collection.tail
    if not collection.is_large and not len(tail):
        return [(body, masks[0], rank(body, query, config, eligible=masks[0], exhaustive=exhaustive))]
    first, second = rank_candidates(body, tail, query, config, candidates, masks)
    parts = [(body, masks[0], first)]
    return parts if second is None else [*parts, (tail, masks[1], second)]


def _merged(parts: list[tuple[Partition, Mask | None, Ranking]], wanted: int) -> _Found:
    """Return the best of several rankings."""
    scores = _joined([_masked(ranking, mask) for _, mask, ranking in parts])
    seq = _joined([_seq(part, ranking.rows) for part, _, ranking in parts])
    best = best_places(scores, seq, wanted)
    _, dense, lexical = _joined([ranking.parts for _, _, ranking in parts])
    shown = zip(dense[best].tolist(), lexical[best].tolist(), strict=True)
    signals = [{"dense": d, "lexical": w} for d, w in shown]
    tokens = [ranking.tokens for _, _, ranking in parts if ranking.tokens is not None]
    if len(tokens) == len(parts):
        for signal, value in zip(signals, _joined(tokens)[best].tolist(), strict=True):
            signal["tokens"] = value
    return _Found(
        seq=seq[best].tolist(),
        fused=scores[best].tolist(),
        signals=signals,
        answerable=max([ranking.answerable for _, _, ranking in parts]),
        num_scored=len(scores),
    )


def _joined(arrays: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)


def _seq(partition: Partition, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Return the version numbers of some records, ascending by place."""
    return partition.seq if len(rows) == len(partition) else partition.seq[rows]


def _masked(ranking: Ranking, mask: Mask | None) -> npt.NDArray[np.float32]:
    """Return the scores, minus infinity for records that may not be returned."""
    return ranking.fused if mask is None else np.where(mask[ranking.rows], ranking.fused, np.float32(-np.inf))


def _count(mask: Mask | None, partition: Partition) -> int:
    return len(partition) if mask is None else int(np.count_nonzero(mask))


def _count_in(mask: Mask | None, rows: npt.NDArray[np.intp]) -> int:
    return len(rows) if mask is None else int(np.count_nonzero(mask[rows]))


def _eligible(
    connection: Connection, partition: Partition, request: Request, alive: Mask | None
) -> Mask | None:
    """Return which records may be returned at all; None: all of them."""
    masks = [] if alive is None else [alive]
    if partition.has_limits:
        masks.append(partition.expires > request.now)
        if request.as_of is None:
            masks.append((partition.valid_from <= request.now) & (partition.valid_to > request.now))
    if request.start is not None:
        masks.append(partition.event_time >= request.start)
    if request.end is not None:
        masks.append(partition.event_time <= request.end)
    if request.condition is not None:
        masks.append(
            partition.columns.mask(
                connection, request.condition, user_id=request.user_id, namespace=request.namespace
            )
        )
    return np.logical_and.reduce(masks) if masks else None


def _reordered(
    found: _Found, rows: Mapping[int, tuple[Any, ...]], vectors: Mapping[int, bytes], request: Request, how: Reordering
) -> _Found:  # fmt: skip
    """Return the hits in the order of a reranker, of diversity, or of both."""
    places = [place for place, seq in enumerate(found.seq) if seq in rows and seq in vectors]
    signals = [dict(found.signals[place]) for place in places]
    relevance = [found.fused[place] for place in places]
    reranked = how.scores(request.query, [rows[found.seq[place]][1] for place in places])
    if reranked is not None:
        relevance = reranked
        for signal, score in zip(signals, reranked, strict=True):
            signal["rerank"] = score
    if how.diversity and places:
        matrix = np.frombuffer(b"".join(vectors[found.seq[place]] for place in places), dtype="<f4")
        order = maximal_marginal_relevance(
            relevance, matrix.reshape(len(places), -1), diversity=how.diversity, limit=request.limit
        )
    else:
        order = sorted(range(len(places)), key=lambda place: -relevance[place])[: request.limit]
    return found._replace(
        seq=[found.seq[places[place]] for place in order],
        fused=[found.fused[places[place]] for place in order],
        signals=[signals[place] for place in order],
    )


def _hits(
    found: _Found, rows: Mapping[int, tuple[Any, ...]], request: Request, config: RankingConfig, *, top: float
) -> list[Hit]:
    """Return the hits that reach the threshold; `top` is the highest fused score."""
    hits = []
    for seq, fused, signals in zip(found.seq, found.fused, found.signals, strict=True):
        row = rows.get(seq)
        if row is None:  # deleted by another process since the index was brought up to date
            continue
        score = found.answerable * math.exp(config.abstention.decay * (fused - top))
        if request.threshold is not None and score < request.threshold:
            continue
        record_id, text, role, metadata, tags, timestamp = row
        # by place, for names take as long again as the hit itself
        hits.append(
            Hit(record_id, text, score, timestamp, tags, metadata, request.user_id, request.namespace or None, signals, role)
        )  # fmt: skip
    return hits


def _plan(
    collection: Collection,
    route: Route,
    masks: tuple[Mask | None, Mask | None],
    found: _Found,
    times: list[float],
) -> Plan:
    """Return the record of how the search went."""
    body, tail = collection.body, collection.tail
    counts = {
        "records": len(collection),
        **route.counts,
        "eligible": _count(masks[0], body) + _count(masks[1], tail),
        "candidates": len(body) if route.candidates is None else len(route.candidates),
        "scored": found.num_scored,
    }
    began, synced, routed, scored, fetched = times
    spent = {
        "sync": 1000 * (synced - began),
        "route": 1000 * (routed - synced),
        "score": 1000 * (scored - routed),
        "fetch": 1000 * (fetched - scored),
        "total": 1000 * (fetched - began),
    }
    exact = found.num_scored >= len(collection)
    return Plan(route.name, exact, counts, spent, tuple(route.notes))
