"""Memory for keys and values: a bounded number of equal blocks, counted, shared and found again by the tokens they hold.

Letters: `L` layers, `H_kv` key/value heads, `D` head width.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from agentcore.decoding._spec import ModelSpec
from agentcore.decoding.errors import CacheFullError, GenerationCancelled

__all__ = ["BLOCK", "CHUNK", "Block", "BlockPool", "CancelSignal"]

# Positions of a block. Attention runs block by block and merges: 512 costs nothing up to that context and about 5 % of an
# int4 step at 1,024; smaller blocks would share a little more and merge more often.
BLOCK = 512
# Positions that share one name, and rows of one prefill forward. Larger is hardly faster here (64 rows: 1280 tokens/s,
# 128: 1420, 256: 1470), and the fixed grid makes a reused beginning bit-equal to one that is run again.
CHUNK = 64

# More than this many full contexts at once never pay on one machine.
_MAX_CONTEXTS = 64
_POLL_S = 0.05


class CancelSignal(Protocol):
    """Anything with `is_set`, such as `threading.Event`."""

    def is_set(self) -> bool:
        """Return whether the caller wants to stop."""
        ...


class Block:
    """Keys and values of `BLOCK` consecutive positions.

    Attributes
    ----------
    buffer : Tensor, (L, 2, H_kv, BLOCK, D), the model's dtype
    references : int
        Sequences that hold the block. With more than one it is read-only.
    pins : int
        Copies being made out of it; it is not reused meanwhile.
    names : dict of int to bytes
        By number of the chunk in the block: the name under which others may find it.
    """

    __slots__ = ("buffer", "names", "pins", "references")

    def __init__(self, buffer: torch.Tensor) -> None:
        self.buffer = buffer
        self.references = 0
        self.pins = 0
        self.names: dict[int, bytes] = {}


class BlockPool:
    """All blocks of one model.

    Parameters
    ----------
    spec : ModelSpec
        Shapes.
    dtype : torch.dtype
        Element type; the model's.
    device : torch.device
        Where the blocks live.
    max_bytes : int
        Bound on their memory; it always holds one full context. Memory is taken as it is first needed.

    Notes
    -----
    A block is free, held by sequences, or remembered: nobody holds it, but its prompt can still be found by name until the
    room is needed; the one unused for longest goes first. Safe for use from several threads. Names, counted references
    and copy-on-write are those of vLLM's PagedAttention (https://arxiv.org/abs/2309.06180); our blocks are 32 times as
    long, because the attention of this engine is not written for blocks but called once for each.
    """

    def __init__(
        self, spec: ModelSpec, *, dtype: torch.dtype, device: torch.device, max_bytes: int = 2**30
    ) -> None:
        self.spec, self.dtype, self.device = spec, dtype, device
        self._shape = (spec.num_layers, 2, spec.num_kv_heads, BLOCK, spec.head_width)
        self.block_bytes = 2 * spec.num_layers * spec.num_kv_heads * BLOCK * spec.head_width * dtype.itemsize
        one_context = blocks_for(spec.context_length) + 1
        self.num_blocks = min(max(max_bytes // self.block_bytes, one_context), _MAX_CONTEXTS * one_context)
        # How long a sequence waits for room while nobody takes or returns a block and nothing is decoded.
        self.patience_s = 60.0
        self._num_made = 0
        self._free: list[Block] = []
        self._remembered: OrderedDict[int, Block] = OrderedDict()
        self._named: dict[bytes, tuple[Block, int]] = {}
        # What dying sequences hold: a destructor may run anywhere, so it only appends here.
        self._returned: deque[Block] = deque()
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()
        self._num_events = 0

    @property
    def num_free(self) -> int:
        """Blocks that a new sequence could take: unused ones, and remembered ones that would be forgotten for it."""
        with self._locked():
            return self._available()

    @property
    def num_used(self) -> int:
        """Blocks that sequences hold."""
        return self.num_blocks - self.num_free

    def take(self, count: int) -> list[Block]:
        """Return `count` blocks for one more holder, at once.

        Raises
        ------
        CacheFullError
            If so many are not to be had; none is taken then.
        """
        with self._locked():
            if count > self._available():
                raise self._full(count)
            return self._take(count)

    def wait_and_take(self, count: int, cancel: CancelSignal | None = None) -> list[Block]:
        """Return `count` blocks as soon as they are to be had, first come, first served.

        Raises
        ------
        CacheFullError
            If the pool could never hold so many, or nothing at all happens for `patience_s`.
        GenerationCancelled
            If `cancel` is set meanwhile.
        """
        if count > self.num_blocks:
            raise self._full(count)
        ticket = object()
        with self._locked():
            self._queue.append(ticket)
            try:
                self._wait_for_turn(ticket, count, cancel)
                return self._take(count)
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def give_back(self, blocks: Iterable[Block], *, is_dying: bool = False) -> None:
        """Let go of blocks; with `is_dying` without a lock, from a destructor."""
        self._returned.extend(blocks)
        if not is_dying:
            with self._locked():
                self._changed.notify_all()

    def note_progress(self) -> None:
        """Count that something was decoded: whoever waits for room waits with reason."""
        self._num_events += 1

    def clear(self) -> None:
        """Forget every prompt that nobody holds."""
        with self._locked():
            while self._remembered:
                self._free.append(self._forget_oldest())

    # Sharing

    def share(self, blocks: Iterable[Block], *, pinned: Block | None = None) -> None:
        """Count one more holder of each block, and keep the `pinned` one from being reused until it is `copied`.

        Raises
        ------
        ValueError
            If a block has no holder any more.
        """
        with self._locked():
            wanted = list(blocks)
            if any(block.references < 1 for block in [*wanted, *([pinned] if pinned else [])]):
                raise ValueError("the sequence was released meanwhile: fork it while it lives")
            for block in wanted:
                block.references += 1
            if pinned is not None:
                pinned.pins += 1

    def find(self, names: Iterable[bytes], *, start: int, is_whole: bool) -> list[Block]:
        """Return the block that holds the chunks called `names` from chunk `start` on, or an empty list.

        With `is_whole` the caller becomes one more holder of it; otherwise it is pinned and must be let go by `copied`.
        """
        with self._locked():
            found: Block | None = None
            for offset, name in enumerate(names, start):
                block, place = self._named.get(name, (None, -1))
                if block is None or place != offset or (found is not None and block is not found):
                    return []
                found = block
            if found is None:
                return []
            self._remembered.pop(id(found), None)
            if is_whole:
                found.references += 1
            else:
                found.pins += 1
            return [found]

    def copied(self, block: Block) -> None:
        """Let go of a block that `find` or `share` pinned."""
        with self._locked():
            block.pins -= 1
            self._settle(block)

    def publish(self, block: Block, place: int, name: bytes) -> None:
        """Let others find chunk number `place` of a block; the first to publish a name keeps it."""
        with self._locked():
            if name not in self._named:
                self._named[name] = (block, place)
                block.names[place] = name

    def withdraw(self, block: Block, place: int) -> None:
        """Unpublish the chunks from number `place` on: they are about to be overwritten."""
        with self._locked():
            for number in [number for number in block.names if number >= place]:
                del self._named[block.names.pop(number)]

    # Under the lock

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._changed:
            while self._returned:
                block = self._returned.popleft()
                block.references -= 1
                self._num_events += 1
                self._settle(block)
            yield

    def _settle(self, block: Block) -> None:
        """Put a block that nobody needs where it can be taken from."""
        if block.references or block.pins:
            return
        if block.names:
            self._remembered[id(block)] = block
            self._remembered.move_to_end(id(block))
        else:
            self._free.append(block)

    def _available(self) -> int:
        return self.num_blocks - self._num_made + len(self._free) + len(self._remembered)

    def _take(self, count: int) -> list[Block]:
        self._num_events += 1
        taken = [self._next() for _ in range(count)]
        for block in taken:
            block.references = 1
        return taken

    def _next(self) -> Block:
        if self._free:
            return self._free.pop()
        if self._num_made < self.num_blocks:
            self._num_made += 1
            with torch.inference_mode():
                return Block(torch.zeros(self._shape, dtype=self.dtype, device=self.device))
        return self._forget_oldest()

    def _forget_oldest(self) -> Block:
        _, block = self._remembered.popitem(last=False)
        for name in block.names.values():
            del self._named[name]
        block.names.clear()
        return block

    def _wait_for_turn(self, ticket: object, count: int, cancel: CancelSignal | None) -> None:
        events, since = self._num_events, time.monotonic()
        while self._queue[0] is not ticket or self._available() < count:
            if cancel is not None and cancel.is_set():
                raise GenerationCancelled("cancelled by the caller")
            if events != self._num_events:
                events, since = self._num_events, time.monotonic()
            elif time.monotonic() - since > self.patience_s:
                raise self._full(count)
            self._changed.wait(_POLL_S)
            with self._locked():
                pass  # destructors may have returned blocks meanwhile

    def _full(self, count: int) -> CacheFullError:
        return CacheFullError(count * BLOCK, self._available() * BLOCK, self.num_blocks * BLOCK)


def blocks_for(num_positions: int) -> int:
    """Return how many blocks hold `num_positions`."""
    return -(-num_positions // BLOCK)
