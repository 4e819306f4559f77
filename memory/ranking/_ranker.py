"""The fused score: what a record says, what stands around it, who said it, and when.

Formulas and weights: see `_config`. z is a z-score over the user's records, per query:

    F = a z(dense) + b z(BM25) + c z(MaxSim)                       weights by kind: turn or passage
    S = F + speaker F [named] + neighbours (four turns around) + answered p [previous turn asks]
          + session max(F + .3 (p + n)) + date fit + when x time - ends asking + number

Letters: N records of the partition, R records given to the token stage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from agentcore.memory._partition import Partition
from agentcore.memory.ranking._abstention import answerable
from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._cues import Cue
from agentcore.memory.ranking._dates import date_fit
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._structure import Structure
from agentcore.memory.ranking._tokens import windowed

__all__ = ["Ranking", "rank", "rank_candidates"]

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores of R records.

    Attributes
    ----------
    rows : ndarray, (R,), intp
        Their places in the partition, ascending.
    fused : ndarray, (R,), float32
        S.
    dense, lexical, tokens : ndarray, (R,), float32
        z-scores; `tokens` is None where that stage did not run.
    answerable : float
        The chance that the partition holds an answer at all.
    """

    rows: Rows
    fused: Float32
    dense: Float32
    lexical: Float32
    tokens: Float32 | None
    answerable: float


def rank(
    partition: Partition,
    query: Query,
    config: RankingConfig,
    *,
    eligible: npt.NDArray[np.bool_] | None = None,
    exhaustive: bool = False,
) -> Ranking:
    """Score a partition: every record, or a shortlist where there are many.

    Parameters
    ----------
    eligible : ndarray, (N,), bool, optional
        Records that may be returned; only these are put on a shortlist. The others still give context.
    exhaustive : bool
        Score the tokens of every record, however many there are.
    """
    dense = zscores(partition.vectors @ query.pooled)
    bm25, coverage = partition.lexical.scores(query.terms)
    lexical = zscores(bm25)
    use_tokens = config.use_tokens and query.tokens is not None and bool(partition.tokens)
    if exhaustive or not use_tokens or len(partition) <= config.exhaustive_records:
        everything = np.arange(len(partition))
        return _finish(
            partition, query, config, everything, None, partition.structure, dense, lexical, coverage
        )
    chosen = _shortlist(partition, query, dense, lexical, config, eligible)
    rows, structure, sample = _with_context(partition, chosen, with_sample=True)
    return _finish(
        partition, query, config, rows, sample, structure, dense[rows], lexical[rows], coverage[rows]
    )


def rank_candidates(
    partition: Partition,
    query: Query,
    config: RankingConfig,
    candidates: Rows,
    *,
    like: Partition | None = None,
) -> Ranking:
    """Score candidates of a large partition; what is usual there is taken from samples, so no stage looks at every record.

    Parameters
    ----------
    candidates : ndarray, (C,), intp
    like : Partition, optional
        Take what is usual from this larger partition of the same user instead.
    """
    usual = partition if like is None else like
    use_tokens = config.use_tokens and query.tokens is not None and bool(partition.tokens)
    sampled = zscore_moments(usual.dense_sample @ query.pooled)
    if use_tokens and len(candidates) > config.shortlist_maximum:
        candidates = _best_candidates(partition, usual, query, config, candidates, sampled)
    rows, structure, sample = _with_context(partition, candidates, with_sample=use_tokens)
    dense = _standardised(partition.vectors[rows] @ query.pooled, sampled)
    bm25, coverage = partition.lexical.scores_at(query.terms, rows)
    lexical = _standardised(bm25, usual.lexical.moments(query.terms))
    return _finish(partition, query, config, rows, sample, structure, dense, lexical, coverage)


