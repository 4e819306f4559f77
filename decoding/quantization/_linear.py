"""Linear layers whose weights lie in one of several layouts.

Letters: `M` rows of one forward, `N` output rows, `K` input columns.

Groups of four bits go through a kernel of our own where the processor has the instructions. The other packed kernels are
private operators of torch, fast only with bf16 activations; what knows their names and conventions is in this module and
in that for bytes.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding.quantization._blocks import GROUP, GroupCodes, quantise_groups
from agentcore.decoding.quantization._group_kernel import group_kernel
from agentcore.decoding.quantization._groups import can_pack_groups, pack_groups
from agentcore.decoding.quantization._integer import can_multiply_bytes, pack_integer, round_rows
from agentcore.decoding.quantization._protocol import Linear

__all__ = ["Layout", "LinearWeights"]

Layout = Literal["int4", "int8", "bf16", "fp32", "fp64"]

_INT4_ROWS = 16

# Rows from which the dense bf16 kernel beats the packed one (the shapes of SmolLM2-135M).
_ROWS_CROSSOVER: dict[Layout, int] = {"int4": 24, "int8": 32, "bf16": 1, "fp32": 1, "fp64": 1}
# The same of torch's kernels in floats, which unpack weights for every fourth row anew.
_ROWS_CROSSOVER_OF_FLOATS: dict[Layout, int] = {"int4": 14, "int8": 9}
_DTYPES: dict[Layout, torch.dtype] = {"fp32": torch.float32, "fp64": torch.float64}


class LinearWeights:
    """One linear layer: packed weights for few rows, a dense copy for many.

    Parameters
    ----------
    source : GroupCodes or Tensor
        The weights, (N, K).
    layout : {"int4", "int8", "bf16", "fp32", "fp64"}
        ``int4`` keeps groups of 32 with four-bit codes exactly as the file has them, ``int8`` rounds to one scale per
        output row, as ``int4`` does with longer codes; the others are dense. Where the machine cannot multiply bytes,
        ``int4`` keeps longer codes exactly, in two planes of four bits.
    bias : Tensor or None
        (N,).
    rows_crossover : int or None
        Rows from which the dense copy is used; None for the measured default.
    dense_copy : bool
        Whether a packed layout keeps the dense copy; without it, many rows run through the packed kernel too.
    device : torch.device or str
        Where dense weights live; packed layouts are for the CPU.
    """

    def __init__(
        self,
        source: GroupCodes | Tensor,
        *,
        layout: Layout,
        bias: Tensor | None = None,
        rows_crossover: int | None = None,
        dense_copy: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        self.layout = layout
        self.dtype = _DTYPES.get(layout, torch.bfloat16)
        self.rows_crossover = _default_crossover(layout) if rows_crossover is None else rows_crossover
        self._bias = None if bias is None else bias.to(device=device, dtype=self.dtype)
        self._packed = _pack(source, layout)
        self._dense: Tensor | None = None
        if dense_copy or self._packed is None:
            dense = source.dequantise(self.dtype) if isinstance(source, GroupCodes) else source.to(self.dtype)
            self._dense = dense.to(device)

    @property
    def num_bytes(self) -> int:
        """Bytes that one single-row forward has to read."""
        tensors = [self._dense] if self._packed is None else self._packed[1]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)

    def few(self) -> Linear:
        """Return the function for fewer than `rows_crossover` rows, with nothing left to look up."""
        return self.many() if self._packed is None else _with_bias(self._packed[0], self._bias)

    def many(self) -> Linear:
        """Return the function for many rows."""
        dense, bias = self._dense, self._bias
        if dense is None:
            return self.few()
        return lambda x: functional.linear(x, dense, bias)

    @property
    def keeps_rows(self) -> bool:
        """Whether `rows` can be asked: there is a dense copy."""
        return self._dense is not None

    def rows(self, ids: Tensor) -> Tensor:
        """Return weight rows, (len(ids), K), out of the dense copy: an embedding lookup."""
        assert self._dense is not None, "an embedding keeps its dense copy"
        return self._dense[ids]

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the layer to `x`, (M, K) -> (M, N)."""
        return self.few()(x) if x.shape[0] < self.rows_crossover else self.many()(x)


