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

__all__ = ["Evidence", "Ranking", "UsualTokens", "rank"]

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

_NO_SPREAD = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What vectors and words say of R records: cosines, z-scores of cosine and BM25, coverage; each (R,) float32."""

    cosine: Float32
    dense: Float32
    lexical: Float32
    coverage: Float32


@dataclass(frozen=True, slots=True, eq=False)
class UsualTokens:
    """How well the records of a user usually meet a query.

    Attributes
    ----------
    weights : ndarray, (Q,), float32
        idf of each piece of the query.
    means : ndarray, (Q, 1), float32
        Similarity of each piece.
    maxsim, nameless : (mean, spread)
        Of the weighted mean, and of the same without names and windows.
    """

    weights: Float32
    means: Float32
    maxsim: tuple[float, float]
    nameless: tuple[float, float]


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
    usual : UsualTokens or None
        By what the token scores were standardised.
    """

    rows: Rows
    fused: Float32
    dense: Float32
    lexical: Float32
    tokens: Float32 | None
    answerable: float
    usual: UsualTokens | None


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
    cosine = partition.vectors @ query.pooled
    bm25, coverage = partition.lexical.scores(query.terms)
    dense, lexical = zscores(cosine), zscores(bm25)
    use_tokens = config.use_tokens and query.tokens is not None and bool(partition.tokens)
    if exhaustive or not use_tokens or len(partition) <= config.exhaustive_records:
        evidence = Evidence(cosine, dense, lexical, coverage)
        return finish(
            partition, query, config, partition.places, None, partition.structure, evidence, eligible=eligible
        )
    chosen = _shortlist(partition, query, dense, lexical, config, eligible)
    rows, structure, sample = with_context(partition, chosen, with_sample=True)
    evidence = Evidence(cosine[rows], dense[rows], lexical[rows], coverage[rows])
    return finish(partition, query, config, rows, sample, structure, evidence, eligible=eligible)


def add_hints(first: Float32, partition: Partition, query: Query, config: RankingConfig, rows: Rows) -> None:
    """Add, in place, speaker and date to the scores a shortlist is made by."""
    named = partition.named_speaker(query.names, rows)
    if named is not None:
        first[named] += np.float32(config.shortlist_speaker)
    if query.spans:
        first += np.float32(config.shortlist_date) * date_fit(query.spans, partition.event_time[rows])


