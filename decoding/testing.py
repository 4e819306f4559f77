"""Tiny random models as real GGUF files, for tests that must run in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize

from agentcore.decoding._tokenizer import _byte_of_character

__all__ = ["TinyModel", "write_tiny_gguf"]

_MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_MERGES = ("t h", "th e", "i n", "a n", "e r", "Ġ t", "Ġ a", "Ġ the", "o n", "r e")
_Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TinyModel:
    """Shape of a tiny model.

    Attributes
    ----------
    architecture : {"llama", "qwen2"}
        qwen2 has biases on queries, keys and values.
    encoding : str
        GGML type of the matrices: ``F32``, ``Q4_0``, ``Q4_1``, ``Q5_0``, ``Q8_0``, ...
    value_encoding : str or None
        Another type for values and down projections, as in files that mix types; None for the same.
    is_tied : bool
        Whether the head is the embedding.
    """

    architecture: Literal["llama", "qwen2"] = "llama"
    encoding: str = "F32"
    value_encoding: str | None = None
    num_layers: int = 2
    num_heads: int = 4
    num_kv_heads: int = 2
    model_width: int = 64
    hidden_width: int = 96
    context_length: int = 512
    is_tied: bool = True
    seed: int = 0


def write_tiny_gguf(
    path: Path, model: TinyModel | None = None, *, metadata: Mapping[str, Any] | None = None
) -> dict[str, _Array]:
    """Write a tiny random model and return its exact weights by GGUF name, as float32.

    Parameters
    ----------
    path : Path
        File to write.
    model : TinyModel, optional
        Its shape.
    metadata : mapping, optional
        Text entries to add or replace, such as ``tokenizer.chat_template``.
    """
    model = model or TinyModel()
    tokens = [*_MARKS, *_byte_of_character(), *(merge.replace(" ", "") for merge in _MERGES)]
    writer = GGUFWriter(str(path), model.architecture)
    _write_metadata(writer, model, tokens, metadata or {})
    exact: dict[str, _Array] = {}
    for name, values in _weights(model, len(tokens)).items():
        is_value = "attn_v" in name or "ffn_down" in name
        kind = GGMLQuantizationType[(model.value_encoding if is_value else None) or model.encoding]
        if values.ndim == 1 or kind == GGMLQuantizationType.F32:
            writer.add_tensor(name, values)
            exact[name] = values
        else:
            encoded = quantize(values, kind)
            writer.add_tensor(name, encoded, raw_dtype=kind)
            exact[name] = np.asarray(dequantize(encoded, kind), dtype=np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return exact


def _write_metadata(
    writer: GGUFWriter, model: TinyModel, tokens: list[str], extra: Mapping[str, Any]
) -> None:
    writer.add_name("tiny")
    writer.add_context_length(model.context_length)
    writer.add_embedding_length(model.model_width)
    writer.add_block_count(model.num_layers)
    writer.add_feed_forward_length(model.hidden_width)
    writer.add_head_count(model.num_heads)
    writer.add_head_count_kv(model.num_kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if model.architecture == "qwen2" else "smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(_MARKS) + [1] * (len(tokens) - len(_MARKS)))
    writer.add_token_merges(list(_MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    for key, value in extra.items():
        writer.add_string(key, value)


def _weights(model: TinyModel, vocabulary_size: int) -> dict[str, _Array]:
    random = np.random.default_rng(model.seed)
    C, F = model.model_width, model.hidden_width
    kv_width = C // model.num_heads * model.num_kv_heads

    def matrix(rows: int, columns: int, scale: float = 0.15) -> _Array:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float32)

    def vector(size: int, centre: float) -> _Array:
        return (centre + 0.1 * random.standard_normal(size)).astype(np.float32)

    weights = {"token_embd.weight": matrix(vocabulary_size, C, 0.5), "output_norm.weight": vector(C, 1.0)}
    if not model.is_tied:
        weights["output.weight"] = matrix(vocabulary_size, C, 0.5)
    for i in range(model.num_layers):
        prefix = f"blk.{i}."
        widths = {"attn_q": C, "attn_k": kv_width, "attn_v": kv_width}
        for name, width in widths.items():
            weights[f"{prefix}{name}.weight"] = matrix(width, C)
            if model.architecture == "qwen2":
                weights[f"{prefix}{name}.bias"] = vector(width, 0.0)
        weights[prefix + "attn_output.weight"] = matrix(C, C)
        weights[prefix + "ffn_gate.weight"] = matrix(F, C)
        weights[prefix + "ffn_up.weight"] = matrix(F, C)
        weights[prefix + "ffn_down.weight"] = matrix(C, F)
        weights[prefix + "attn_norm.weight"] = vector(C, 1.0)
        weights[prefix + "ffn_norm.weight"] = vector(C, 1.0)
    return weights
