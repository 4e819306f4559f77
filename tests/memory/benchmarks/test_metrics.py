"""The metrics against values worked out by hand and against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.memory.benchmarks._metrics import auroc, bootstrap_interval, ndcg, recall, reciprocal_rank


def test_by_hand() -> None:
    """Recall, NDCG and reciprocal rank of a small ranking are what the formulas give."""
    ranking, evidence = ["x", "a", "y", "b", "z"], ["a", "b", "c"]
    assert recall(ranking, evidence, at=2) == pytest.approx(1 / 3)
    assert recall(ranking, evidence, at=5) == pytest.approx(2 / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(ranking, evidence, at=10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert ndcg(["a"], ["a", "b"], at=1) == 1
    assert reciprocal_rank(ranking, evidence) == 0.5
    assert reciprocal_rank(["x"], evidence) == 0


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auroc_equals_counting_pairs(positive: list[int], negative: list[int]) -> None:
    """AUROC is the part of pairs in which the positive wins, ties counting half."""
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert auroc(positive, negative) == pytest.approx(np.mean(pairs))


def test_nothing_to_compare() -> None:
    """Without positives or negatives there is no AUROC rather than a made-up one."""
    assert auroc([], [1.0]) is None
    assert auroc([1.0], []) is None


def test_interval_holds_the_mean_and_repeats() -> None:
    """The bootstrap interval is seeded and surrounds the mean."""
    values = list(np.random.default_rng(1).random(200))
    low, high = bootstrap_interval(values)
    assert low < np.mean(values) < high
    assert (low, high) == bootstrap_interval(values)