def with_context(
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


def finish(
    partition: Partition, query: Query, config: RankingConfig, rows: Rows, sample: Rows | None, structure: Structure,
    evidence: Evidence, *, eligible: npt.NDArray[np.bool_] | None, usual: UsualTokens | None = None,
) -> Ranking:  # fmt: skip
    """Score the tokens of `rows` and fuse everything.

    `sample` are places in `rows` that stand for all records; `usual` is what is usual in a larger partition instead.
    """
    cosine, dense, lexical, coverage = evidence.cosine, evidence.dense, evidence.lexical, evidence.coverage
    chosen: Rows | slice = slice(None) if len(rows) == len(partition) else rows  # all of them: no copies
    named = partition.named_speaker(query.names, chosen)
    tokens = nameless = None
    if config.use_tokens and query.tokens is not None and bool(partition.tokens):
        select = None if len(rows) == len(partition) else rows
        tokens, nameless, usual = _token_scores(
            partition, query, config, select, sample, structure, is_named=named is not None, usual=usual
        )
    own = own_score(partition, chosen, dense, lexical, tokens, config)
    fused = _with_surroundings(partition, chosen, own, named, structure, config)
    if query.spans:
        fused += np.float32(config.date) * date_fit(query.spans, partition.event_time[chosen])
    fused += cue_table(config, query.asks_when).take(partition.turn_cues[chosen])
    allowed = slice(None) if eligible is None else eligible[chosen]
    chance = answerable(
        best_cosine=float(np.maximum.reduce(cosine[allowed], initial=-1.0)),
        own=own[allowed],
        dense=dense[allowed],
        tokens=(nameless if nameless is not None else lexical)[allowed],
        coverage=coverage[allowed],
        named=None if named is None else named[allowed],
        config=config.abstention,
    )
    return Ranking(rows, fused, dense, lexical, tokens, chance, usual)


def moments(values: Float32, sample: Rows | None = None) -> tuple[float, float]:
    """Return mean and spread of all values, or of a sample."""
    base = values if sample is None else values[sample]
    mean = np.add.reduce(base) / np.float32(len(base))
    away = base - mean
    return float(mean), math.sqrt(float(away @ away) / len(away))


def standardised(values: Float32, usual: tuple[float, float]) -> Float32:
    """Return z-scores by a mean and spread; zeros where nothing varies."""
    mean, spread = usual
    if spread < _NO_SPREAD:
        return np.zeros_like(values)
    centred: Float32 = values - np.float32(mean)
    centred *= np.float32(1 / spread)
    return centred


def zscores(values: Float32) -> Float32:
    """Return z-scores by their own mean and spread; zeros where nothing varies."""
    away: Float32 = values - np.add.reduce(values) / np.float32(len(values))
    spread = math.sqrt(float(away @ away) / len(away))
    if spread < _NO_SPREAD:
        return np.zeros_like(values)
    away *= np.float32(1 / spread)
    return away


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
    line = partition.structure.spread(first, 0.0)
    beside = partition.structure.collect(line[1:-3] + line[3:-1])
    first += np.float32(config.shortlist_neighbours) * beside
    add_hints(first, partition, query, config, partition.places)
    if eligible is not None:
        first[~eligible] = -np.inf
    wanted = int(
        np.clip(config.shortlist_share * len(first), config.shortlist_minimum, config.shortlist_maximum)
    )
    return np.argpartition(-first, wanted)[:wanted] if wanted < len(first) else partition.places


def _token_scores(
    partition: Partition,
    query: Query,
    config: RankingConfig,
    rows: Rows | None,
    sample: Rows | None,
    structure: Structure,
    *,
    is_named: bool,
    usual: UsualTokens | None,
) -> tuple[Float32, Float32, UsualTokens]:
    """Return z(MaxSim), the same with speakers' names left out of the query and without windows, and the norms."""
    assert query.tokens is not None
    weights = partition.tokens.weights(query.tokens, config) if usual is None else usual.weights
    similarities = partition.tokens.similarities(query.tokens, rows)
    typical = similarities if sample is None else similarities[:, sample]
    means = _row_means(typical) if usual is None else usual.means
    met = windowed(similarities, weights, structure, config, means)
    bare = met
    if is_named:  # without windows: a neighbour is mostly the other speaker
        names = partition.speaker_words
        bare = (
            np.array([w * (s not in names) for w, s in zip(weights, query.surfaces, strict=True)])
            @ similarities
        )
    if usual is None:
        usual = UsualTokens(weights, means, moments(met, sample), moments(bare, sample))
    tokens = standardised(met, usual.maxsim)
    return tokens, (standardised(bare, usual.nameless) if is_named else tokens), usual


def _row_means(values: Float32) -> Float32:
    """Return the mean of each row, (Q, 1)."""
    means: Float32 = np.add.reduce(values, axis=1, keepdims=True)
    means /= np.float32(values.shape[1])
    return means


def own_score(
    partition: Partition, rows: Rows | slice, dense: Float32, lexical: Float32, tokens: Float32 | None, config: RankingConfig
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
    partition: Partition, rows: Rows | slice, own: Float32, named: npt.NDArray[np.bool_] | None, structure: Structure, config: RankingConfig
) -> Float32:  # fmt: skip
    """Return F with the credit of speaker, neighbours and session."""
    fused: Float32 = own.copy()
    if named is not None:
        np.multiply(fused, np.float32(1 + config.speaker), out=fused, where=named)
    if not structure.has_sessions:
        fused += np.float32(config.session) * own
        return fused
    line = structure.spread(own, 0.0)
    previous = line[1:-3]
    near = previous + line[3:-1]
    credit = line[:-4] + line[4:]
    credit += near
    credit *= np.float32(config.neighbours)
    fused += structure.collect(credit)
    answered = structure.collect(previous)
    answered *= partition.replies[rows]
    answered *= np.float32(config.answered)
    fused += answered
    near *= np.float32(config.session_neighbours)
    near += line[2:-2]
    best = structure.best_of_session(near)
    best *= np.float32(config.session)
    fused += best
    return fused


def cue_table(config: RankingConfig, asks_when: bool) -> Float32:
    """Return what each combination of cues is worth, (2 ** cues,)."""
    return _cue_table(config.ends_asking, config.number, config.when_time if asks_when else 0.0)


@lru_cache(maxsize=16)
def _cue_table(ends_asking: float, number: float, time: float) -> Float32:
    table = np.zeros(2 ** len(Cue), dtype=np.float32)
    for value in range(len(table)):
        cue = Cue(value)
        table[value] = (
            ends_asking * bool(cue & Cue.ENDS_ASKING)
            + number * bool(cue & Cue.NUMBER)
            + time * bool(cue & Cue.TIME)
        )
    return table
