"""The best of many by score, without sorting the rest."""

from __future__ import annotations

import numpy as np

from agentcore.memory._compiled import Floats, Ints, compiled

__all__ = ["best_places"]


@compiled
def best_places(scores: Floats, seq: Ints, count: int) -> Ints:
    """Return the places of the `count` largest scores, best first; of equals the smaller `seq` is better.

    Parameters
    ----------
    scores : ndarray, (N,), float32
    seq : ndarray, (N,), int64
    count : int
        At most N.
    """
    # A heap of the best so far: on top is the worst of them, which gives way to whatever beats it.
    score, age, kept = (
        np.full(count, -np.inf, np.float32),
        np.full(count, np.int64(2**63 - 1)),
        np.zeros(count, np.int64),
    )
    if count == 0:
        return kept
    for step in range(len(scores) + count - 1):
        if step < len(scores):
            size, new = count, step
            value, number = scores[new], seq[new]
            if value < score[0] or (value == score[0] and number > age[0]):
                continue
        else:  # at the end the worst of those left goes behind them, again and again
            size = len(scores) + count - 1 - step
            value, number, new = score[size], age[size], kept[size]
            score[size], age[size], kept[size] = score[0], age[0], kept[0]
        place = 0
        while 2 * place + 1 < size:  # sink below whatever is worse
            child = 2 * place + 1
            beside = child + 1
            if beside < size and (
                score[beside] < score[child] or (score[beside] == score[child] and age[beside] > age[child])
            ):
                child = beside
            if value < score[child] or (value == score[child] and number > age[child]):
                break
            score[place], age[place], kept[place] = score[child], age[child], kept[child]
            place = child
        score[place], age[place], kept[place] = value, number, new
    return kept
