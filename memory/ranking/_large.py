"""Scoring a large collection: candidates of its indexed body, and every record of its short tail.

What is usual among the records (means and spreads for the z-scores) comes from fixed samples and from sums kept by the index, whatever
the candidates are. So the score of a record is the same function of it and its surroundings along every route, and a search over all records
is what the others are measured against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agentcore.memory._beside import beside
from agentcore.memory._partition import Partition
from agentcore.memory.index import union
from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._dates import date_fit
from agentcore.memory.ranking._fusion import first_look, moments, second_look
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._ranker import (
    Evidence,
    Ranking,
    UsualTokens,
    cue_table,
    finish,
    has_tokens,
    token_scores,
    weights_by_kind,
)
from agentcore.memory.ranking._tokens import windowed

__all__ = ["rank_candidates"]

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_NONE = np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _Usual:
    """Means and spreads over the collection, and the weights of the query's stems."""

    evidence: tuple[float, float, float, float]
    idf: Mapping[int, float]
    tokens: UsualTokens | None


def rank_candidates(
    body: Partition,
    tail: Partition,
    query: Query,
    config: RankingConfig,
    candidates: Rows | None,
    eligible: tuple[Mask | None, Mask | None] = (None, None),
) -> tuple[Ranking, Ranking | None]:
    """Score candidates of the body, and the whole tail.

    Parameters
    ----------
    candidates : ndarray, (C,), intp, or None
        None: every record of the body. Of more than `config.first_candidates` the best by vector and words are kept, of these the best
        `config.token_candidates` by their tokens too; with them come their neighbours, and the whole sessions of the very best.
    eligible : tuple of (ndarray, (N,), bool, or None)
        Which records of body and tail may be returned; None: all.

    Returns
    -------
    tuple of Ranking
        Of the body, and of the tail; None where it is empty.
    """
    if candidates is None:
        usual = _usual_evidence(body, tail, query, config)
        rows, structure = body.places, body.structure
        evidence = beside(_all_evidence, body, usual, query)
    else:
        products = beside(body.codes.inner_products, candidates, query.pooled)
        bm25, _ = body.lexical.scores_at(query.terms, candidates, idf=body.lexical.idf(query.terms))
        usual = _usual_evidence(body, tail, query, config)
        best = _best_candidates(body, usual, query, config, candidates, products(), bm25)
        rows = _with_context(body, best, config)
        evidence = beside(_evidence, body, usual, query, rows)
        structure = body.structure.restrict(rows)
    scores = token_scores(body, query, config, rows, structure, usual=usual.tokens)
    first = finish(body, query, config, rows, structure, evidence(), scores, eligible=eligible[0])
    if not len(tail):
        return first, None
    rows, structure = tail.places, tail.structure
    scores = token_scores(tail, query, config, rows, structure, usual=usual.tokens)
    found = _evidence(tail, usual, query, rows)
    return first, finish(tail, query, config, rows, structure, found, scores, eligible=eligible[1])


def _usual_evidence(body: Partition, tail: Partition, query: Query, config: RankingConfig) -> _Usual:
    """Return what is usual here."""
    return _Usual(
        (*_usual_cosine(body, query), *body.lexical.moments(query.terms, tail.lexical)),
        body.lexical.idf(query.terms),
        _usual_tokens(body, query, config),
    )


def _usual_cosine(body: Partition, query: Query) -> tuple[float, float]:
    """Return mean and spread of the cosine over the sampled records."""
    mean, covariance = body.usual_vectors
    variance = float(query.pooled @ (covariance @ query.pooled))
    return float(mean @ query.pooled), max(variance, 0.0) ** 0.5


def _usual_tokens(body: Partition, query: Query, config: RankingConfig) -> UsualTokens | None:
    """Return how well the sampled records meet the pieces of the query."""
    if query.tokens is None or not has_tokens(body, query, config):
        return None
    sampled = body.sampled
    weights = body.tokens.weights(query.tokens, config)
    similarities = sampled.tokens.similarities(query.tokens, sampled.places)
    means = similarities.mean(axis=1)
    met = windowed(similarities, weights, sampled.structure, config, means)
    nameless = np.array([surface not in body.speaker_words for surface in query.surfaces])
    bare = (weights * nameless) @ similarities
    return UsualTokens(weights, means, moments(met), moments(bare))


def _evidence(partition: Partition, usual: _Usual, query: Query, rows: Rows) -> Evidence:
    """Return what vectors and words say of some records."""
    cosine = partition.vectors.products_at(rows, query.pooled)
    bm25, coverage = partition.lexical.scores_at(query.terms, rows, idf=usual.idf)
    return Evidence(cosine, bm25, coverage, usual.evidence)


def _all_evidence(body: Partition, usual: _Usual, query: Query) -> Evidence:
    """Return what vectors and words say of every record."""
    cosine = body.vectors.products(query.pooled)
    bm25, coverage = body.lexical.scores(query.terms)
    return Evidence(cosine, bm25, coverage, usual.evidence)


def _best_candidates(
    body: Partition, usual: _Usual, query: Query, config: RankingConfig, candidates: Rows, cosine: Float32, bm25: Float32
) -> Rows:  # fmt: skip
    """Return the candidates whose surroundings are worth a look, best first.

    Vectors (`cosine`, by their small copies: this only chooses) and words say whose tokens are looked at; with these the evidence of a record for
    itself is complete, and chooses better.
    """
    worth = cue_table(config, query.asks_when) * np.float32(config.shortlist_cues)
    number = body.named(query.names)
    named = -1 if number is None else number
    first = first_look(
        cosine, bm25, candidates, body.turn_cues, worth, body.speakers.codes, named, config.shortlist_speaker, *usual.evidence
    )  # fmt: skip
    dates = date_fit(query.spans, body.event_time[candidates]) if query.spans else None
    if dates is not None:
        first += np.float32(config.shortlist_date) * dates
    if usual.tokens is None or query.tokens is None:
        return candidates[np.argsort(-first, kind="stable")[: config.token_candidates]]
    if len(first) > config.first_candidates:
        kept = np.argpartition(-first, config.first_candidates)[: config.first_candidates]
    else:
        kept = np.arange(len(first))
    rows = candidates[kept]
    own = second_look(
        body.tokens.similarities(query.tokens, rows), usual.tokens.weights, usual.tokens.means, *usual.tokens.maxsim,
        cosine, bm25, kept, candidates, body.is_passage[rows] if body.has_passages else _NONE,
        body.turn_cues, worth, body.speakers.codes, named, config.speaker,
        *usual.evidence, *weights_by_kind(config, has_tokens=True),
    )  # fmt: skip
    if dates is not None:
        own += np.float32(config.shortlist_date) * dates[kept]
    return rows[np.argsort(-own, kind="stable")[: config.token_candidates]]


def _with_context(body: Partition, chosen: Rows, config: RankingConfig) -> Rows:
    """Return the chosen records with their neighbours and the sessions of the best, ascending."""
    return union(
        body.structure.with_context(chosen, whole=config.whole_sessions, longest=config.longest_session)
    )
