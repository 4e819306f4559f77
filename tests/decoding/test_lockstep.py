"""Sequences in lockstep: what the engine computes, many at a time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from agentcore.decoding import LanguageModel, Lockstep, NonFiniteLogitsError, generate

Tiny = Callable[..., LanguageModel]


def prompts_of(count: int) -> list[list[int]]:
    draw = random.Random(count)
    return [[draw.randrange(3, 250) for _ in range(draw.randrange(1, 120))] for _ in range(count)]


@pytest.mark.parametrize("shape", [{}, {"architecture": "qwen2", "num_kv_heads": 4, "is_tied": False}])
def test_greedy_texts_are_those_of_the_engine(shape: dict[str, object], tiny: Tiny) -> None:
    """Prompts of many lengths side by side, token for token, and a second batch on the same memory."""
    model = tiny("fp64", **shape)
    engine = Lockstep(model, num_sequences=9, num_positions=200)
    for count in (9, 4):
        prompts = prompts_of(count)
        found = engine.write(prompts, max_new_tokens=70, temperatures=[0.0] * count, seed=0)
        expected = [[step.token_id for step in generate(model, ids, max_new_tokens=70)] for ids in prompts]
        assert found == expected


def test_an_end_of_turn_ends_its_own_sequence_alone(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that ends a turn is the last one of its text; others go on."""
    model = tiny("fp64")
    engine, prompts = Lockstep(model, num_sequences=6, num_positions=200), prompts_of(6)
    free = engine.write(prompts, max_new_tokens=40, temperatures=[0.0] * 6, seed=0)
    end = free[2][5]
    monkeypatch.setattr(model.tokenizer, "eos_ids", frozenset({end}))
    found = engine.write(prompts, max_new_tokens=40, temperatures=[0.0] * 6, seed=0)
    for text, whole in zip(found, free, strict=True):
        place = whole.index(end) + 1 if end in whole else len(whole)
        assert text == whole[:place]


def test_draws_follow_the_models_distribution(tiny: Tiny) -> None:
    """The first token of 4,000 equal prompts: its frequencies pass a chi-square test, and equal seeds draw the same."""
    model, count = tiny("fp64"), 4000
    engine = Lockstep(model, num_sequences=count, num_positions=8)
    prompts = [[5, 40, 77]] * count

    def drawn(seed: int) -> list[int]:
        rows = engine.write(prompts, max_new_tokens=1, temperatures=[0.5] * count, seed=seed)
        return [row[0] for row in rows]

    first = drawn(1)
    assert drawn(1) == first != drawn(2)
    p = (model.prefill([5, 40, 77], model.new_cache())[-1] / 0.5).softmax(-1)
    common = p.topk(20).indices.tolist()
    statistic = sum((first.count(i) - count * float(p[i])) ** 2 / (count * float(p[i])) for i in common)
    assert statistic < 45.3  # 20 degrees of freedom, one false alarm in a thousand


def test_read_states_are_the_engines(tiny: Tiny) -> None:
    """Rows behind the last layer, prompts of unequal length beside each other."""
    model, prompts = tiny("fp64"), prompts_of(5)
    rows = Lockstep(model, num_sequences=5, num_positions=128).read(prompts)
    for ids, found in zip(prompts, rows, strict=True):
        hidden: list[torch.Tensor] = []
        model.forward(ids, model.new_cache(), rows="none", hidden=hidden)
        torch.testing.assert_close(found[: len(ids)], hidden[0])


def test_no_sequence_outgrows_its_room(tiny: Tiny) -> None:
    """Texts are cut where the longest one is full; more room than the context has is refused."""
    model = tiny("fp64")
    engine = Lockstep(model, num_sequences=2, num_positions=20)
    found = engine.write([[5] * 12, [9] * 3], max_new_tokens=50, temperatures=[0.0, 0.0], seed=0)
    assert [len(row) for row in found] == [8, 8]
    with pytest.raises(ValueError, match="context"):
        Lockstep(model, num_sequences=1, num_positions=model.spec.context_length + 1)


def test_scores_that_are_not_numbers_are_an_error(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken model gives no text."""
    model = tiny("fp64")
    monkeypatch.setattr(
        model._layers, "_final_norm", torch.full_like(model._layers._final_norm, float("nan"))
    )
    engine = Lockstep(model, num_sequences=1, num_positions=20)
    with pytest.raises(NonFiniteLogitsError):
        engine.write([[5, 6]], max_new_tokens=3, temperatures=[0.0], seed=0)
