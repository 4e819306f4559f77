"""A second look at the best hits: a reranker of the caller's, and diversity. Both are off by default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Reordering", "Rerank", "maximal_marginal_relevance"]

Rerank = Callable[[str, Sequence[str]], Sequence[float]]
"""From a query and texts to one score a text, higher is better: a cross-encoder's `predict`, wrapped."""

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reordering:
    """How the best hits are put in another order.

    Attributes
    ----------
    rerank : callable or None
        Replaces the fused score.
    diversity : float in [0, 1]
        0 looks at relevance alone, 1 at difference alone.
    """

    rerank: Rerank | None = None
    diversity: float = 0.0

    def pool(self, limit: int) -> int:
        """Return how many hits are looked at for a list of `limit`."""
        return max(50, 4 * limit)

    def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        """Return the reranker's scores; None without one.

        Raises
        ------
        ValueError
            It did not return one finite number a text.
        """
        if self.rerank is None or not texts:
            return None
        scores = [float(score) for score in self.rerank(query, list(texts))]
        if len(scores) != len(texts) or not np.isfinite(scores).all():
            raise ValueError(
                f"rerank must return {len(texts)} finite numbers, one a text, got {scores[:5]!r}"
            )
        return scores


def maximal_marginal_relevance(
    relevance: Sequence[float], vectors: Float32, *, diversity: float, limit: int
) -> list[int]:
    """Return places in the order in which each is relevant and unlike those before it.

    Carbonell and Goldstein, SIGIR 1998; relevance is scaled to [0, 1] first, so that `diversity` weighs alike for any score.

    Parameters
    ----------
    relevance : sequence of float, (N,)
    vectors : ndarray, (N, D), float32
        Unit length.
    """
    values = np.asarray(relevance, dtype=np.float32)
    spread = values.max(initial=0) - values.min(initial=0) if len(values) else 0
    scaled = (values - values.min()) / spread if spread > 0 else np.zeros_like(values)
    likeness = np.zeros(len(values), dtype=np.float32)
    waiting = np.ones(len(values), dtype=bool)
    order: list[int] = []
    for _ in range(min(limit, len(values))):
        gain = np.where(waiting, (1 - diversity) * scaled - diversity * likeness, -np.inf)
        best = int(gain.argmax())
        order.append(best)
        waiting[best] = False
        np.maximum(likeness, vectors @ vectors[best], out=likeness)
    return order
