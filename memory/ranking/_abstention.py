"""The chance that the memory holds an answer, from the pattern of scores."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import Flags, Floats, compiled
from agentcore.memory.ranking._config import AbstentionConfig

__all__ = ["answerable"]

Float32 = npt.NDArray[np.float32]


def answerable(
    *,
    best_cosine: float,
    own: Float32,
    dense: Float32,
    tokens: Float32,
    coverage: Float32,
    named: npt.NDArray[np.bool_] | None,
    config: AbstentionConfig,
) -> float:
    """Return the chance in [0, 1]: that something here fits, times that it is said by the right one.

    A question about one speaker that only the other's turns answer has no answer, however well they fit: *whose* turns fit tells
    what the height of the scores cannot.

    Parameters
    ----------
    best_cosine : float
        Largest cosine of query and record.
    own : ndarray, (R,)
        F of every scored record.
    dense, tokens : ndarray, (R,)
        z-scores; `tokens` with speakers' names left out of the query.
    coverage : ndarray, (R,)
        Share of the query's idf mass found in the record.
    named : ndarray, (R,), bool or None
        Records of the one speaker the query names; None where it names none or several.
    """
    if not len(own):
        return 0.0
    most = float(coverage.max())
    fit = config.fit_bias + config.fit_cosine * best_cosine + config.fit_coverage * most
    if named is None:
        return _sigmoid(fit)
    top, gap_tokens, gap_dense, num_mine = _against_the_others(own, dense, tokens, named)
    if num_mine in (0, len(own)):
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
def _against_the_others(
    own: Floats, dense: Floats, tokens: Floats, named: Flags
) -> tuple[float, float, float, int]:
    """Return how well the named one's records do: the best F, by how much the best three by tokens and the best by vector lead; and their number."""
    best_own = best_mine = best_others = np.float32(-np.inf)
    three = np.full((2, 3), -np.inf, np.float32)  # others, mine; falling
    num_mine = 0
    for record in range(len(own)):
        if named[record]:
            num_mine += 1
            best_own = max(best_own, own[record])
            best_mine = max(best_mine, dense[record])
        else:
            best_others = max(best_others, dense[record])
        best, value = three[np.int64(named[record])], tokens[record]
        for place in range(3):
            if value > best[place]:
                best[place], value = value, best[place]
    mine, others = three[1, : min(num_mine, 3)], three[0, : min(len(own) - num_mine, 3)]
    gap = mine.sum() / max(len(mine), 1) - others.sum() / max(len(others), 1)
    return float(best_own), float(gap), float(best_mine - best_others), num_mine
