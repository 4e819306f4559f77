"""Retrieval metrics: what part of the evidence is found, how high, and how sure a top-percentage is.

A ranking is a sequence of ids, best first; evidence a set of ids. All fractions are in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["auroc", "bootstrap_interval", "ndcg", "percentile_ms", "recall", "reciprocal_rank"]


def recall(ranking: Sequence[str], evidence: Collection[str], *, at: int) -> float:
    """Return the part of the evidence among the first `at`."""
    return len(set(ranking[:at]) & set(evidence)) / len(set(evidence))


def ndcg(ranking: Sequence[str], evidence: Collection[str], *, at: int) -> float:
    """Return the normalised discounted cumulative gain of the first `at`, relevance being 0 or 1."""
    wanted = set(evidence)
    gained = sum(1 / math.log2(place + 2) for place, found in enumerate(ranking[:at]) if found in wanted)
    possible = sum(1 / math.log2(place + 2) for place in range(min(at, len(wanted))))
    return gained / possible


def reciprocal_rank(ranking: Sequence[str], evidence: Collection[str]) -> float:
    """Return 1 / rank of the first evidence; 0 where none was returned."""
    wanted = set(evidence)
    return next((1 / (place + 1) for place, found in enumerate(ranking) if found in wanted), 0.0)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return the chance that a positive scores above a negative, ties counting half; None where one is empty.

    The area under the ROC curve by the rank sum of Mann and Whitney.
    """
    if not positive or not negative:
        return None
    ordered = np.sort(np.asarray(negative, dtype=np.float64))
    values = np.asarray(positive, dtype=np.float64)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))


def bootstrap_interval(
    values: Sequence[float] | npt.NDArray[np.float64], *, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean, resampling the questions."""
    array = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = [array[rng.integers(0, len(array), len(array))].mean() for _ in range(rounds)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def percentile_ms(seconds: Sequence[float], percent: float) -> float | None:
    """Return a percentile in milliseconds; None of nothing."""
    return float(np.percentile(np.asarray(seconds), percent) * 1000) if len(seconds) else None
