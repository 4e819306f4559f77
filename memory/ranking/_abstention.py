"""The chance that the memory holds an answer, from the pattern of scores."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

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
    most = float(np.maximum.reduce(coverage))
    fit = config.fit_bias + config.fit_cosine * best_cosine + config.fit_coverage * most
    if named is None:
        return _sigmoid(fit)
    mine, others = named.nonzero()[0], (~named).nonzero()[0]
    if not len(mine) or not len(others):
        return _sigmoid(fit)
    return _sigmoid(fit + config.fit_named) * _sigmoid(
        config.swap_bias
        + config.swap_gap_tokens * (_best_three(tokens, mine) - _best_three(tokens, others))
        + config.swap_gap_dense * (_best(dense, mine) - _best(dense, others))
        + config.swap_named
        + config.swap_coverage * most
        + config.swap_top * _best(own, mine)
    )


def _sigmoid(evidence: float) -> float:
    return 1 / (1 + math.exp(-max(min(evidence, 40.0), -40.0)))


def _best(values: Float32, rows: npt.NDArray[np.intp]) -> float:
    """Return the largest of some values."""
    return float(np.maximum.reduce(values.take(rows)))


def _best_three(values: Float32, rows: npt.NDArray[np.intp]) -> float:
    """Return the mean of the three largest of some values."""
    chosen = values.take(rows)
    if len(chosen) > 3:
        chosen.partition(len(chosen) - 3)
        chosen = chosen[-3:]
    return float(np.add.reduce(chosen)) / len(chosen)
