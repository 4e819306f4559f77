"""On a CUDA device the engine computes what it computes on the processor; without one these tests are skipped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from agentcore.backbones import load_backbone
from agentcore.decoding import (
    LanguageModel,
    NonFiniteLogitsError,
    Sampling,
    attention_from_last,
    generate,
    load_gguf,
    score,
)
from agentcore.decoding.speculation import (
    METHODS,
    Governor,
    HeadWeights,
    RecurrentHead,
    Speculator,
    StepTimeCurve,
    fingerprint,
    measure_step_times,
)
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

PROMPT = [(7 * i) % 250 + 3 for i in range(150)]  # longer than a block


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[LanguageModel, LanguageModel]]:
    """Return a maker of one tiny model on the processor and on the device."""
    folder = tmp_path_factory.mktemp("cuda")

    def build(weights: str = "fp32", **shape: object) -> tuple[LanguageModel, LanguageModel]:
        path = folder / "tiny.gguf"
        write_tiny_gguf(path, TinyModel(**shape))
        return load_gguf(path, weights=weights), load_gguf(path, weights=weights, device="cuda")

    return build


Pair = Callable[..., tuple[LanguageModel, LanguageModel]]


def tokens(model: LanguageModel, prompt: list[int] = PROMPT, **options: object) -> list[int]:
    return [step.token_id for step in generate(model, prompt, max_new_tokens=60, **options)]


def head_of(model: LanguageModel) -> RecurrentHead:
    width, draw = model.spec.model_width, torch.Generator().manual_seed(0)
    weights = HeadWeights(
        torch.randn(width, 2 * width, generator=draw),
        torch.randn(64, width, generator=draw),
        torch.randn(width, 32, generator=draw),
        torch.ones(width),
        vocabulary=torch.arange(200),
        model=fingerprint(model),
    )
    return RecurrentHead(weights, model)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize(("weights", "tolerance"), [("fp64", 1e-9), ("fp32", 2e-4), ("bf16", 0.1)])
def test_scores_are_those_of_the_processor(
    weights: str, tolerance: float, architecture: str, pair: Pair
) -> None:
    """A prompt over several blocks, single rows, several rows and a branch that sees a mask."""
    here, there = pair(weights, architecture=architecture)
    assert there.device.type == "cuda"
    rows = []
    for model in (here, there):
        cache = model.new_cache()
        hidden: list[torch.Tensor] = []
        model.prefill(PROMPT, cache)
        found = [model.forward([9], cache), model.forward([5, 6, 7], cache, rows="all", hidden=hidden)]
        fork = cache.fork()
        mask = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 1]], dtype=torch.bool)
        at = [cache.length, cache.length + 1, cache.length + 1]
        found += [model.forward([8, 9, 10], fork, rows="all", positions=at, mask=mask), hidden[0]]
        rows.append([part.double().cpu() for part in found])
    for expected, got in zip(*rows, strict=True):
        torch.testing.assert_close(got, expected, atol=tolerance, rtol=tolerance)


def test_packed_layouts_become_bf16(tmp_path: Path) -> None:
    """Packed kernels are the processor's; a quantised file runs in bf16 on a device."""
    write_tiny_gguf(tmp_path / "t.gguf", TinyModel(encoding="Q4_0"))
    assert load_gguf(tmp_path / "t.gguf", device="cuda").layout == "bf16"
    assert load_gguf(tmp_path / "t.gguf", weights="int8", device="cuda").layout == "bf16"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_are_those_of_the_processor(temperature: float, pair: Pair) -> None:
    """Greedy and drawn with a seed, token for token in float64."""
    here, there = pair("fp64")
    sampling = Sampling(temperature=temperature, top_p=0.9, seed=3)
    assert tokens(there, sampling=sampling) == tokens(here, sampling=sampling)


