"""Scoring a large collection: candidates of its indexed body, and every record of its short tail.

No stage looks at all records, so what is usual among them (means and spreads for the z-scores) comes from samples and from sums kept by
the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agentcore.memory._partition import Partition
from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._ranker import (
    Evidence,
    Ranking,
    add_hints,
    cue_table,
    finish,
    moments,
    standardised,
    with_context,
)

__all__ = ["rank_candidates"]

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Usual:
    """Means and spreads over the collection, and the weights of the query's stems."""

    dense: tuple[float, float]
    lexical: tuple[float, float]
    idf: Mapping[int, float]


def rank_candidates(
    body: Partition,
    tail: Partition,
    query: Query,
    config: RankingConfig,
    candidates: Rows,
    eligible: tuple[Mask | None, Mask | None] = (None, None),
) -> tuple[Ranking, Ranking | None]:
    """Score candidates of the body, and the whole tail.

    Parameters
    ----------
    candidates : ndarray, (C,), intp
        More than `config.token_candidates` are cut to the best of them by a first score.
    eligible : tuple of (ndarray, (N,), bool, or None)
        Which records of body and tail may be returned; None: all.

    Returns
    -------
    tuple of Ranking
        Of the body, and of the tail; None where it is empty.
    """
    idf = body.lexical.idf(query.terms)
    usual = _Usual(
        moments(body.dense_sample @ query.pooled), body.lexical.moments(query.terms, tail.lexical), idf
    )
    use_tokens = config.use_tokens and query.tokens is not None and bool(body.tokens)
    if len(candidates) > config.token_candidates:
        candidates = _best_candidates(body, usual, query, config, candidates)
    rows, structure, sample = with_context(body, candidates, with_sample=use_tokens)
    first = finish(
        body,
        query,
        config,
        rows,
        sample,
        structure,
        _evidence(body, usual, query, rows),
        eligible=eligible[0],
    )
    if not len(tail):
        return first, None
    everything = np.arange(len(tail))
    evidence = _evidence(tail, usual, query, everything)
    second = finish(
        tail,
        query,
        config,
        everything,
        None,
        tail.structure,
        evidence,
        eligible=eligible[1],
        usual=first.usual,
    )
    return first, second


def _evidence(partition: Partition, usual: _Usual, query: Query, rows: Rows) -> Evidence:
    """Return what vectors and words say of some records."""
    cosine = partition.vectors[rows] @ query.pooled
    bm25, coverage = partition.lexical.scores_at(query.terms, rows, idf=usual.idf)
    return Evidence(cosine, standardised(cosine, usual.dense), standardised(bm25, usual.lexical), coverage)


def _best_candidates(
    body: Partition, usual: _Usual, query: Query, config: RankingConfig, candidates: Rows
) -> Rows:
    """Return the candidates worth a look at their tokens and neighbours."""
    rows = np.unique(np.concatenate((candidates, body.structure.around[:2, candidates].ravel())))
    rows = rows[rows < len(body)]
    evidence = _evidence(body, usual, query, rows)
    first = (evidence.dense + evidence.lexical) * np.float32(0.5)
    padded = np.append(first, np.float32(0))
    previous, following = body.structure.restrict(rows).around[:2]
    first = first + np.float32(config.shortlist_neighbours) * (padded[previous] + padded[following])
    add_hints(first, body, query, config, rows)
    first += np.float32(config.shortlist_cues) * cue_table(config, query.asks_when)[body.turn_cues[rows]]
    return rows[np.argpartition(-first, config.token_candidates)[: config.token_candidates]]
