"""The chance that the memory holds an answer, from the pattern of scores."""

from __future__ import annotations

import math

from agentcore.memory.ranking._config import AbstentionConfig

__all__ = ["answerable"]


def answerable(
    num_all: int,
    best: float,
    most: float,
    num_mine: int,
    top: float,
    gap_tokens: float,
    gap_dense: float,
    config: AbstentionConfig,
) -> float:
    """Return the chance in [0, 1]: that something here fits, times that it is said by the right one.

    A question about one speaker that only the other's turns answer has no answer, however well they fit: *whose* turns fit tells
    what the height of the scores cannot.

    Parameters
    ----------
    num_all : int
        Records that may be returned, for only these can answer.
    best, most : float
        The best cosine among them, and the largest share of the query's idf mass found in one of them.
    num_mine : int
        Those of the one speaker the query names; 0 where it names none or several.
    top : float
        The best F of theirs.
    gap_tokens, gap_dense : float
        By how much the best three of them by tokens, with speakers' names left out of the query, and the best by vector lead the others'; z-scores.
    config : AbstentionConfig
    """
    if not num_all:
        return 0.0
    fit = config.fit_bias + config.fit_cosine * best + config.fit_coverage * most
    if num_mine in (0, num_all):  # nobody is named, or nobody else speaks
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
