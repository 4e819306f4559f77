"""From evidence to scores, record by record: z-scores, F, S, and what the abstention reads.

Formulas: see `_ranker`. The whole of it is one compiled call, `fuse`: a small memory's records take less time than the calls between loops would.

Letters: R records.
"""

from __future__ import annotations

import math

import numpy as np

from agentcore.memory._compiled import Bytes, Codes, Flags, FloatMatrix, Floats, Ints, compiled

__all__ = ["first_look", "first_scores", "fuse", "moments", "second_look", "spreads", "standardised"]

_NO_SPREAD = 1e-7


@compiled
def fuse(
    cosine: Floats, bm25: Floats, coverage: Floats, tokens: Floats, nameless: Floats,
    is_passage: Flags, allowed: Flags, speakers: Codes, named: int, dates: Floats, replies: Floats, cues: Bytes, worth: Floats,
    line: Ints, session: Ints, length: int, num_sessions: int,
    mean_cosine: float, spread_cosine: float, mean_bm25: float, spread_bm25: float,
    turn_dense: float, turn_lexical: float, turn_tokens: float,
    passage_dense: float, passage_lexical: float, passage_tokens: float,
    speaker: float, neighbours: float, answered: float, in_session: float, session_neighbours: float,
) -> tuple[FloatMatrix, Floats, tuple[int, float, float, int, float, float, float]]:  # fmt: skip
    """Return F, z(dense) and z(BM25), (3, R); S, (R,); and what the chance of an answer is read from.

    Parameters
    ----------
    cosine, bm25, coverage : ndarray, (R,)
    tokens, nameless : ndarray, (R,) or (0,)
        z(MaxSim), and the same with speakers' names left out of the query; empty where that stage did not run.
    is_passage : ndarray, (R,) or (0,)
        Empty: all are turns.
    allowed : ndarray, (R,) or (0,)
        Records that may be returned; empty: all.
    speakers : ndarray, (R,)
    named : int
        The one speaker that the query names; -1: none or several.
    dates : ndarray, (R,) or (0,)
        What the date of each record is worth; empty: nothing.
    cues : ndarray, (R,)
        Of each record; `worth` says what each combination is worth.
    """
    said = np.empty(len(speakers) if named >= 0 else 0, np.bool_)
    for record in range(len(said)):
        said[record] = speakers[record] == named
    parts = own_scores(
        cosine, bm25, tokens, is_passage, mean_cosine, spread_cosine, mean_bm25, spread_bm25,
        turn_dense, turn_lexical, turn_tokens, passage_dense, passage_lexical, passage_tokens,
    )  # fmt: skip
    fused = with_surroundings(
        parts[0], said, replies, cues, worth, line, session, length, num_sessions,
        speaker, neighbours, answered, in_session, session_neighbours,
    )  # fmt: skip
    for record in range(len(dates)):
        fused[record] += dates[record]
    return parts, fused, pattern(cosine, coverage, parts, nameless, said, allowed)


@compiled
def moments(values: Floats) -> tuple[float, float]:
    """Return mean and spread."""
    mean = square = 0.0
    for value in values:
        mean += value
    mean /= len(values)
    for value in values:
        square += (value - mean) ** 2
    return mean, math.sqrt(square / len(values))


@compiled
def standardised(values: Floats, mean: float, spread: float) -> Floats:
    """Return z-scores by a mean and spread; zeros where nothing varies."""
    scale = 1 / spread if spread >= _NO_SPREAD else 0.0
    found = np.empty(len(values), np.float32)
    for place in range(len(values)):
        found[place] = (values[place] - mean) * scale
    return found


@compiled
def first_scores(
    cosine: Floats, bm25: Floats, mean_cosine: float, spread_cosine: float, mean_bm25: float, spread_bm25: float
) -> Floats:  # fmt: skip
    """Return the mean of the two z-scores: what a shortlist is made by, before hints."""
    dense, lexical = (
        standardised(cosine, mean_cosine, spread_cosine),
        standardised(bm25, mean_bm25, spread_bm25),
    )
    for record in range(len(dense)):
        dense[record] = np.float32(0.5) * (dense[record] + lexical[record])
    return dense


@compiled
def first_look(
    cosine: Floats, bm25: Floats, rows: Ints, cues: Bytes, worth: Floats, speakers: Codes, named: int, hint: float,
    mean_cosine: float, spread_cosine: float, mean_bm25: float, spread_bm25: float,
) -> Floats:  # fmt: skip
    """Return by what those of C candidates are chosen whose tokens are compared; `rows` say where their cues and speakers stand."""
    found = first_scores(cosine, bm25, mean_cosine, spread_cosine, mean_bm25, spread_bm25)
    for number in range(len(rows)):
        found[number] += worth[cues[rows[number]]]
        if named >= 0 and speakers[rows[number]] == named:
            found[number] += np.float32(hint)
    return found


