"""Linear layers whose weights are groups of 32 four-bit codes, multiplied by a kernel of our own.

Letters: `M` rows of one forward, `N` output rows, `K` input columns, `G = K / 32` groups.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding.quantization._blocks import GROUP, GroupCodes
from agentcore.decoding.quantization._group_kernel import BLOCK_BYTES, BLOCK_ROWS, GroupKernel
from agentcore.decoding.quantization._protocol import Linear

__all__ = ["can_pack_groups", "pack_groups"]

_ALIGNMENT = 64


def can_pack_groups(source: GroupCodes) -> bool:
    """Whether codes have four bits, and scales and minima fit into float16."""
    largest = torch.finfo(torch.float16).max
    return source.bits == 4 and all(
        float(part.abs().amax()) <= largest for part in (source.scale, source.minimum)
    )


def pack_groups(source: GroupCodes, kernel: GroupKernel) -> tuple[Linear, tuple[Tensor, ...]]:
    """Return the layer as a function, (M, K) -> (M, N) in bfloat16, and the tensor it reads.

    Scales and minima become float16, which is what Q4_0 and Q4_1 have.
    """
    N, num_blocks = source.codes.shape[0], -(-source.codes.shape[0] // BLOCK_ROWS)
    surplus = num_blocks * BLOCK_ROWS - N
    codes, scale, minimum = (
        functional.pad(part, (0, 0, 0, surplus)) for part in (source.codes, source.scale, source.minimum)
    )
    G = scale.shape[1]
    quads = codes.view(num_blocks, BLOCK_ROWS, G, 2, GROUP // 8, 4).permute(3, 0, 2, 4, 1, 5)
    parts = [(quads[0] | (quads[1] << 4)).reshape(num_blocks, G, -1)]
    for part in (scale, minimum):
        halves = part.view(num_blocks, BLOCK_ROWS, G).transpose(1, 2).to(torch.float16).contiguous()
        parts.append(halves.view(torch.uint8))
    weights = _aligned(torch.cat(parts, -1).view(num_blocks * G * BLOCK_BYTES))
    multiply = kernel.multiply
    if not surplus:
        return lambda x: multiply(x, weights, num_blocks), (weights,)
    return lambda x: multiply(x, weights, num_blocks)[:, :N], (weights,)


def _aligned(values: Tensor) -> Tensor:
    """Copy bytes to an address that is a multiple of a cache line."""
    room = torch.empty(values.numel() + _ALIGNMENT, dtype=torch.uint8)
    begin = -room.data_ptr() % _ALIGNMENT
    return room[begin : begin + values.numel()].copy_(values)
