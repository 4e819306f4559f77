"""GGUF's block encodings as codes with one scale and one minimum per group of 32 columns.

Letters: `N` output rows, `K` input columns, `G = K / 32` groups.
Every encoding here satisfies ``weight = code * scale + minimum`` exactly, in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["GROUP", "ROWS_AT_ONCE", "GroupCodes", "group_codes", "quantise_groups"]

GROUP = 32
# Rows of a layer that are widened to float32 at a time: of a large head, all at once would be the most a process ever holds.
ROWS_AT_ONCE = 8192
_SUPER = 256
_Bytes = npt.NDArray[np.uint8]
_Parts = tuple[npt.NDArray[Any], npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class GroupCodes:
    """Quantised weights of one linear layer.

    Attributes
    ----------
    codes : Tensor, (N, K), uint8
    scale, minimum : Tensor, (N, G), float32
    bits : int
        4 when every code is below 16, else 8.
    """

    codes: Tensor
    scale: Tensor
    minimum: Tensor
    bits: int

    def dequantise(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the weights, (N, K)."""
        N, K = self.codes.shape
        dense = torch.empty(N, K // GROUP, GROUP, dtype=dtype)
        for begin in range(0, N, ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            grouped = self.codes[rows].view(-1, K // GROUP, GROUP).to(torch.float32)
            dense[rows] = torch.addcmul(self.minimum[rows, :, None], grouped, self.scale[rows, :, None])
        return dense.view(N, K)

    def select_rows(self, index: Tensor) -> GroupCodes:
        """Return the rows at `index`, in that order."""
        return GroupCodes(self.codes[index], self.scale[index], self.minimum[index], self.bits)

    @staticmethod
    def concatenate(parts: list[GroupCodes]) -> GroupCodes:
        """Stack layers that share their input, rows below rows."""
        return GroupCodes(
            torch.cat([part.codes for part in parts]),
            torch.cat([part.scale for part in parts]),
            torch.cat([part.minimum for part in parts]),
            max(part.bits for part in parts),
        )


def group_codes(encoding: str, data: _Bytes, shape: tuple[int, ...]) -> GroupCodes | None:
    """Unpack encoded rows without loss, or return None when the encoding has no groups of 32.

    Parameters
    ----------
    encoding : str
        GGML type name.
    data : ndarray, (N, bytes per row), uint8
    shape : tuple of int
        (N, K).
    """
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        return None
    unpack, block_columns, bits = decoder
    N, K = shape
    blocks = np.ascontiguousarray(data).reshape(N * K // block_columns, -1)
    codes, scale, minimum = unpack(blocks)
    return GroupCodes(
        torch.from_numpy(np.ascontiguousarray(codes)).view(N, K),
        torch.from_numpy(np.ascontiguousarray(scale)).view(N, K // GROUP),
        torch.from_numpy(np.ascontiguousarray(minimum)).view(N, K // GROUP),
        bits,
    )


def quantise_groups(weight: Tensor, bits: int) -> GroupCodes:
    """Round dense weights to `bits` (4 or 8) with a scale and a minimum per group of 32.

    Parameters
    ----------
    weight : Tensor, (N, K), any float type; K must be a multiple of 32.
    """
    N, K = weight.shape
    if N > ROWS_AT_ONCE:
        return GroupCodes.concatenate(
            [quantise_groups(part, bits) for part in torch.split(weight, ROWS_AT_ONCE)]
        )
    grouped = weight.to(torch.float32).view(N, K // GROUP, GROUP)
    low, high = grouped.amin(-1), grouped.amax(-1)
    scale = (high - low).clamp_min(1e-12) / (2**bits - 1)
    codes = ((grouped - low[:, :, None]) / scale[:, :, None]).round_().clamp_(0, 2**bits - 1)
    return GroupCodes(codes.to(torch.uint8).view(N, K), scale, low, bits)


def _halves(blocks: _Bytes, offset: int) -> npt.NDArray[np.float32]:
    """Two bytes at `offset` of each block as float16, widened."""
    return np.ascontiguousarray(blocks[:, offset : offset + 2]).view(np.float16).astype(np.float32)


def _nibbles(packed: _Bytes) -> _Bytes:
    """Low nibbles first, then high ones: the order inside a block of 32."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _fifth_bits(blocks: _Bytes, offset: int) -> _Bytes:
    return np.unpackbits(blocks[:, offset : offset + 4], axis=-1, bitorder="little")


def _q4_0(blocks: _Bytes) -> _Parts:
    scale = _halves(blocks, 0)
    return _nibbles(blocks[:, 2:18]), scale, -8 * scale


def _q4_1(blocks: _Bytes) -> _Parts:
    return _nibbles(blocks[:, 4:20]), _halves(blocks, 0), _halves(blocks, 2)


def _q5_0(blocks: _Bytes) -> _Parts:
    scale = _halves(blocks, 0)
    return _nibbles(blocks[:, 6:22]) | (_fifth_bits(blocks, 2) << 4), scale, -16 * scale


def _q5_1(blocks: _Bytes) -> _Parts:
    return _nibbles(blocks[:, 8:24]) | (_fifth_bits(blocks, 4) << 4), _halves(blocks, 0), _halves(blocks, 2)


def _q8_0(blocks: _Bytes) -> _Parts:
    scale = _halves(blocks, 0)
    return blocks[:, 2:34] ^ 0x80, scale, -128 * scale


def _super_scales(blocks: _Bytes) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Scales and minima (blocks, 8) of the K-quants' eight groups: six bits each, packed into twelve bytes."""
    low, mid, high = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scales = np.concatenate([low & 63, (high & 15) | ((low >> 2) & 48)], axis=-1)
    minima = np.concatenate([mid & 63, (high >> 4) | ((mid >> 2) & 48)], axis=-1)
    return _halves(blocks, 0) * scales, -_halves(blocks, 2) * minima


def _q4_k(blocks: _Bytes) -> _Parts:
    scale, minimum = _super_scales(blocks)
    return _nibbles(blocks[:, 16:144].reshape(-1, 4, 32)).reshape(-1, _SUPER), scale, minimum


def _q5_k(blocks: _Bytes) -> _Parts:
    scale, minimum = _super_scales(blocks)
    low = _nibbles(blocks[:, 48:176].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    high = (blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[None, :, None]) & 1
    return (low | (high << 4)).reshape(-1, _SUPER), scale, minimum


_DECODERS: dict[str, tuple[Callable[[_Bytes], _Parts], int, int]] = {
    "Q4_0": (_q4_0, 32, 4),
    "Q4_1": (_q4_1, 32, 4),
    "Q5_0": (_q5_0, 32, 8),
    "Q5_1": (_q5_1, 32, 8),
    "Q8_0": (_q8_0, 32, 8),
    "Q4_K": (_q4_k, 256, 4),
    "Q5_K": (_q5_k, 256, 8),
}