@compiled
def second_look(
    similarities: FloatMatrix, weights: Floats, means: Floats, mean_maxsim: float, spread_maxsim: float,
    cosine: Floats, bm25: Floats, kept: Ints, rows: Ints, is_passage: Flags,
    cues: Bytes, worth: Floats, speakers: Codes, named: int, speaker: float,
    mean_cosine: float, spread_cosine: float, mean_bm25: float, spread_bm25: float,
    turn_dense: float, turn_lexical: float, turn_tokens: float,
    passage_dense: float, passage_lexical: float, passage_tokens: float,
) -> Floats:  # fmt: skip
    """Return by what those of K candidates are chosen whose surroundings are looked at: F with tokens, cues, and the speaker's part.

    Parameters
    ----------
    similarities : ndarray, (Q, K)
        Of the `kept` ones among the C candidates that `cosine`, `bm25` and `rows` are of.
    """
    met = np.zeros(len(kept), np.float32)
    for piece in range(len(weights)):
        for number in range(len(kept)):
            met[number] += weights[piece] * (similarities[piece, number] - means[piece])
    parts = own_scores(
        cosine[kept], bm25[kept], standardised(met, mean_maxsim, spread_maxsim), is_passage,
        mean_cosine, spread_cosine, mean_bm25, spread_bm25,
        turn_dense, turn_lexical, turn_tokens, passage_dense, passage_lexical, passage_tokens,
    )  # fmt: skip
    found = np.empty(len(kept), np.float32)
    for number in range(len(kept)):
        record, own = rows[kept[number]], parts[0, number]
        found[number] = own + worth[cues[record]]
        if named >= 0 and speakers[record] == named:
            found[number] += np.float32(speaker) * own
    return found


@compiled
def spreads(cosine: Floats, bm25: Floats) -> tuple[float, float, float, float]:
    """Return mean and spread of both."""
    return moments(cosine) + moments(bm25)


@compiled
def own_scores(
    cosine: Floats, bm25: Floats, tokens: Floats, is_passage: Flags,
    mean_cosine: float, spread_cosine: float, mean_bm25: float, spread_bm25: float,
    turn_dense: float, turn_lexical: float, turn_tokens: float,
    passage_dense: float, passage_lexical: float, passage_tokens: float,
) -> FloatMatrix:  # fmt: skip
    """Return F, z(dense) and z(BM25), (3, R): the sum of the z-scores weighed by kind of record, and the first two of them."""
    found = np.empty((3, len(cosine)), np.float32)
    own, dense, lexical = found[0], found[1], found[2]
    scale_cosine = 1 / spread_cosine if spread_cosine >= _NO_SPREAD else 0.0
    scale_bm25 = 1 / spread_bm25 if spread_bm25 >= _NO_SPREAD else 0.0
    for record in range(len(cosine)):
        dense[record] = (cosine[record] - mean_cosine) * scale_cosine
        lexical[record] = (bm25[record] - mean_bm25) * scale_bm25
        own[record] = turn_dense * dense[record] + turn_lexical * lexical[record]
    for record in range(len(tokens)):
        own[record] += turn_tokens * tokens[record]
    for record in range(len(is_passage)):
        if is_passage[record]:
            own[record] = passage_dense * dense[record] + passage_lexical * lexical[record]
            if len(tokens):
                own[record] += passage_tokens * tokens[record]
    return found


@compiled
def with_surroundings(
    own: Floats, said: Flags, replies: Floats, cues: Bytes, worth: Floats,
    line: Ints, session: Ints, length: int, num_sessions: int,
    speaker: float, neighbours: float, answered: float, in_session: float, session_neighbours: float,
) -> Floats:  # fmt: skip
    """Return F with the credit of speaker (nobody is named where `said` is empty), neighbours, session and cues."""
    count = len(own)
    laid = np.zeros(length, np.float32)
    for record in range(count):
        laid[line[record]] = own[record]
    best = np.full(num_sessions, -np.inf, np.float32)
    for record in range(count):
        near = laid[line[record] - 1] + laid[line[record] + 1]
        best[session[record]] = max(
            best[session[record]], own[record] + np.float32(session_neighbours) * near
        )
    fused = np.empty(count, np.float32)
    for record in range(count):
        place = line[record]
        around = laid[place - 1] + laid[place + 1] + laid[place - 2] + laid[place + 2]
        fused[record] = (
            own[record]
            + np.float32(neighbours) * around
            + np.float32(answered) * replies[record] * laid[place - 1]
            + np.float32(in_session) * best[session[record]]
            + worth[cues[record]]
        )
        if len(said) and said[record]:
            fused[record] += np.float32(speaker) * own[record]
    return fused


@compiled
def pattern(
    cosine: Floats, coverage: Floats, parts: FloatMatrix, nameless: Floats, said: Flags, allowed: Flags
) -> tuple[int, float, float, int, float, float, float]:
    """Return what the chance is read from.

    How many records are allowed, the best cosine and coverage among them; how many are the named one's, their best F, and by how much the best
    three of them by tokens and the best by vector lead the others'.
    """
    own, dense = parts[0], parts[1]
    tokens = nameless if len(nameless) else parts[2]
    best = most = best_own = best_mine = best_others = np.float32(-np.inf)
    three = np.full((2, 3), -np.inf, np.float32)  # others, mine; falling
    num_all = num_mine = 0
    for record in range(len(own)):
        if len(allowed) and not allowed[record]:
            continue
        num_all += 1
        best, most = max(best, cosine[record]), max(most, coverage[record])
        if not len(said):
            continue
        if said[record]:
            num_mine += 1
            best_own = max(best_own, own[record])
            best_mine = max(best_mine, dense[record])
        else:
            best_others = max(best_others, dense[record])
        falling, value = three[np.int64(said[record])], tokens[record]
        for place in range(3):
            if value > falling[place]:
                falling[place], value = value, falling[place]
    mine, others = three[1, : min(num_mine, 3)], three[0, : min(num_all - num_mine, 3)]
    gap = mine.sum() / max(len(mine), 1) - others.sum() / max(len(others), 1)
    return (
        num_all, float(best), float(most), num_mine, float(best_own), float(gap), float(best_mine - best_others)
    )  # fmt: skip