def _best_candidates(
    partition: Partition, usual: Partition, query: Query, config: RankingConfig, candidates: Rows, sampled: tuple[float, float]
) -> Rows:  # fmt: skip
    """Return the candidates worth a look at their tokens."""
    rows = np.sort(candidates)
    first = _standardised(partition.vectors[rows] @ query.pooled, sampled)
    bm25, _ = partition.lexical.scores_at(query.terms, rows)
    first += _standardised(bm25, usual.lexical.moments(query.terms))
    first *= np.float32(0.5)
    _add_hints(first, partition, query, config, rows)
    wanted = config.shortlist_maximum
    return rows[np.argpartition(-first, wanted)[:wanted]]


def _add_hints(first: Float32, partition: Partition, query: Query, config: RankingConfig, rows: Rows) -> None:
    """Add, in place, speaker and date to the scores a shortlist is made by."""
    named = partition.named_speaker(query.words)
    if named is not None:
        first[named[rows]] += np.float32(config.shortlist_speaker)
    if query.spans:
        first += np.float32(config.shortlist_date) * date_fit(query.spans, partition.event_time[rows])


def _with_context(
    partition: Partition, chosen: Rows, *, with_sample: bool
) -> tuple[Rows, Structure, Rows | None]:
    """Return the chosen records with their neighbours and the sample, their structure, and where the sample is."""
    parts = [chosen, partition.structure.around[:, chosen].ravel()]
    if with_sample:
        parts.append(partition.sample)
    rows = np.unique(np.concatenate(parts))
    rows = rows[rows < len(partition)]
    sample = np.searchsorted(rows, parts[-1]) if with_sample else None
    return rows, partition.structure.restrict(rows), sample


def _finish(
    partition: Partition, query: Query, config: RankingConfig, rows: Rows, sample: Rows | None, structure: Structure,
    dense: Float32, lexical: Float32, coverage: Float32,
) -> Ranking:  # fmt: skip
    """Score the tokens of `rows` and fuse everything; `sample` are places in `rows` that stand for all records."""
    named = partition.named_speaker(query.words)
    named = None if named is None else named[rows]
    tokens = nameless = None
    if config.use_tokens and query.tokens is not None and bool(partition.tokens):
        select = None if len(rows) == len(partition) else rows
        tokens, nameless = _token_scores(
            partition, query, config, select, sample, structure, is_named=named is not None
        )
    own = _own_score(partition, rows, dense, lexical, tokens, config)
    fused = _with_surroundings(partition, rows, own, named, structure, config)
    if query.spans:
        fused += np.float32(config.date) * date_fit(query.spans, partition.event_time[rows])
    fused += _cue_table(config, query.asks_when)[partition.turn_cues[rows]]
    chance = answerable(
        own=own,
        dense=dense,
        tokens=nameless if nameless is not None else lexical,
        coverage=coverage,
        named=named,
        config=config.abstention,
    )
    return Ranking(rows, fused, dense, lexical, tokens, chance)


def zscore_moments(values: Float32) -> tuple[float, float]:
    """Return mean and spread."""
    return float(values.mean()), float(values.std())


def _standardised(values: Float32, moments: tuple[float, float]) -> Float32:
    """Return z-scores by a mean and spread known beforehand; zeros where nothing varies."""
    mean, spread = moments
    if spread < 1e-7:
        return np.zeros_like(values)
    centred: Float32 = values - np.float32(mean)
    centred *= np.float32(1 / spread)
    return centred


def zscores(values: Float32, sample: Rows | None = None) -> Float32:
    """Return z-scores by the mean and spread of all values, or of a sample; zeros where nothing varies."""
    base = values if sample is None else values[sample]
    mean = np.add.reduce(base, dtype=np.float32) / np.float32(len(base))
    centred: Float32 = values - mean
    away = centred if sample is None else centred[sample]
    spread = math.sqrt(float(away @ away) / len(away))
    if spread < 1e-7:
        return np.zeros_like(values)
    centred *= np.float32(1 / spread)
    return centred