@pytest.mark.parametrize("method", [*METHODS, "auto"])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_drafts_change_nothing(method: str, temperature: float, pair: Pair) -> None:
    """Every method, greedy and (where drafts are not drawn) at a temperature, gives the text of plain decoding."""
    here, there = pair("fp64")
    is_drawn = method in ("draft_model", "recurrent", "auto")
    sampling = Sampling(temperature=temperature, seed=5)
    speculator = Speculator(
        there,
        methods=method,
        draft_model=there if method in ("draft_model", "auto") else None,
        head=head_of(there) if method in ("recurrent", "auto") else None,
        governor=Governor(StepTimeCurve((1, 8), (1.0, 1.1)), max_draft=6),
    )
    steps = speculator.generate(PROMPT * 2, max_new_tokens=60, sampling=sampling)
    found = [step.token_id for step in steps]
    if temperature == 0.0 or not is_drawn:
        assert found == tokens(here, PROMPT * 2, sampling=sampling)
    else:
        assert len(found) > 0


def test_a_judge_reads_scores_of_the_device(pair: Pair) -> None:
    """A lossy run ends and says what it kept."""
    _, there = pair("fp32")
    speculator = Speculator(there, methods="draft_model", draft_model=there, judge=5.0, governor=None)
    assert [s.token_id for s in speculator.generate(PROMPT, max_new_tokens=20)] == tokens(there)[:20]


@pytest.mark.parametrize("fixed_rows", [None, 4])
def test_callers_share_forwards(fixed_rows: int | None, pair: Pair) -> None:
    """Six threads at once get what each gets alone."""
    _, there = pair("fp64")
    prompts = [PROMPT[seed * 9 :] for seed in range(6)]
    alone = [tokens(there, prompt, fixed_rows=fixed_rows) for prompt in prompts]
    together: list[list[int]] = [[] for _ in prompts]

    def call(place: int) -> None:
        together[place] = tokens(there, prompts[place], fixed_rows=fixed_rows)

    threads = [threading.Thread(target=call, args=(place,)) for place in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert there.blocks.num_used == 0


def test_likelihoods_and_attention(pair: Pair) -> None:
    """Scoring and reading attention agree with the processor."""
    here, there = pair("fp64")
    options = [[4, 5, 6], [7], [8, 9]]
    assert score(there, PROMPT, options) == pytest.approx(score(here, PROMPT, options), abs=1e-6)
    heads = [(0, 1), (1, 3)]
    expected = attention_from_last(here, PROMPT, heads=heads)
    torch.testing.assert_close(attention_from_last(there, PROMPT, heads=heads).cpu(), expected)


def test_scores_that_are_not_numbers_are_an_error(pair: Pair) -> None:
    """As on the processor; the engine lives on."""
    _, there = pair("fp32")
    kept = there.weights.final_norm.clone()
    there._layers._final_norm.fill_(float("nan"))
    with pytest.raises(NonFiniteLogitsError):
        tokens(there)
    there._layers._final_norm.copy_(kept * there.spec.model_width**0.5)
    assert len(tokens(there)) > 0


def test_step_times_are_measured(pair: Pair) -> None:
    """A curve of positive times, which a governor can use."""
    _, there = pair("bf16")
    curve = measure_step_times(there, max_seconds=0.5)
    assert all(curve(rows) > 0 for rows in (1, 4, 8))


def test_a_backbone_runs_on_the_device(tmp_path: Path) -> None:
    """`load_backbone(device="cuda")` answers as on the processor, drafts and a grammar included."""
    path = tmp_path / "t.gguf"
    write_tiny_gguf(path)
    texts = []
    for device in ("cpu", "cuda"):
        model = load_backbone(
            f"gguf:{path}", weights="fp64", device=device, max_tokens=24, speculation="auto"
        )
        texts.append(str(model.invoke("hello").content))
    assert texts[0] == texts[1]


def test_the_embedded_model_on_the_device(smollm2_path: Path) -> None:
    """SmolLM2 writes a sensible sentence in bf16, drafted for by its head."""
    model = load_gguf(smollm2_path, device="cuda")
    from agentcore.decoding.speculation import shipped_head

    head = shipped_head(model)
    assert head is not None
    prompt = model.tokenizer.encode(
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    plain = list(generate(model, prompt, max_new_tokens=24))
    assert "Paris" in "".join(step.text for step in plain)
    speculator = Speculator(model, methods="recurrent", head=head)
    drafted = list(speculator.generate(prompt, max_new_tokens=24))
    assert "Paris" in "".join(step.text for step in drafted)
