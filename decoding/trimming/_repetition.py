"""Notice that a stream goes round in circles: rolling hashes of word shingles and token n-grams, and short periods."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence

from agentcore.decoding.trimming._config import TrimmingConfig

_WORD = re.compile(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+")
_BASE = 1_000_003
_MODULUS = (1 << 61) - 1


class RollingWindow:
    """Polynomial hashes of the last `length` items; says when one window has been seen `repeats` times.

    Parameters
    ----------
    length : int
        Items in a window.
    repeats : int
        Occurrences that make a repetition.
    memory : int
        How many windows back an occurrence still counts.

    Notes
    -----
    arXiv 2505.17155 stops on recurring long n-grams by a rolling hash and publishes no constants. Hashes are modulo
    2^61 - 1: a false repetition needs `repeats` - 1 collisions within `memory` windows, about 1e-12 or less.
    """

    def __init__(self, length: int, repeats: int, memory: int) -> None:
        self._length = length
        self._repeats = repeats
        self._items: deque[int] = deque()
        self._seen: deque[int] = deque()
        self._counts: Counter[int] = Counter()
        self._memory = memory
        self._hash = 0
        self._top = pow(_BASE, length - 1, _MODULUS)

    def push(self, item: int) -> bool:
        """Add one item; return whether the window that ends here is a repetition."""
        if len(self._items) == self._length:
            self._hash -= self._items.popleft() * self._top
        self._items.append(item + 1)
        self._hash = (self._hash * _BASE + item + 1) % _MODULUS
        if len(self._items) < self._length:
            return False
        self._seen.append(self._hash)
        self._counts[self._hash] += 1
        if len(self._seen) > self._memory:
            old = self._seen.popleft()
            self._counts[old] -= 1
            if not self._counts[old]:
                del self._counts[old]
        return self._counts[self._hash] >= self._repeats


class WordRepetition:
    """The default repetition stop on text: 32 words (or Chinese characters) seen 3 times within 4,096."""

    def __init__(self, config: TrimmingConfig | None = None) -> None:
        config = config or TrimmingConfig()
        self._window = RollingWindow(config.shingle_words, config.shingle_repeats, config.shingle_window)
        self._partial = ""

    def push(self, text: str) -> bool:
        """Add text; return whether it repeats itself. A word counts once what follows it has come."""
        buffer = self._partial + text
        words = [(found.group(), found.end()) for found in _WORD.finditer(buffer)]
        self._partial = ""
        if words and words[-1][1] == len(buffer) and not "\u4e00" <= buffer[-1] <= "\u9fff":
            self._partial = words.pop()[0]
        found = False
        for word, _ in words:
            found |= self._window.push(_stable_hash(word))
        return found


class TokenRepetition:
    """Repetition of token ids: n-grams of several lengths, or a tail with a short period."""

    def __init__(self, config: TrimmingConfig | None = None) -> None:
        self._config = config or TrimmingConfig()
        self._windows = [
            RollingWindow(length, self._config.ngram_repeats, self._config.ngram_window)
            for length in self._config.ngram_windows
        ]
        self._tail: deque[int] = deque(maxlen=self._config.ngram_window)
        self._since_check = 0

    def push(self, token_ids: Iterable[int]) -> bool:
        """Add ids; return whether they repeat themselves. Periods are checked every `interval` ids."""
        found = False
        for token in token_ids:
            self._tail.append(token)
            self._since_check += 1
            for window in self._windows:
                found |= window.push(token)
            if self._since_check >= self._config.interval:
                self._since_check = 0
                found |= (
                    period(self._tail, longest=self._config.max_period, repeats=self._config.ngram_repeats)
                    > 0
                )
        return found


def period(items: Iterable[int], *, longest: int, repeats: int, at_least: int = 64) -> int:
    """Return the smallest period with which the items end, 0 for none.

    Parameters
    ----------
    items : iterable of int
        Token ids, oldest first.
    longest : int
        The longest period to look for.
    repeats : int
        How many whole periods the tail must hold.
    at_least : int
        Items that the periodic tail must span, so that ``2, 2, 2`` in a table is no loop.
    """
    tail: Sequence[int] = list(items)
    for length in range(1, longest + 1):
        span = max(length * repeats, at_least)
        if span > len(tail):
            if length * repeats > len(tail):
                return 0
            continue
        last = len(tail) - 1
        if all(tail[last - k] == tail[last - k - length] for k in range(span - length)):
            return length
    return 0


def _stable_hash(word: str) -> int:
    """Return a hash of a word that is the same in every process."""
    return int.from_bytes(word.encode("utf-8", "surrogatepass")[:64], "little") % _MODULUS
