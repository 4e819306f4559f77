"""The fused score: what a record says, what stands around it, who said it, and when.

Formulas and weights: see `_config`. z is a z-score over the user's records, per query:

    F = a z(dense) + b z(BM25) + c z(MaxSim)                       weights by kind: turn or passage
    S = F + speaker F [named] + neighbours (four turns around) + answered p [previous turn asks]
          + session max(F + .3 (p + n)) + date fit + when x time - ends asking + number

Letters: N records of the partition, R records given to the token stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agentcore.memory._partition import Partition
from agentcore.memory.index import union
from agentcore.memory.ranking._abstention import answerable
from agentcore.memory.ranking._config import RankingConfig
from agentcore.memory.ranking._cues import Cue
from agentcore.memory.ranking._dates import date_fit
from agentcore.memory.ranking._fusion import first_scores, fuse, moments, spreads, standardised
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._structure import Structure
from agentcore.memory.ranking._tokens import windowed

__all__ = [
    "Evidence",
    "Ranking",
    "TokenScores",
    "UsualTokens",
    "cue_table",
    "finish",
    "has_tokens",
    "rank",
    "token_scores",
    "weights_by_kind",
]

Float32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Weights = tuple[float, float, float, float, float, float]

_NONE, _NOTHING = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.float32)


class Evidence(NamedTuple):
    """What vectors and words say of R records.

    Attributes
    ----------
    cosine, bm25, coverage : ndarray, (R,), float32
    usual : tuple of four floats
        Mean and spread of the cosine, and of BM25, over all records.
    """

    cosine: Float32
    bm25: Float32
    coverage: Float32
    usual: tuple[float, float, float, float]

    def of(self, rows: Rows) -> Evidence:
        """Return that of some of the records."""
        return Evidence(self.cosine[rows], self.bm25[rows], self.coverage[rows], self.usual)


@dataclass(frozen=True, slots=True, eq=False)
class UsualTokens:
    """How well the records of a user usually meet a query.

    Attributes
    ----------
    weights : ndarray, (Q,), float32
        idf of each piece of the query.
    means : ndarray, (Q,), float32
        Similarity of each piece.
    maxsim, nameless : (mean, spread)
        Of the weighted mean, and of the same without names and windows.
    """

    weights: Float32
    means: Float32
    maxsim: tuple[float, float]
    nameless: tuple[float, float]


class TokenScores(NamedTuple):
    """What the tokens of R records say.

    Attributes
    ----------
    tokens, nameless : ndarray, (R,), float32
        z(MaxSim), and the same with speakers' names left out of the query and without windows.
    """

    tokens: Float32
    nameless: Float32


class Ranking(NamedTuple):
    """Scores of R records.

    Attributes
    ----------
    rows : ndarray, (R,), intp
        Their places in the partition, ascending.
    fused : ndarray, (R,), float32
        S.
    parts : ndarray, (3, R), float32
        F, z(dense), z(BM25).
    tokens : ndarray, (R,), float32, or None
        z(MaxSim); None where that stage did not run.
    answerable : float
        The chance that the partition holds an answer at all.
    """

    rows: Rows
    fused: Float32
    parts: Float32
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
    cosine = partition.vectors.products(query.pooled)
    bm25, coverage = partition.lexical.scores(query.terms)
    evidence = Evidence(cosine, bm25, coverage, spreads(cosine, bm25))
    rows, structure, sample = partition.places, partition.structure, None
    if not exhaustive and len(partition) > config.exhaustive_records and has_tokens(partition, query, config):
        chosen = _shortlist(partition, query, evidence, config, eligible)
        rows, structure, sample = _with_context(partition, chosen)
        evidence = evidence.of(rows)
    scores = token_scores(partition, query, config, rows, structure, sample=sample)
    return finish(partition, query, config, rows, structure, evidence, scores, eligible=eligible)


def has_tokens(partition: Partition, query: Query, config: RankingConfig) -> bool:
    """Return whether there are tokens to score by."""
    return config.use_tokens and query.tokens is not None and bool(partition.tokens)


def _add_hints(first: Float32, partition: Partition, query: Query, config: RankingConfig, rows: Rows) -> None:
    """Add, in place, speaker and date to the scores a shortlist is made by."""
    named = partition.named_speaker(query.names, rows)
    if named is not None:
        first[named] += np.float32(config.shortlist_speaker)
    if query.spans:
        first += np.float32(config.shortlist_date) * date_fit(query.spans, partition.event_time[rows])


def _with_context(partition: Partition, chosen: Rows) -> tuple[Rows, Structure, Rows]:
    """Return the chosen records with their neighbours and the sample, their structure, and where the sample is."""
    sample = partition.sample
    rows = union(partition.structure.with_context(chosen, whole=0, longest=0), sample)
    return rows, partition.structure.restrict(rows), np.searchsorted(rows, sample)


def finish(
    partition: Partition, query: Query, config: RankingConfig, rows: Rows, structure: Structure, evidence: Evidence,
    scores: TokenScores | None, *, eligible: npt.NDArray[np.bool_] | None,
) -> Ranking:  # fmt: skip
    """Fuse everything that is known of `rows`."""
    chosen: Rows | slice = slice(None) if len(rows) == len(partition) else rows  # all of them: no copies
    speaker = partition.named(query.names)
    tokens, nameless = (_NOTHING, _NOTHING) if scores is None else scores
    dates = _NOTHING
    if query.spans:
        dates = np.float32(config.date) * date_fit(query.spans, partition.event_time[chosen])
    parts, fused, pattern = fuse(
        evidence.cosine, evidence.bm25, evidence.coverage,
        tokens, nameless,
        partition.is_passage[chosen] if partition.has_passages else _NONE,
        _NONE if eligible is None else eligible[chosen],
        partition.speakers.codes[chosen], -1 if speaker is None else speaker, dates,
        partition.replies[chosen], partition.turn_cues[chosen], cue_table(config, query.asks_when),
        structure.line, structure.session, structure.length, structure.num_sessions,
        *evidence.usual, *weights_by_kind(config, has_tokens=scores is not None),
        config.speaker, config.neighbours, config.answered, config.session, config.session_neighbours,
    )  # fmt: skip
    return Ranking(
        rows, fused, parts, None if scores is None else tokens, answerable(*pattern, config.abstention)
    )


def _shortlist(
    partition: Partition,
    query: Query,
    evidence: Evidence,
    config: RankingConfig,
    eligible: npt.NDArray[np.bool_] | None,
) -> Rows:
    """Return the records worth a look at their tokens."""
    first = first_scores(evidence.cosine, evidence.bm25, *evidence.usual)
    around = partition.structure.around(partition.places)[:2]
    first += np.float32(config.shortlist_neighbours) * np.append(first, np.float32(0)).take(around).sum(
        axis=0
    )
    _add_hints(first, partition, query, config, partition.places)
    if eligible is not None:
        first[~eligible] = -np.inf
    wanted = int(
        np.clip(config.shortlist_share * len(first), config.shortlist_minimum, config.shortlist_maximum)
    )
    return np.argpartition(-first, wanted)[:wanted] if wanted < len(first) else partition.places


def token_scores(
    partition: Partition, query: Query, config: RankingConfig, rows: Rows, structure: Structure,
    *, sample: Rows | None = None, usual: UsualTokens | None = None,
) -> TokenScores | None:  # fmt: skip
    """Return how well the pieces of the query are met by some records; None where there are no tokens to score by.

    Parameters
    ----------
    structure : Structure
        Of the same records.
    sample : ndarray, (S,), intp, or None
        Places in `rows` that stand for all records; None: all of them.
    usual : UsualTokens or None
        What is usual in a larger partition, instead of what is usual among these.
    """
    if query.tokens is None or not has_tokens(partition, query, config):
        return None
    weights = partition.tokens.weights(query.tokens, config) if usual is None else usual.weights
    similarities = partition.tokens.similarities(query.tokens, rows)
    typical = similarities if sample is None else similarities[:, sample]
    means = typical.mean(axis=1) if usual is None else usual.means
    met = windowed(similarities, weights, structure, config, means)
    is_named = partition.named(query.names) is not None
    bare = met
    if is_named:  # without windows: a neighbour is mostly the other speaker
        names = partition.speaker_words
        bare = (
            np.array([w * (s not in names) for w, s in zip(weights, query.surfaces, strict=True)])
            @ similarities
        )
    part = slice(None) if sample is None else sample
    tokens = standardised(met, *(moments(met[part]) if usual is None else usual.maxsim))
    if not is_named:
        return TokenScores(tokens, tokens)
    return TokenScores(
        tokens, standardised(bare, *(moments(bare[part]) if usual is None else usual.nameless))
    )


def weights_by_kind(config: RankingConfig, *, has_tokens: bool) -> Weights:
    """Return the weights of vectors, words and tokens in F: three of a turn, three of a passage."""
    weights = (*config.turn_weights, *config.passage_weights)
    return weights if has_tokens else _without_tokens(*weights)


@lru_cache(maxsize=16)
def _without_tokens(*weights: float) -> Weights:
    """Return the weights where there are no token scores: the other two carry all."""
    dense, lexical, tokens, passage_dense, passage_lexical, passage_tokens = weights
    turn = (dense + lexical + tokens) / (dense + lexical)
    passage = (passage_dense + passage_lexical + passage_tokens) / (passage_dense + passage_lexical)
    return dense * turn, lexical * turn, 0.0, passage_dense * passage, passage_lexical * passage, 0.0


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
