"""Keys and values of one live sequence.

Letters: `L` layers, `H_kv` key/value heads, `T` cached positions, `D` head width, `M` new rows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agentcore.decoding._spec import ModelSpec
from agentcore.decoding.errors import ContextOverflowError

__all__ = ["KEY_BLOCK", "KVCache"]

_STEP = 256
# Keys are read in whole blocks where results must not depend on how rows were split over forwards.
KEY_BLOCK = 64


class KVCache:
    """Keys and values of one sequence, written in place and grown in steps.

    Parameters
    ----------
    spec : ModelSpec
        Shapes, and the context length that bounds the cache.
    dtype : torch.dtype
        Element type; the model's.
    device : torch.device
        Where the buffers live.
    capacity : int
        Positions to reserve at once; the cache grows beyond it when needed.
    """

    def __init__(
        self, spec: ModelSpec, *, dtype: torch.dtype, device: torch.device, capacity: int = _STEP
    ) -> None:
        self.spec = spec
        self.length = 0
        size = _round_up(min(max(capacity, 1), spec.context_length), KEY_BLOCK)
        self._buffer = torch.zeros(
            (spec.num_layers, 2, spec.num_kv_heads, size, spec.head_width), dtype=dtype, device=device
        )

    @property
    def capacity(self) -> int:
        """Positions that fit before the buffer has to grow."""
        return int(self._buffer.shape[3])

    def reserve(self, num_new: int, *, padding: int = 0) -> None:
        """Make room for `num_new` more positions, and for `padding` rows behind them that are never kept.

        Raises
        ------
        ContextOverflowError
            If the model's context cannot hold the new positions; the cache is unchanged.
        """
        needed = self.length + num_new
        if needed > self.spec.context_length:
            raise ContextOverflowError(needed, self.spec.context_length)
        needed = _round_up(needed + padding, KEY_BLOCK)
        if needed <= self.capacity:
            return
        size = _round_up(
            max(needed, min(max(needed + _STEP, self.capacity * 2), self.spec.context_length)), KEY_BLOCK
        )
        grown = self._buffer.new_zeros((*self._buffer.shape[:3], size, self._buffer.shape[4]))
        grown[:, :, :, : self.length] = self._buffer[:, :, :, : self.length]
        self._buffer = grown

    def views(
        self, num_new: int, *, key_multiple: int = 1
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return per layer: where to write (2, H_kv, M, D), and keys and values (1, H_kv, T, D) to read.

        T is the number of positions with the new ones, rounded up to `key_multiple`; what lies behind them is finite but
        meaningless and must be masked.
        """
        end = self.length + num_new
        write = self._buffer[:, :, :, self.length : end].unbind(0)
        seen = _round_up(end, key_multiple)
        keys = self._buffer[:, 0:1, :, :seen].unbind(0)
        values = self._buffer[:, 1:2, :, :seen].unbind(0)
        return write, keys, values

    def keys(self, layer: int) -> Tensor:
        """Return the keys of one layer so far, (H_kv, T, D)."""
        return self._buffer[layer, 0, :, : self.length]

    def advance(self, num_new: int) -> None:
        """Count `num_new` positions, just written, as part of the sequence."""
        self.length += num_new

    def truncate(self, length: int) -> None:
        """Forget every position from `length` on."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot truncate a cache of {self.length} positions to {length}")
        self.length = length

    def keep(self, start: int, rows: list[int]) -> None:
        """Keep of the positions from `start` on only those at offsets `rows`, in that order (for draft trees)."""
        index = torch.tensor(rows, device=self._buffer.device) + start
        self._buffer[:, :, :, start : start + len(rows)] = self._buffer[:, :, :, index]
        self.length = start + len(rows)

    def fork(self, length: int | None = None, *, room: int = 0) -> KVCache:
        """Return an independent copy of the first `length` positions (by default all), with `room` for more."""
        kept = self.length if length is None else length
        if not 0 <= kept <= self.length:
            raise ValueError(f"cannot fork {kept} positions of a cache of {self.length}")
        twin = KVCache(
            self.spec, dtype=self._buffer.dtype, device=self._buffer.device, capacity=max(kept + room, _STEP)
        )
        twin._buffer[:, :, :, :kept] = self._buffer[:, :, :, :kept]
        twin.length = kept
        return twin

    @property
    def num_bytes(self) -> int:
        """Bytes that the buffers take."""
        return self._buffer.numel() * self._buffer.element_size()


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
