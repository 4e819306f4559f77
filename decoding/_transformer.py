"""The layers of a decoder-only transformer: their weights, and what they do to the rows of a forward.

Letters: `R` rows of all sequences in a forward, `M` rows of one, `T` positions, `H` query heads, `H_kv` key/value heads,
`D` head width, `C` model width.

Rotary embedding uses the half-split form: files of the llama architecture store interleaved pairs and are
reordered when loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._attention import AttendingRows
from agentcore.decoding._spec import ModelSpec
from agentcore.decoding.quantization import Linear, LinearWeights

__all__ = ["LayerStack", "LayerWeights", "ModelWeights"]


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Weights of one layer; `qkv` and `gate_up` are fused, norms are float32 as the residual stream is."""

    attention_norm: Tensor
    qkv: LinearWeights
    output: LinearWeights
    mlp_norm: Tensor
    gate_up: LinearWeights
    down: LinearWeights


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """All weights of a model; `head` may be the embedding itself."""

    embedding: LinearWeights
    layers: tuple[LayerWeights, ...]
    final_norm: Tensor
    head: LinearWeights
    rotary_factors: Tensor | None = None


_LayerFunctions = tuple[Tensor, Linear, Linear, Tensor, Linear, Linear]


class LayerStack:
    """All layers of a model, over packed or dense kernels; holds nothing of any sequence.

    Parameters
    ----------
    spec : ModelSpec
        Shapes and constants.
    weights : ModelWeights
        Weights in one layout.
    dtype : torch.dtype
        Of what linear layers take.
    """

    def __init__(self, spec: ModelSpec, weights: ModelWeights, dtype: torch.dtype) -> None:
        width, device = spec.model_width, weights.final_norm.device
        self._spec, self._dtype = spec, dtype
        self._norm_floor = torch.tensor((width * spec.norm_epsilon) ** 0.5, device=device)
        self._final_norm = weights.final_norm * width**0.5
        self._few = [_functions(layer, width, few=True) for layer in weights.layers]
        self._many = [_functions(layer, width, few=False) for layer in weights.layers]
        self._cos, self._sin = _rotary_tables(spec, weights.rotary_factors, dtype, device)

    def run(self, x: Tensor, where: Tensor, spans: Sequence[AttendingRows], *, few: bool) -> Tensor:
        """Run rows through all layers, attention apart for each sequence.

        Parameters
        ----------
        x : Tensor, (R, C), float32 or float64
            Embedded tokens.
        where : Tensor, (R,), int64
            Where each stands in its sequence.
        spans : sequence of AttendingRows
            The sequences that the rows belong to, in order.
        few : bool
            Whether the packed kernels are used.
        """
        cos = _rotation(self._cos[where], 1.0, self._spec)
        sin = _rotation(self._sin[where], 0.0, self._spec)
        dtype, floor, spec = self._dtype, self._norm_floor, self._spec
        R, heads_width, D = x.shape[0], spec.num_heads + 2 * spec.num_kv_heads, spec.head_width
        sizes = [span.num_rows for span in spans]
        for i, (attention_norm, qkv, output, mlp_norm, gate_up, down) in enumerate(
            self._few if few else self._many
        ):
            heads = qkv(_rms_norm(x, attention_norm, floor, dtype)).view(R, heads_width, D)
            heads = torch.addcmul(heads * cos, heads.roll(D // 2, -1), sin)
            if len(spans) == 1:
                mixed = spans[0].attend(i, heads)
            else:
                parts = zip(spans, torch.split(heads, sizes), strict=True)
                mixed = torch.cat([span.attend(i, part) for span, part in parts])
            x = x + output(mixed)
            gate, up = gate_up(_rms_norm(x, mlp_norm, floor, dtype)).chunk(2, -1)
            x = x + down(functional.silu(gate).mul_(up))
        return x

    def normalised(self, x: Tensor) -> Tensor:
        """Return rows behind the last layer as the head takes them."""
        return _rms_norm(x, self._final_norm, self._norm_floor, self._dtype)


def _rms_norm(x: Tensor, weight: Tensor, floor: Tensor, dtype: torch.dtype) -> Tensor:
    """Normalise wide rows: ``weight`` is scaled by sqrt(C), ``floor`` is sqrt(C * epsilon). Half the time of torch's own."""
    length = torch.hypot(torch.linalg.vector_norm(x, 2, -1, keepdim=True), floor)
    return (x * weight).div_(length).to(dtype)


def _functions(layer: LayerWeights, width: int, *, few: bool) -> _LayerFunctions:
    def pick(linear: LinearWeights) -> Linear:
        return linear.few() if few else linear.many()

    return (
        layer.attention_norm * width**0.5,
        pick(layer.qkv),
        pick(layer.output),
        layer.mlp_norm * width**0.5,
        pick(layer.gate_up),
        pick(layer.down),
    )


def _rotary_tables(
    spec: ModelSpec, factors: Tensor | None, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines of every position, (T, D)."""
    half = spec.head_width // 2
    frequencies = 1.0 / spec.rope_base ** (torch.arange(half, dtype=torch.float32) / half)
    if factors is not None:
        frequencies = frequencies / factors
    angles = torch.arange(spec.context_length, dtype=torch.float32)[:, None] * frequencies
    cos = torch.cat([angles.cos(), angles.cos()], -1)
    sin = torch.cat([-angles.sin(), angles.sin()], -1)
    return cos.to(device, dtype), sin.to(device, dtype)


def _rotation(table: Tensor, neutral: float, spec: ModelSpec) -> Tensor:
    """Spread (M, D) over all heads, (M, H + 2 H_kv, D); values get `neutral`, so that one multiply serves every head."""
    M, D = table.shape
    rotated = table[:, None].expand(M, spec.num_heads + spec.num_kv_heads, D)
    return torch.cat([rotated, table.new_full((M, spec.num_kv_heads, D), neutral)], 1)
