"""The embedded model in fp32 emits the tokens of transformers' own model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agentcore.decoding import LanguageModel, generate, load_gguf
from agentcore.decoding.benchmarks.engine_equality import compare_with_reference, load_reference
from agentcore.decoding.benchmarks.engine_perplexity import perplexity
from agentcore.decoding.testing import write_tiny_gguf

PROMPTS = (
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "The lighthouse was built in 1823 on the northern tip of the island, where",
    "def fibonacci(n):\n    ",
)


@pytest.fixture(scope="module")
def exact(smollm2_path: Path) -> LanguageModel:
    return load_gguf(smollm2_path, weights="fp32")


@pytest.fixture(scope="module")
def reference(smollm2_path: Path) -> Any:
    return load_reference(smollm2_path)


def test_tokens_equal_the_reference(exact: LanguageModel, reference: Any) -> None:
    """Greedy tokens are those of transformers, but for steps where its two best scores are within 1e-3."""
    prompts = [exact.tokenizer.encode(text) for text in PROMPTS]
    found = compare_with_reference(exact, reference, prompts, num_tokens=24)
    assert found["faults"] == []
    assert found["equal_prompts"] + len(found["near_ties"]) == len(PROMPTS)


def test_a_wrong_token_would_be_a_fault(reference: Any, tmp_path: Path) -> None:
    """The comparison itself fails a model that is not the reference."""
    write_tiny_gguf(tmp_path / "tiny.gguf")
    tiny = load_gguf(tmp_path / "tiny.gguf", weights="fp32")
    found = compare_with_reference(tiny, reference, [[5, 6, 7, 8]], num_tokens=8)
    assert found["faults"]


def test_layouts_keep_the_perplexity(exact: LanguageModel, smollm2_path: Path) -> None:
    """The int4 layout costs at most one per cent of perplexity against the file's exact weights."""
    text = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    ids = exact.tokenizer.encode(text)[:513]
    assert perplexity(load_gguf(smollm2_path), ids) < 1.01 * perplexity(exact, ids)


def test_perplexity_is_that_of_the_scores(tmp_path: Path) -> None:
    """However many rows a forward has, the perplexity is the exponential of the mean loss."""
    write_tiny_gguf(tmp_path / "tiny.gguf")
    model = load_gguf(tmp_path / "tiny.gguf", weights="fp32")
    ids = [(7 * i) % 250 + 3 for i in range(130)]
    losses = []
    for begin in (0, 64):
        window = ids[begin : begin + 64]
        scores = model.forward(window, model.new_cache(), rows="all").log_softmax(-1)
        losses += [-float(scores[i, window[i + 1]]) for i in range(63)]
    assert perplexity(model, ids, window=64, rows=10) == pytest.approx(
        math.exp(sum(losses) / len(losses)), rel=1e-4
    )
    assert perplexity(model, ids, window=64, rows=64) == pytest.approx(
        perplexity(model, ids, window=64, rows=1), rel=1e-4
    )


def test_the_embedded_model_answers(smollm2_path: Path) -> None:
    """In the layout that users get, it knows the capital of France."""
    model = load_gguf(smollm2_path)
    steps = generate(model, model.tokenizer.encode(PROMPTS[0]), max_new_tokens=12)
    assert "Paris" in "".join(step.text for step in steps)
