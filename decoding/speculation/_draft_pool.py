"""Keep the finished outputs of a run, so that later turns and other seekers of the same run can quote them."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count

from agentcore.decoding.speculation._suffix_automaton import SEPARATOR, SuffixAutomaton

__all__ = ["DraftPool"]


class DraftPool:
    """Index texts under a key, bounded in tokens and keys; nothing is ever shared between two keys.

    A pool is a side channel: what it holds shows in another reader's speed. So every text belongs to a key, which must
    name the run (and its tenant), and `evict` forgets a key at once.

    Parameters
    ----------
    max_tokens_per_key : int
        The newest texts are kept, between half of this bound and all of it.
    max_keys : int
        The least recently used key is evicted beyond this.

    Notes
    -----
    A suffix automaton cannot forget. Each key therefore holds two generations: when the young one has filled its half,
    the old one is dropped whole. Eviction costs nothing, and only `remove` rebuilds one generation.
    Safe from several threads: readers hold `lock` while they match.
    """

    def __init__(self, *, max_tokens_per_key: int = 65_536, max_keys: int = 64) -> None:
        if max_tokens_per_key < 2 or max_keys < 1:
            raise ValueError(
                f"a pool needs room for 2 tokens and 1 key, got {max_tokens_per_key} tokens and {max_keys} keys"
            )
        self.max_tokens_per_key = max_tokens_per_key
        self.max_keys = max_keys
        self.lock = threading.RLock()
        self._keys: OrderedDict[str, list[_Generation]] = OrderedDict()
        self._entry_ids = count(1)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._keys)

    def add(self, key: str, ids: Sequence[int]) -> int:
        """Index a text under `key` and return the number that `remove` takes.

        Of a text longer than half of `max_tokens_per_key` only the end is kept.
        """
        half = self.max_tokens_per_key // 2
        text = array("i", list(ids)[-half:])
        with self.lock:
            entry = next(self._entry_ids)
            generations = self._keys.setdefault(key, [_Generation()])
            self._keys.move_to_end(key)
            if generations[-1].num_tokens + len(text) > half and generations[-1].num_tokens:
                generations.append(_Generation())
                del generations[:-2]
            generations[-1].add(entry, text)
            while len(self._keys) > self.max_keys:
                self._keys.popitem(last=False)
            return entry

    def remove(self, key: str, entry: int) -> bool:
        """Forget one text. Return whether it was still there."""
        with self.lock:
            for index, generation in enumerate(self._keys.get(key, [])):
                if entry in generation.texts:
                    self._keys[key][index] = generation.without(entry)
                    return True
        return False

    def evict(self, key: str) -> bool:
        """Forget everything of `key`. Return whether there was anything."""
        with self.lock:
            return self._keys.pop(key, None) is not None

    def num_tokens(self, key: str) -> int:
        """Return how many tokens `key` holds."""
        with self.lock:
            return sum(generation.num_tokens for generation in self._keys.get(key, []))

    def automata(self, key: str) -> tuple[SuffixAutomaton, ...]:
        """Return the indexes of `key`, the newest first; use them while holding `lock`."""
        generations = self._keys.get(key)
        if generations is None:
            return ()
        self._keys.move_to_end(key)
        return tuple(generation.automaton for generation in reversed(generations))


class _Generation:
    """Texts of one age, and the automaton over them."""

    def __init__(self) -> None:
        self.texts: dict[int, array[int]] = {}
        self.automaton = SuffixAutomaton()
        self.num_tokens = 0

    def add(self, entry: int, text: array[int]) -> None:
        self.texts[entry] = text
        self.automaton.extend(text)
        self.automaton.append(SEPARATOR)
        self.num_tokens += len(text)

    def without(self, entry: int) -> _Generation:
        rebuilt = _Generation()
        for other, text in self.texts.items():
            if other != entry:
                rebuilt.add(other, text)
        return rebuilt
