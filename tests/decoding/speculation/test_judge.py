"""The judge on bare scores: what it lets pass, and what never."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from agentcore.decoding.speculation import (
    JudgeAcceptance,
    TokenDistribution,
    divergence,
)

UNDECIDED = torch.tensor([[0.0, 1.0, 0.9, -3.0]], dtype=torch.float64)

SURE = torch.tensor([[0.0, 9.0, 1.0, -3.0]], dtype=torch.float64)


def _word(token_id: int) -> bytes:
    return b" word"


def _judge(
    threshold: float, token_bytes: Callable[[int], bytes] = _word, prompt_ids: Sequence[int] = ()
) -> JudgeAcceptance:
    return JudgeAcceptance(threshold, token_bytes=token_bytes, prompt_ids=prompt_ids)


def _dense(scores: torch.Tensor) -> TokenDistribution:
    return TokenDistribution(None, scores[0].softmax(-1).numpy())


def test_judge_keeps_a_near_miss_of_a_drafter_that_agrees() -> None:
    """An undecided target and a small divergence let the second best token pass."""
    rule = _judge(0.1)
    rule.begin(UNDECIDED)
    assert rule.choose(0, proposal=2, distribution=_dense(UNDECIDED)) == 2
    assert not rule.is_lossless


def test_judge_is_strict_where_the_target_is_sure_or_the_drafter_disagrees() -> None:
    """Above a probability of 0.9, beyond the threshold, and without a distribution only the best token passes."""
    rule = _judge(0.1)
    rule.begin(SURE)
    assert rule.choose(0, proposal=2, distribution=_dense(SURE)) == 1
    rule.begin(UNDECIDED)
    assert rule.choose(0, proposal=2, distribution=_dense(SURE)) == 1
    assert rule.choose(0, proposal=2) == 1


def test_judge_is_exact_under_a_constraint() -> None:
    """Inside constrained spans the judge never lets a second best token pass."""
    rule = _judge(10.0)
    rule.begin(UNDECIDED)
    everything = torch.ones(4, dtype=torch.bool)
    assert rule.choose(0, proposal=2, distribution=_dense(UNDECIDED), allowed=everything) == 1


def test_judge_rules_out_what_the_target_hardly_considers() -> None:
    """A token of less than a quarter of the best one's probability never passes, however near the distributions are."""
    rule = _judge(10.0)
    rule.begin(UNDECIDED)
    assert rule.choose(0, proposal=0, distribution=_dense(UNDECIDED)) == 0
    assert rule.choose(0, proposal=3, distribution=_dense(UNDECIDED)) == 1


@pytest.mark.parametrize("fact", [b"7", b" 1990", b" +", b" Paris", b"ing", b" stra\xc3", b" (", b" don't"])
@pytest.mark.parametrize("place", [1, 2])
def test_judge_never_changes_a_fact(fact: bytes, place: int) -> None:
    """Numbers, operators, names and halves of words are the target's own, in its place as in the draft's."""
    rule = _judge(10.0, lambda token_id: fact if token_id == place else b" word")
    rule.begin(UNDECIDED)
    assert rule.choose(0, proposal=2, distribution=_dense(UNDECIDED)) == 1


@pytest.mark.parametrize("word", [b" word", b",", b".", b"\n\n"])
def test_judge_takes_words_and_stops_for_each_other(word: bytes) -> None:
    """Whole words in small letters and marks between them are matters of wording."""
    rule = _judge(10.0, lambda token_id: word if token_id == 2 else b" word")
    rule.begin(UNDECIDED)
    assert rule.choose(0, proposal=2, distribution=_dense(UNDECIDED)) == 2


def test_judge_leaves_calculations_and_code_alone() -> None:
    """Behind a digit, an operator or a bracket sixteen tokens are exact, and so they are behind a prompt that is full of them."""
    texts = {0: b" word", 1: b" word", 2: b" word", 3: b" 12"}
    exact_ones = []
    for prompt_ids in ([], [0] * 80 + [3, 3], [0] * 80 + [3, 3, 3]):
        rule = _judge(10.0, texts.__getitem__, prompt_ids)
        exact_ones.append([_exact_tokens(rule) for _ in range(2)])
    assert exact_ones == [[0, 0], [0, 0], [16, 0]]
    rule.begin(torch.tensor([[0.0, 0.0, 0.0, 9.0]], dtype=torch.float64))
    assert rule.choose(0) == 3
    assert _exact_tokens(rule) == 16


def _exact_tokens(rule: JudgeAcceptance) -> int:
    """Count tokens before the first one that the judge lets pass."""
    for number in range(40):
        rule.begin(UNDECIDED)
        if rule.choose(0, proposal=2, distribution=_dense(UNDECIDED)) == 2:
            return number
    return 40


def test_a_threshold_of_zero_is_lossless() -> None:
    """The knob at 0 switches the judge off."""
    rule = _judge(0.0)
    rule.begin(UNDECIDED)
    assert rule.is_lossless
    assert rule.choose(0, proposal=2, distribution=_dense(UNDECIDED)) == 1
    with pytest.raises(ValueError, match="0 or more"):
        _judge(float("nan"))


def test_divergence_of_sparse_and_dense_agree() -> None:
    """The short form with a rest spread over unnamed tokens gives the divergence of the full vector."""
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(50, generator=generator, dtype=torch.float64)
    p /= p.sum()
    sparse = TokenDistribution(np.array([3, 7, 20], dtype=np.int32), np.array([0.3, 0.2, 0.1]), 0.4)
    dense = TokenDistribution(None, sparse.dense(50))
    expected = float((p * (p.log() - torch.from_numpy(dense.probabilities).log())).sum())
    assert divergence(p, sparse) == pytest.approx(expected)
    assert divergence(p, dense) == pytest.approx(expected)
    assert divergence(p, TokenDistribution(None, p.numpy())) == pytest.approx(0.0)
    assert divergence(p, TokenDistribution(np.array([3], dtype=np.int32), np.array([1.0]), 0.0)) == math.inf