def _shortlist(
    partition: Partition,
    query: Query,
    dense: Float32,
    lexical: Float32,
    config: RankingConfig,
    eligible: npt.NDArray[np.bool_] | None,
) -> Rows:
    """Return the records worth a look at their tokens."""
    first = (dense + lexical) * np.float32(0.5)
    padded = np.append(first, np.float32(0))
    previous, following = partition.structure.around[:2]
    first = first + np.float32(config.shortlist_neighbours) * (padded[previous] + padded[following])
    _add_hints(first, partition, query, config, np.arange(len(partition)))
    if eligible is not None:
        first[~eligible] = -np.inf
    wanted = int(
        np.clip(config.shortlist_share * len(first), config.shortlist_minimum, config.shortlist_maximum)
    )
    return np.argpartition(-first, wanted)[:wanted] if wanted < len(first) else np.arange(len(first))


def _token_scores(
    partition: Partition,
    query: Query,
    config: RankingConfig,
    rows: Rows | None,
    sample: Rows | None,
    structure: Structure,
    *,
    is_named: bool,
) -> tuple[Float32, Float32]:
    """Return z(MaxSim), and the same with speakers' names left out of the query and without windows."""
    assert query.tokens is not None
    weights = partition.tokens.weights(query.tokens, config)
    similarities = partition.tokens.similarities(query.tokens, rows)
    means = (similarities if sample is None else similarities[:, sample]).mean(axis=1, keepdims=True)
    met = windowed(similarities, structure, config, means)
    tokens = zscores(weights @ met, sample)
    if not is_named:
        return tokens, tokens
    bare = np.array([surface not in partition.speaker_words for surface in query.surfaces])
    # without windows: a neighbour is mostly the other speaker
    return tokens, zscores((weights * bare) @ similarities, sample)


def _own_score(
    partition: Partition, rows: Rows, dense: Float32, lexical: Float32, tokens: Float32 | None, config: RankingConfig
) -> Float32:  # fmt: skip
    """Return F."""
    own = _weighted(dense, lexical, tokens, config.turn_weights)
    if partition.has_passages:
        is_passage = partition.is_passage[rows]
        own[is_passage] = _weighted(dense, lexical, tokens, config.passage_weights)[is_passage]
    return own


def _weighted(
    dense: Float32, lexical: Float32, tokens: Float32 | None, weights: tuple[float, float, float]
) -> Float32:
    """Return the weighted sum; without tokens the other two carry the whole weight."""
    if tokens is None:
        scale = sum(weights) / (weights[0] + weights[1])
        weights = (weights[0] * scale, weights[1] * scale, 0.0)
    total: Float32 = np.float32(weights[0]) * dense
    total += np.float32(weights[1]) * lexical
    if tokens is not None:
        total += np.float32(weights[2]) * tokens
    return total


def _with_surroundings(
    partition: Partition, rows: Rows, own: Float32, named: npt.NDArray[np.bool_] | None, structure: Structure, config: RankingConfig
) -> Float32:  # fmt: skip
    """Return F with the credit of speaker, neighbours and session."""
    fused: Float32 = own.copy()
    if named is not None:
        fused[named] *= np.float32(1 + config.speaker)
    if not structure.has_sessions:
        fused += np.float32(config.session) * own
        return fused
    padded = np.append(own, np.float32(0))
    around = padded[structure.around]
    fused += np.float32(config.neighbours) * around.sum(axis=0)
    asks = np.append((partition.turn_cues[rows] & Cue.ASKS.value) != 0, False)
    fused += np.float32(config.answered) * (around[0] * asks[structure.around[0]])
    best = structure.best_of_session(own + np.float32(config.session_neighbours) * (around[0] + around[1]))
    fused += np.float32(config.session) * best
    return fused


@lru_cache(maxsize=16)
def _cue_table(config: RankingConfig, asks_when: bool) -> Float32:
    """Return what each combination of cues is worth, (2 ** cues,)."""
    table = np.zeros(2 ** len(Cue), dtype=np.float32)
    for value in range(len(table)):
        cue = Cue(value)
        table[value] = (
            config.ends_asking * bool(cue & Cue.ENDS_ASKING)
            + config.number * bool(cue & Cue.NUMBER)
            + config.when_time * (asks_when and bool(cue & Cue.TIME))
        )
    return table
