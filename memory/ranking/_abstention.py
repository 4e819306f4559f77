"""The chance that the memory holds an answer, from the pattern of scores."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from agentcore.memory.ranking._config import AbstentionConfig

__all__ = ["answerable"]

Float32 = npt.NDArray[np.float32]


def answerable(
    *, own: Float32, dense: Float32, tokens: Float32, coverage: Float32, named: npt.NDArray[np.bool_] | None, config: AbstentionConfig
) -> float:  # fmt: skip
    """Return the chance in [0, 1].

    What tells most is *whose* turns fit: a question about one speaker that only the other's turns answer has no answer. The
    height of the scores says less.

    Parameters
    ----------
    own : ndarray, (R,)
        F of every scored record.
    dense, tokens : ndarray, (R,)
        z-scores; `tokens` with speakers' names left out of the query.
    coverage : ndarray, (R,)
        Share of the query's idf mass found in the record.
    named : ndarray, (R,), bool or None
        Records of the one speaker the query names; None where it names none or several.
    """
    gap_tokens = gap_dense = 0.0
    is_named = named is not None and bool(named.any()) and not bool(named.all())
    if is_named:
        assert named is not None
        gap_tokens = _best(tokens[named], 3) - _best(tokens[~named], 3)
        gap_dense = _best(dense[named], 1) - _best(dense[~named], 1)
        own = own[named]
    evidence = (
        config.swap_bias
        + config.swap_gap_tokens * gap_tokens
        + config.swap_gap_dense * gap_dense
        + config.swap_named * is_named
        + config.swap_coverage * float(coverage.max(initial=0.0))
        + config.swap_top * float(own.max(initial=-3.0))
    )
    return 1 / (1 + math.exp(-max(min(evidence, 40.0), -40.0)))


def _best(values: Float32, count: int) -> float:
    """Return the mean of the largest `count` values."""
    if count == 1:
        return float(values.max())
    top = values if len(values) <= count else np.partition(values, len(values) - count)[-count:]
    return float(np.add.reduce(top)) / len(top)