def _default_crossover(layout: Layout) -> int:
    in_floats = {"int4": lambda: group_kernel() is None, "int8": lambda: not can_multiply_bytes()}
    if layout in in_floats and in_floats[layout]():
        return _ROWS_CROSSOVER_OF_FLOATS[layout]
    return _ROWS_CROSSOVER[layout]


def _pack(source: GroupCodes | Tensor, layout: Layout) -> tuple[Linear, tuple[Tensor, ...]] | None:
    """Return the packed function and the tensors it reads, or None for dense layouts."""
    if layout == "int8":
        return _pack_int8(source)
    if layout == "int4":
        codes = source if isinstance(source, GroupCodes) else quantise_groups(source, 4)
        if codes.bits > 4 and can_multiply_bytes():
            return _pack_int8(source)
        kernel = group_kernel()
        if kernel is not None and can_pack_groups(codes):
            return pack_groups(codes, kernel)
        padded = _padded(codes)
        packed, tensors = _pack_int4(padded) if codes.bits == 4 else _pack_two_planes(padded)
        if padded is codes:
            return packed, tensors
        num_rows = codes.codes.shape[0]
        return lambda x: packed(x)[:, :num_rows], tensors
    return None


def _pack_int8(source: GroupCodes | Tensor) -> tuple[Linear, tuple[Tensor, ...]]:
    codes, scale = round_rows(source)
    if can_multiply_bytes():
        return pack_integer(codes, scale)
    kernel, scale = torch._weight_int8pack_mm, scale.to(torch.bfloat16)
    return lambda x: kernel(x, codes, scale), (codes, scale)


def _int4_operands(codes: Tensor, scale: Tensor, minimum: Tensor) -> tuple[Tensor, Tensor]:
    """Operands of torch's kernel, which computes ``(code - 8) * scale + zero``."""
    packed = torch._convert_weight_to_int4pack_for_cpu(codes.to(torch.int32).contiguous(), 1)
    scales_and_zeros = (
        torch.stack([scale, minimum + 8 * scale], dim=-1).transpose(0, 1).contiguous().to(torch.bfloat16)
    )
    return packed, scales_and_zeros


def _padded(source: GroupCodes) -> GroupCodes:
    """Rows up to a multiple of what the kernel takes; the surplus is cut off its output."""
    surplus = -source.codes.shape[0] % _INT4_ROWS
    if surplus == 0:
        return source
    pad = (0, 0, 0, surplus)
    return GroupCodes(
        functional.pad(source.codes, pad),
        functional.pad(source.scale, pad),
        functional.pad(source.minimum, pad),
        source.bits,
    )


def _pack_int4(source: GroupCodes) -> tuple[Linear, tuple[Tensor, ...]]:
    packed, scales_and_zeros = _int4_operands(source.codes, source.scale, source.minimum)
    kernel = torch._weight_int4pack_mm_for_cpu
    return lambda x: kernel(x, packed, GROUP, scales_and_zeros), (packed, scales_and_zeros)


def _pack_two_planes(source: GroupCodes) -> tuple[Linear, tuple[Tensor, ...]]:
    """Eight-bit codes as ``16 * high + low``: exact, and on this kernel no dearer than rounding to int8 rows.

    Zeros are bf16: a group whose codes lie around zero (minimum near -128 scales) keeps its high codes centred, any other
    starts them at 0. Both make the high zero a power of two of the scale, hence exact, and the low one small.
    """
    high_scale = 16 * source.scale
    is_centred = source.minimum / source.scale < -64  # scales may be negative
    shift = torch.where(is_centred, -8 * high_scale, torch.zeros_like(high_scale))
    high = _int4_operands(source.codes >> 4, high_scale, shift)
    low = _int4_operands(source.codes & 15, source.scale, source.minimum - shift)
    kernel = torch._weight_int4pack_mm_for_cpu
    return (
        lambda x: kernel(x, high[0], GROUP, high[1]).add_(kernel(x, low[0], GROUP, low[1])),
        (*high, *low),
    )


def _with_bias(linear: Linear, bias: Tensor | None) -> Linear:
    if bias is None:
        return linear
    return lambda x: linear(x).add_(bias)
