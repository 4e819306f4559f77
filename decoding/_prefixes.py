"""Reuse of prompt beginnings: keys and values of recent sequences, found again by their tokens."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from agentcore.decoding._cache import KVCache
from agentcore.decoding._model import PREFILL_ROWS, LanguageModel

__all__ = ["PrefixStore"]


class PrefixStore:
    """Recent sequences of one model, so that a prompt which begins like one of them runs only its rest.

    Parameters
    ----------
    model : LanguageModel
        The model whose caches are kept.
    max_entries : int
        Sequences to keep; the one unused for longest goes first. 0 keeps none.
    max_bytes : int
        Bound on the bytes of all kept caches.

    Notes
    -----
    Only whole prefill chunks of a prompt are reused, and a prompt is always run in such chunks: the arithmetic is the
    same with and without reuse, so scores are equal bit for bit.
    """

    def __init__(self, model: LanguageModel, *, max_entries: int = 6, max_bytes: int = 512 * 2**20) -> None:
        self._model = model
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._entries: list[tuple[list[int], KVCache]] = []
        self._lock = threading.Lock()

    def start(self, ids: Sequence[int], *, room: int) -> KVCache:
        """Return a cache that holds the longest known beginning of `ids`, short of its last token.

        Parameters
        ----------
        ids : sequence of int
            The prompt.
        room : int
            New tokens expected after it.
        """
        with self._lock:
            shared = [(_common(kept, ids), i) for i, (kept, _) in enumerate(self._entries)]
            length, best = max(shared, default=(0, 0))
            length = min(length, len(ids) - 1) // PREFILL_ROWS * PREFILL_ROWS
            if length == 0:
                return self._model.new_cache(len(ids) + room)
            entry = self._entries.pop(best)
            self._entries.append(entry)
            return entry[1].fork(length, room=len(ids) - length + room)

    def keep(self, ids: Sequence[int], cache: KVCache) -> None:
        """Remember the prompt `ids` whose tokens `cache` holds; it belongs to the store from now on."""
        length = min(len(ids), cache.length) // PREFILL_ROWS * PREFILL_ROWS
        if self._max_entries == 0 or length == 0:
            return
        known = list(ids[:length])
        cache.truncate(length)
        with self._lock:
            self._entries = [entry for entry in self._entries if _common(entry[0], known) < len(entry[0])]
            self._entries.append((known, cache))
            while len(self._entries) > self._max_entries or (
                len(self._entries) > 1 and sum(held.num_bytes for _, held in self._entries) > self._max_bytes
            ):
                self._entries.pop(0)

    def clear(self) -> None:
        """Forget every sequence."""
        with self._lock:
            self._entries.clear()


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning of two sequences."""
    length = min(len(first), len(second))
    return next((i for i in range(length) if first[i] != second[i]), length)
