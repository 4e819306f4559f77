"""The chance that the memory holds an answer, from the pattern of scores."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import Flags, Floats, compiled
from agentcore.memory.ranking._config import AbstentionConfig

__all__ = ["answerable"]

Float32 = npt.NDArray[np.float32]
Flag = npt.NDArray[np.bool_]


def answerable(
    cosine: Float32,
    coverage: Float32,
    own: Float32,
    dense: Float32,
    tokens: Float32,
    *,
    named: Flag,
    allowed: Flag,
    config: AbstentionConfig,
) -> float:
    """Return the chance in [0, 1]: that something here fits, times that it is said by the right one.

    A question about one speaker that only the other's turns answer has no answer, however well they fit: *whose* turns fit tells
    what the height of the scores cannot.

    Parameters
    ----------
    cosine : ndarray, (R,)
        Of the query and every scored record.
    coverage : ndarray, (R,)
        Share of the query's idf mass found in the record.
    own : ndarray, (R,)
        F.
    dense, tokens : ndarray, (R,)
        z-scores; `tokens` with speakers' names left out of the query.
    named : ndarray, (R,) or (0,), bool
        Records of the one speaker the query names; empty where it names none or several.
    allowed : ndarray, (R,) or (0,), bool
        Records that may be returned, for only these can answer; empty: all.
    """
    num_all, best, most, num_mine, top, gap_tokens, gap_dense = _pattern(
        cosine, coverage, own, dense, tokens, named, allowed
    )
    if not num_all:
        return 0.0
    fit = config.fit_bias + config.fit_cosine * best + config.fit_coverage * most
    if num_mine in (0, num_all):
        return _sigmoid(fit)
    return _sigmoid(fit + config.fit_named) * _sigmoid(
        config.swap_bias
        + config.swap_gap_tokens * gap_tokens
        + config.swap_gap_dense * gap_dense
        + config.swap_named
        + config.swap_coverage * most
        + config.swap_top * top
    )


def _sigmoid(evidence: float) -> float:
    return 1 / (1 + math.exp(-max(min(evidence, 40.0), -40.0)))


@compiled
def _pattern(
    cosine: Floats, coverage: Floats, own: Floats, dense: Floats, tokens: Floats, named: Flags, allowed: Flags
) -> tuple[int, float, float, int, float, float, float]:
    """Return what the chance is read from.

    How many records are allowed, the best cosine and coverage among them; how many are the named one's, their best F, and by how much the best
    three of them by tokens and the best by vector lead the others'.
    """
    best = most = best_own = best_mine = best_others = np.float32(-np.inf)
    three = np.full((2, 3), -np.inf, np.float32)  # others, mine; falling
    num_all = num_mine = 0
    for record in range(len(own)):
        if len(allowed) and not allowed[record]:
            continue
        num_all += 1
        best, most = max(best, cosine[record]), max(most, coverage[record])
        if not len(named):
            continue
        if named[record]:
            num_mine += 1
            best_own = max(best_own, own[record])
            best_mine = max(best_mine, dense[record])
        else:
            best_others = max(best_others, dense[record])
        falling, value = three[np.int64(named[record])], tokens[record]
        for place in range(3):
            if value > falling[place]:
                falling[place], value = value, falling[place]
    mine, others = three[1, : min(num_mine, 3)], three[0, : min(num_all - num_mine, 3)]
    gap = mine.sum() / max(len(mine), 1) - others.sum() / max(len(others), 1)
    return (
        num_all, float(best), float(most), num_mine, float(best_own), float(gap), float(best_mine - best_others)
    )  # fmt: skip
