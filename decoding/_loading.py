"""From a GGUF file to a language model in the layout asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from agentcore.decoding._gguf import GgufFile, StoredTensor
from agentcore.decoding._model import LanguageModel
from agentcore.decoding._numbers import check_count
from agentcore.decoding._spec import ModelSpec
from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding._transformer import LayerWeights, ModelWeights
from agentcore.decoding.errors import ModelFileError
from agentcore.decoding.quantization import (
    GroupCodes,
    Layout,
    LinearWeights,
    can_run,
    group_codes,
    quantise_groups,
)

__all__ = ["load_gguf"]

_FLOATS = ("F32", "F16", "BF16")


def load_gguf(
    path: Path | str,
    *,
    weights: Literal["auto"] | Layout = "auto",
    threads: int | None = None,
    device: str = "cpu",
    cache_bytes: int = 2**30,
    dense_copy: bool = True,
    max_bits: Literal[4, 8] = 8,
) -> LanguageModel:
    """Load a GGUF file of the llama or qwen2 architecture.

    Parameters
    ----------
    path : Path or str
        The file.
    weights : {"auto", "int4", "int8", "bf16", "fp32", "fp64"}
        Layout of the linear layers. ``auto`` is int4 for quantised files on a CPU whose torch runs it well, else bf16;
        int4 keeps what a quantised file holds, layers of more than four bits in two planes, and rounds a float file's.
        A packed layout that this machine cannot run falls back to bf16. ``fp32`` is the reference, ``fp64`` for comparisons in
        which rounding must not count.
    threads : int, optional
        Threads for torch in this process; by default torch's own choice stays.
    device : str
        ``"cpu"`` or a CUDA device, on which only the dense layouts are available.
    cache_bytes : int
        Bound on the memory for keys and values of all sequences, taken as it is needed; one full context always fits.
    dense_copy : bool
        Whether int4 and int8 also keep their weights in bf16, for prompts. Without it a large model takes a third of the
        memory, and reads its prompts several times slower.
    max_bits : {4, 8}
        Largest codes that int4 keeps. With 4, layers that the file holds in more are rounded: for a drafting model, which
        has to be fast and may err.

    Returns
    -------
    LanguageModel

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, damaged or no GGUF.
    UnsupportedModelError
        If it holds a model or encoding that this engine cannot run.
    ValueError
        If an option has a value that there is not, or `device` is none of this machine.
    """
    if weights not in ("auto", *get_args(Layout)):
        raise ValueError(f"unknown weights {weights!r}: use auto, {', '.join(get_args(Layout))}")
    if max_bits not in (4, 8):
        raise ValueError(f"max_bits must be 4 or 8, not {max_bits!r}")
    check_count("cache_bytes", cache_bytes)
    place = _device(device)
    if threads is not None:
        check_count("threads", threads, least=1, cure=", or None")
        torch.set_num_threads(threads)
    file = GgufFile(path)
    tokenizer = Tokenizer.from_metadata(file.metadata)
    spec = ModelSpec.from_metadata(file.metadata, vocabulary_size=tokenizer.vocabulary_size)
    layout = _choose_layout(file, weights, device)
    loader = _Loader(file, spec, layout, device=place, dense_copy=dense_copy, max_bits=max_bits)
    template = file.metadata.get("tokenizer.chat_template")
    return LanguageModel(
        spec,
        loader.model_weights(),
        tokenizer=tokenizer,
        chat_template=None if template is None else str(template),
        layout=loader.layout,
        path=Path(path),
        cache_bytes=cache_bytes,
    )


def _device(name: str) -> torch.device:
    """Return a device that this machine has."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as exc:  # torch tells a missing CUDA by an assertion
        reason = str(exc).partition("\n")[0]
        raise ValueError(f"there is no device {name!r} here ({reason}): use 'cpu'") from exc
    return device


def _choose_layout(file: GgufFile, weights: Literal["auto"] | Layout, device: str) -> Layout:
    layout: Layout
    if weights == "auto":
        is_quantised = file.tensor("blk.0.ffn_down.weight").encoding not in _FLOATS
        layout = "int4" if is_quantised else "bf16"
    else:
        layout = weights
    can_be_packed = device.startswith("cpu") and can_run(layout)
    return "bf16" if layout in ("int4", "int8") and not can_be_packed else layout


