"""The transformer against transformers' own, and against itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agentcore.decoding import ContextOverflowError, LanguageModel, load_gguf
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

IDS = [5, 40, 77, 120, 9, 200, 31, 64, 250, 17, 88, 3]


def reference_logits(shape: TinyModel, weights: dict[str, np.ndarray], ids: list[int]) -> torch.Tensor:
    """Logits of transformers' model with the same weights."""
    import transformers

    common = {
        "vocab_size": len(weights["token_embd.weight"]),
        "hidden_size": shape.model_width,
        "intermediate_size": shape.hidden_width,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "rms_norm_eps": 1e-5,
        "max_position_embeddings": shape.context_length,
        "tie_word_embeddings": shape.is_tied,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    }
    if shape.architecture == "llama":
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**common))
    else:
        model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**common))
    names = {
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
    }
    state = {}
    for name, values in weights.items():
        tensor = torch.from_numpy(np.array(values))
        if name == "token_embd.weight":
            state["model.embed_tokens.weight"] = tensor
        elif name == "output_norm.weight":
            state["model.norm.weight"] = tensor
        elif name == "output.weight":
            state["lm_head.weight"] = tensor
        else:
            _, layer, part, kind = name.split(".")
            if shape.architecture == "llama" and part in ("attn_q", "attn_k"):
                heads = shape.num_heads if part == "attn_q" else shape.num_kv_heads
                tensor = tensor.view(heads, -1, 2, tensor.shape[-1]).transpose(1, 2).reshape(tensor.shape)
            state[f"model.layers.{layer}.{names[part]}.{kind}"] = tensor
    if shape.is_tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state)
    with torch.no_grad():
        return model.eval()(torch.tensor([ids])).logits[0]


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("encoding", ["F32", "Q4_1", "Q8_0"])
@pytest.mark.parametrize("is_tied", [True, False])
def test_fp32_scores_are_those_of_transformers(
    architecture: str, encoding: str, is_tied: bool, tmp_path: Path
) -> None:
    """A random llama or qwen2 file, in any encoding, gives the scores that transformers gives for its exact weights."""
    shape = TinyModel(architecture=architecture, encoding=encoding, is_tied=is_tied, seed=7)
    exact = write_tiny_gguf(tmp_path / "tiny.gguf", shape)
    model = load_gguf(tmp_path / "tiny.gguf", weights="fp32")
    ours = model.forward(IDS, model.new_cache(), rows="all")
    theirs = reference_logits(shape, exact, IDS)
    assert (ours - theirs).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("weights", "encoding", "value_encoding", "tolerance"),
    [
        ("int4", "Q4_1", "Q8_0", 0.03),
        ("int4", "Q4_0", "F16", 0.2),
        ("int4", "F16", None, 0.4),
        ("int8", "F16", None, 0.03),
        ("int8", "Q4_1", "Q5_0", 0.03),
        ("bf16", "Q4_1", "Q8_0", 0.03),
        ("auto", "Q4_1", "Q5_1", 0.03),
    ],
)
def test_every_layout_of_mixed_files_stays_near_the_exact_weights(
    weights: str, encoding: str, value_encoding: str | None, tolerance: float, tmp_path: Path
) -> None:
    """Files that mix encodings load in every layout; only rounding of floats to four bits is more than noise."""
    shape = TinyModel(
        architecture="qwen2", encoding=encoding, value_encoding=value_encoding, hidden_width=128
    )
    write_tiny_gguf(tmp_path / "tiny.gguf", shape)
    exact = load_gguf(tmp_path / "tiny.gguf", weights="fp32")
    model = load_gguf(tmp_path / "tiny.gguf", weights=weights)
    expected = exact.forward(IDS, exact.new_cache(), rows="all")
    for kernels in ("few", "many"):
        found = model.forward(IDS, model.new_cache(), rows="all", kernels=kernels)
        assert (found - expected).norm() / expected.norm() < tolerance


@pytest.mark.parametrize("split", [[12], [1] * 12, [5, 1, 6], [11, 1]])
def test_cached_equals_uncached(split: list[int], tiny: Callable[..., LanguageModel]) -> None:
    """However tokens are split over forwards, each token's scores are the same."""
    model = tiny()
    whole = model.forward(IDS, model.new_cache(), rows="all")
    cache, parts, begin = model.new_cache(), [], 0
    for size in split:
        parts.append(model.forward(IDS[begin : begin + size], cache, rows="all"))
        begin += size
    assert (torch.cat(parts) - whole).abs().max() < 5e-5


def test_a_branch_sees_the_prefix_and_itself(tiny: Callable[..., LanguageModel]) -> None:
    """Two continuations in one masked forward score as each does alone."""
    model = tiny()
    cache = model.new_cache()
    model.forward(IDS[:6], cache, rows="none")
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]).bool()
    both = model.forward([1, 2, 3, 4], cache, rows="all", positions=[6, 7, 6, 7], mask=mask)
    for branch, rows in (([1, 2], both[:2]), ([3, 4], both[2:])):
        cache.truncate(6)
        alone = model.forward(branch, cache, rows="all")
        assert (alone - rows).abs().max() < 5e-5


@pytest.mark.parametrize("weights", ["fp64", "fp32", "bf16", "int4", "int8"])
def test_fixed_rows_make_scores_independent_of_the_split(
    weights: str, tiny: Callable[..., LanguageModel]
) -> None:
    """With a fixed number of rows, scores are bit for bit the same one by one and in drafts, across key blocks."""
    model = tiny(weights, encoding="Q4_1")
    ids = [(7 * i) % 250 + 3 for i in range(150)]

    def run(sizes: list[int]) -> torch.Tensor:
        cache, parts, begin = model.new_cache(), [], 0
        for size in sizes:
            parts.append(model.forward(ids[begin : begin + size], cache, rows="all", fixed_rows=8))
            begin += size
        return torch.cat(parts)

    assert torch.equal(run([1] * 150), run([8, 3, 1, 6, 7] * 6))


def test_overflow_is_refused_and_harmless(tiny: Callable[..., LanguageModel]) -> None:
    """Tokens beyond the context raise, and the cache is as before."""
    model = tiny()
    cache = model.new_cache()
    model.forward(IDS, cache, rows="none")
    with pytest.raises(ContextOverflowError) as caught:
        model.forward([1] * 501, cache)
    assert (caught.value.num_tokens, caught.value.limit, cache.length) == (513, 512, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": torch.ones(3, 3, dtype=torch.bool)}, r"shape \(2, 2\)"),
        ({"mask": torch.ones(2, 2)}, "bool"),
        ({"positions": [0]}, "2 tokens need as many positions"),
        ({"positions": [-1, 0]}, "positions from 0 on"),
    ],
)
def test_a_mask_or_positions_of_another_shape_are_refused(
    options: dict[str, Any], message: str, tiny: Callable[..., LanguageModel]
) -> None:
    """What does not fit the tokens is named, and the cache is as before."""
    model = tiny()
    cache = model.new_cache()
    with pytest.raises(ValueError, match=message):
        model.forward([1, 2], cache, **options)
    with pytest.raises(ContextOverflowError):
        model.forward([1, 2], cache, positions=[0, 512])
    assert cache.length == 0


def test_an_empty_forward_is_a_callers_mistake(tiny: Callable[..., LanguageModel]) -> None:
    """No tokens is a ValueError that says so."""
    model = tiny()
    with pytest.raises(ValueError, match="at least one token"):
        model.forward([], model.new_cache())
