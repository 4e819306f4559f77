"""Linear layers multiplied in integers: 8-bit weights with 16-bit activations.

Letters: `M` rows of one forward, `N` output rows, `K` input columns.

Each row of activations is rounded to 16 bits by its own largest magnitude and split into two rows of bytes, so that one
product of bytes, which processors are fastest at, serves both halves. Sums of integers do not depend on their order: a
row's result is the same bit for bit however many others run beside it, and two dozen rows take little longer than one.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding.quantization._blocks import ROWS_AT_ONCE, GroupCodes
from agentcore.decoding.quantization._protocol import Linear
from agentcore.decoding.quantization._timing import MAX_SLOWDOWN, best_time_s

__all__ = ["can_multiply_bytes", "pack_integer", "round_rows"]

_ZERO_POINT = 128
_HALF_RANGE = 2**15 - _ZERO_POINT - 1
# Takes a signed number to 16 bits whose two bytes both have the zero point 128; a half more, for casts cut off.
_OFFSET = float(2**15 + _ZERO_POINT) + 0.5
_TINY = 1e-30


def round_rows(source: GroupCodes | Tensor) -> tuple[Tensor, Tensor]:
    """Round weights, (N, K), to signed bytes with one scale a row: codes (N, K), int8, and scales (N,), float32."""
    shape = source.codes.shape if isinstance(source, GroupCodes) else source.shape
    codes, scale = torch.empty(shape, dtype=torch.int8), torch.empty(shape[0])
    for index in torch.split(torch.arange(shape[0]), ROWS_AT_ONCE):
        rows = source.select_rows(index).dequantise() if isinstance(source, GroupCodes) else source[index]
        rows = rows.to(torch.float32)
        scale[index] = rows.abs().amax(-1).clamp_min(1e-12) / 127
        codes[index] = (rows / scale[index][:, None]).round_().clamp_(-127, 127).to(torch.int8)
    return codes, scale


def pack_integer(codes: Tensor, scale: Tensor) -> tuple[Linear, tuple[Tensor, ...]]:
    """Return the layer as a function, (M, K) -> (M, N) in the dtype of its input, and the tensors it reads."""
    product = torch.ops.onednn.qlinear_pointwise
    packed = torch.ops.onednn.qlinear_prepack(codes, None)
    scale, zero_points = scale / _HALF_RANGE, torch.zeros_like(scale, dtype=torch.int32)

    def linear(x: Tensor) -> Tensor:
        M, K = x.shape
        largest = x.abs().amax(-1, keepdim=True).to(torch.float32).clamp_min_(_TINY)
        words = (x * (_HALF_RANGE / largest)).add_(_OFFSET).to(torch.int32)
        halves = words.view(torch.uint8).view(M, K, 4)[:, :, :2].permute(2, 0, 1).reshape(2 * M, K)
        y = product(
            halves, 1.0, _ZERO_POINT, packed, scale, zero_points, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.add(y[:M], y[M:], alpha=256.0).mul_(largest).to(x.dtype)

    return linear, (packed, scale)


@lru_cache(maxsize=1)
def can_multiply_bytes() -> bool:
    """Whether this machine's torch multiplies bytes: without saturating where all are large, and not absurdly slowly.

    The answer is measured once a process, on one small layer.
    """
    codes, x = torch.full((1024, 512), 127, dtype=torch.int8), torch.ones(2, 512)
    try:
        linear, _ = pack_integer(codes, torch.ones(1024))
        y = linear(x)
    except (AttributeError, NotImplementedError, RuntimeError):
        return False
    if not torch.allclose(y, torch.full_like(y, 127.0 * 512), rtol=1e-3):
        return False
    dense, rows = codes.to(torch.bfloat16), x.to(torch.bfloat16)
    return best_time_s(lambda: linear(rows)) < MAX_SLOWDOWN * best_time_s(
        lambda: functional.linear(rows, dense)
    )
