"""Keys and values of one live sequence.

Letters: `L` layers, `H_kv` key/value heads, `T` positions, `D` head width, `M` new rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor

from agentcore.decoding._block_pool import BLOCK, CHUNK, Block, BlockPool, CancelSignal, blocks_for
from agentcore.decoding.errors import ContextOverflowError

__all__ = ["KVCache", "KVViews"]

_CHUNKS = BLOCK // CHUNK
Layers = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class KVViews:
    """Where one forward writes and reads; every tuple has one tensor a layer.

    Attributes
    ----------
    writes : list of (int, int, Layers)
        Which of the new rows go where, (2, H_kv, rows, D); one entry for each block they touch.
    closed : list of (Layers, Layers)
        Keys and values, (1, H_kv, BLOCK, D), of the blocks before them: every new row sees all of it.
    open : list of (Layers, Layers)
        Keys and values, (1, H_kv, T, D), of the blocks they are written to.
    start : int
        Position of the first new row, counted from the first open block's.
    """

    writes: list[tuple[int, int, Layers]]
    closed: list[tuple[Layers, Layers]]
    open: list[tuple[Layers, Layers]]
    start: int


class KVCache:
    """Keys and values of one sequence: a list of blocks, some of them shared with other sequences.

    Made by `LanguageModel.new_cache`. It holds its blocks until `release`, or until it is garbage.

    Parameters
    ----------
    pool : BlockPool
        Where its blocks come from.
    capacity : int
        Positions to reserve at once; where the pool is full the sequence waits for them. It grows beyond when needed.
    cancel : CancelSignal, optional
        Ends the waiting.

    Raises
    ------
    CacheFullError
        If so much room is not to be had.

    Notes
    -----
    Blocks are shared by `fork`, and by prompts with the same beginning (`adopt`). A shared block is never written: what a
    sequence would change in it is copied first. A cache belongs to one thread at a time, but may be forked from others.
    """

    def __init__(self, pool: BlockPool, *, capacity: int = 1, cancel: CancelSignal | None = None) -> None:
        self._blocks: list[Block] = []
        self.pool = pool
        self.spec = pool.spec
        self.length = 0
        self._names: list[bytes] = []  # of the prompt's whole chunks so far
        self._is_released = False
        capacity = min(max(capacity, 1), self.spec.context_length)
        self._blocks = pool.wait_and_take(blocks_for(capacity), cancel)

    def __del__(self) -> None:
        if self._blocks:
            self.pool.give_back(self._blocks, is_dying=True)

    @property
    def capacity(self) -> int:
        """Positions that fit before another block is needed."""
        return len(self._blocks) * BLOCK

    @property
    def num_bytes(self) -> int:
        """Bytes of the blocks that the sequence holds, shared ones included."""
        return len(self._blocks) * self.pool.block_bytes

    def release(self) -> None:
        """Return all blocks; the cache cannot be used afterwards. Releasing twice is harmless."""
        blocks, self._blocks = self._blocks, []
        self._is_released = True
        self.pool.give_back(reversed(blocks))  # so that of a remembered prompt the end is forgotten first

    def reserve(self, num_new: int, *, padding: int = 0) -> None:
        """Make room for `num_new` more positions, and for `padding` rows behind them that are never kept.

        Raises
        ------
        ContextOverflowError
            If the model's context cannot hold the new positions; the cache is unchanged.
        CacheFullError
            If the pool has no block left; the cache is unchanged.
        """
        self._check_alive()
        if self.length + num_new > self.spec.context_length:
            raise ContextOverflowError(self.length + num_new, self.spec.context_length)
        end = self.length + num_new + padding
        if end > self.capacity:
            self._blocks += self.pool.take(blocks_for(end) - len(self._blocks))
        for number in range(self.length // BLOCK, blocks_for(end)):
            self._make_writable(number, max(self.length - number * BLOCK, 0))

    def views(self, num_new: int, *, key_multiple: int = 1) -> KVViews:
        """Return where to write and read `num_new` reserved positions.

        The keys of the last block end with the new positions, rounded up to `key_multiple`; what lies behind them is zero
        and must be masked.
        """
        end, first = self.length + num_new, self.length // BLOCK
        closed = [_layers(block, BLOCK) for block in self._blocks[:first]]
        writes, opened = [], []
        for number in range(first, blocks_for(end)):
            block, begin = self._blocks[number], number * BLOCK
            low, high = max(self.length - begin, 0), min(end - begin, BLOCK)
            writes.append(
                (
                    begin + low - self.length,
                    begin + high - self.length,
                    block.buffer[:, :, :, low:high].unbind(0),
                )
            )
            seen = -(-high // key_multiple) * key_multiple
            if seen > high:  # another sequence's rows, or not even numbers
                block.buffer[:, :, :, high:seen].zero_()
            opened.append(_layers(block, seen))
        return KVViews(writes, closed, opened, self.length - first * BLOCK)

    def keys(self, layer: int) -> Tensor:
        """Return the keys of one layer so far, (H_kv, T, D)."""
        return torch.cat([block.buffer[layer, 0] for block in self._blocks], 1)[:, : self.length]

    def advance(self, num_new: int) -> None:
        """Count `num_new` positions, just written, as part of the sequence."""
        self.length += num_new
        self.pool.note_progress()

    def truncate(self, length: int) -> None:
        """Forget every position from `length` on."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot truncate a cache of {self.length} positions to {length}")
        self.length = length
        del self._names[length // CHUNK :]

    @torch.inference_mode()
    def fork(self, length: int | None = None, *, room: int = 0) -> KVCache:
        """Return an independent sequence that begins with the first `length` positions (by default all) of this one.

        Whole blocks are shared, the last one is copied up to there.

        Parameters
        ----------
        length : int, optional
            Positions to keep.
        room : int
            New positions to reserve.

        Raises
        ------
        CacheFullError
            If the pool has no room for it.
        """
        kept = self.length if length is None else length
        if not 0 <= kept <= self.length:
            raise ValueError(f"cannot fork {kept} positions of a cache of {self.length}")
        blocks, rest = list(self._blocks), kept % BLOCK
        self._check_alive()
        shared = blocks[: kept // BLOCK]
        copied = blocks[len(shared)] if rest else None
        self.pool.share(shared, pinned=copied)
        twin = object.__new__(KVCache)
        twin.pool, twin.spec, twin._is_released = self.pool, self.spec, False
        twin.length, twin._names, twin._blocks = kept, self._names[: kept // CHUNK], shared
        try:
            own = self.pool.take(
                max(blocks_for(min(kept + max(room, 1), self.spec.context_length)) - len(shared), 0)
            )
            twin._blocks = [*shared, *own]
            if copied is not None:
                own[0].buffer[:, :, :, :rest] = copied.buffer[:, :, :, :rest]
        finally:
            if copied is not None:
                self.pool.copied(copied)
        return twin

    # Prompts

    def adopt(self, ids: Sequence[int]) -> int:
        """Take over what other sequences have computed of the prompt `ids`, which comes next.

        Parameters
        ----------
        ids : sequence of int
            The rest of the prompt.

        Returns
        -------
        int
            How many tokens need not be run; they are part of the sequence now. Whole blocks are shared, chunks copied.
        """
        before = self.length
        while self._is_prompt() and len(ids) - (self.length - before) >= CHUNK:
            rest = ids[self.length - before : self.length - before + BLOCK]
            place = self.length % BLOCK // CHUNK
            names = self._following(rest)
            if not (
                place == 0 and len(names) == _CHUNKS and self._adopt_block(names)
            ) and not self._adopt_chunk(names[0], place):
                break
        return self.length - before

    def publish(self, ids: Sequence[int]) -> None:
        """Let other sequences adopt the prompt tokens `ids`, about to be counted by `advance`, if they are a whole chunk."""
        if len(ids) == CHUNK and self._is_prompt():
            name = self._following(ids)[0]
            self.pool.publish(self._blocks[self.length // BLOCK], self.length % BLOCK // CHUNK, name)
            self._names.append(name)

    def _is_prompt(self) -> bool:
        """Whether everything so far is whole chunks of a prompt."""
        return len(self._names) * CHUNK == self.length

    def _following(self, ids: Sequence[int]) -> list[bytes]:
        """Names of the next whole chunks: each stands for all tokens up to its end."""
        names, previous = [], self._names[-1] if self._names else b""
        for begin in range(0, len(ids) - CHUNK + 1, CHUNK):
            text = array("q", ids[begin : begin + CHUNK]).tobytes()
            previous = blake2b(previous + text, digest_size=16).digest()
            names.append(previous)
        return names

    def _adopt_block(self, names: list[bytes]) -> bool:
        found = self.pool.find(names, start=0, is_whole=True)
        if not found:
            return False
        number = self.length // BLOCK
        unused, self._blocks[number : number + 1] = self._blocks[number : number + 1], found
        self.pool.give_back(unused)
        self._names += names
        self.advance(BLOCK)
        return True

    def _adopt_chunk(self, name: bytes, place: int) -> bool:
        found = self.pool.find([name], start=place, is_whole=False)
        if not found:
            return False
        try:
            self.reserve(CHUNK)
            begin, end = place * CHUNK, (place + 1) * CHUNK
            own = self._blocks[self.length // BLOCK]
            own.buffer[:, :, :, begin:end] = found[0].buffer[:, :, :, begin:end]
        finally:
            self.pool.copied(found[0])
        self._names.append(name)
        self.advance(CHUNK)
        return True

    def _make_writable(self, number: int, offset: int) -> None:
        """See to it that nobody else can see what is written into a block from `offset` on."""
        block = self._blocks[number]
        if block.references > 1:
            (own,) = self.pool.take(1)
            own.buffer[:, :, :, :offset] = block.buffer[:, :, :, :offset]
            self._blocks[number] = own
            self.pool.give_back([block])
        elif block.names and max(block.names) * CHUNK + CHUNK > offset:
            self.pool.withdraw(block, offset // CHUNK)

    def _check_alive(self) -> None:
        if self._is_released:
            raise ValueError("the cache was released: start another with new_cache")


def _layers(block: Block, length: int) -> tuple[Layers, Layers]:
    keys, values = block.buffer[:, 0:1, :, :length], block.buffer[:, 1:2, :, :length]
    return keys.unbind(0), values.unbind(0)