class _Loader:
    """Reads the tensors of one file into one layout."""

    def __init__(
        self,
        file: GgufFile,
        spec: ModelSpec,
        layout: Layout,
        *,
        device: torch.device,
        dense_copy: bool,
        max_bits: int,
    ) -> None:
        self.file, self.spec, self.layout = file, spec, layout
        self.device, self.dense_copy = device, dense_copy
        self.max_bits = max_bits

    def model_weights(self) -> ModelWeights:
        if f"blk.{self.spec.num_layers}.attn_norm.weight" in self.file.tensors:
            raise ModelFileError(
                f"{str(self.file.path)!r} holds more layers than the {self.spec.num_layers} of its header: "
                "the file is damaged, fetch it again"
            )
        is_tied = "output.weight" not in self.file.tensors
        # Its rows are looked up in the dense copy; where it is not the head as well, nothing else is needed.
        embedding = self.linear("token_embd", layout=self.layout if is_tied else self.dense_layout)
        factors = "rope_freqs.weight"
        return ModelWeights(
            embedding=embedding,
            layers=tuple(self.layer(i) for i in range(self.spec.num_layers)),
            final_norm=self.vector("output_norm.weight"),
            head=embedding if is_tied else self.linear("output"),
            rotary_factors=self.vector(factors).cpu() if factors in self.file.tensors else None,
        )

    def layer(self, i: int) -> LayerWeights:
        prefix = f"blk.{i}."
        return LayerWeights(
            attention_norm=self.vector(prefix + "attn_norm.weight"),
            qkv=self.linear(prefix + "attn_q", prefix + "attn_k", prefix + "attn_v"),
            output=self.linear(prefix + "attn_output"),
            mlp_norm=self.vector(prefix + "ffn_norm.weight"),
            gate_up=self.linear(prefix + "ffn_gate", prefix + "ffn_up"),
            down=self.linear(prefix + "ffn_down"),
        )

    @property
    def dense_layout(self) -> Layout:
        return "bf16" if self.layout in ("int4", "int8") else self.layout

    def stored(self, name: str) -> StoredTensor:
        """Return a tensor of the file whose shape is that of the header's model."""
        found, expected = self.file.tensor(name), self.spec.shape_of(name)
        if found.shape != expected:
            raise ModelFileError(
                f"{str(self.file.path)!r} holds the tensor {name!r} in the shape {found.shape}, where its header "
                f"asks for {expected}: the file is damaged, fetch it again"
            )
        return found

    def vector(self, name: str) -> Tensor:
        return torch.from_numpy(self.stored(name).dequantise()).to(self.device)

    def linear(self, *names: str, layout: Layout | None = None) -> LinearWeights:
        """Fuse the layers `names`, which share their input, into one."""
        parts = [self.matrix(name) for name in names]
        groups = [part for part in parts if isinstance(part, GroupCodes)]
        source: GroupCodes | Tensor
        if len(groups) == len(parts):
            source = GroupCodes.concatenate(groups)
        else:
            source = torch.cat(
                [part.dequantise() if isinstance(part, GroupCodes) else part for part in parts]
            )
        has_bias = any(name + ".bias" in self.file.tensors for name in names)
        bias = torch.cat([self.bias(name) for name in names]) if has_bias else None
        return LinearWeights(
            source,
            layout=layout or self.layout,
            bias=bias,
            dense_copy=self.dense_copy or layout is not None,
            device=self.device,
        )

    def matrix(self, name: str) -> GroupCodes | Tensor:
        stored = self.stored(name + ".weight")
        codes = group_codes(stored.encoding, stored.data, stored.shape)
        weight: GroupCodes | Tensor
        if codes is not None and (self.layout != "int4" or codes.bits <= self.max_bits):
            weight = codes
        else:
            weight = torch.from_numpy(stored.dequantise())
            if self.layout == "int4":
                weight = quantise_groups(weight, self.bits_for(name, stored.encoding))
        order = self.row_order(name)
        if order is None:
            return weight
        return weight.select_rows(order) if isinstance(weight, GroupCodes) else weight[order]

    def bits_for(self, name: str, encoding: str) -> int:
        """Codes for what the file holds in no groups of 32: four bits only where floats were asked to become int4."""
        is_body = name.startswith("blk.")
        return 4 if self.max_bits == 4 or (encoding in _FLOATS and is_body) else 8

    def bias(self, name: str) -> Tensor:
        bias = torch.from_numpy(self.stored(name + ".bias").dequantise())
        order = self.row_order(name)
        return bias if order is None else bias[order]

    def row_order(self, name: str) -> Tensor | None:
        """Rows of queries and keys from interleaved pairs (llama files) to halves; None where nothing moves."""
        if self.spec.architecture != "llama" or not name.endswith(("attn_q", "attn_k")):
            return None
        heads = self.spec.num_heads if name.endswith("attn_q") else self.spec.num_kv_heads
        rows = torch.arange(heads * self.spec.head_width)
        return rows.view(heads, self.spec.head_width // 2, 2).transpose(1, 2).reshape(-1)
