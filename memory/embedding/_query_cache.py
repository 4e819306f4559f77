"""Remember the vectors of recent queries: embedding a query costs several times its search."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from agentcore.memory.embedding._protocol import Embedder, Float32, TokenVectors

__all__ = ["EncodedQuery", "QueryCache"]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """One query's vectors.

    Attributes
    ----------
    pooled : ndarray, (D,), float32
        L2-normalised.
    tokens : TokenVectors or None
        None where the embedder has none.
    """

    pooled: Float32
    tokens: TokenVectors | None


class QueryCache:
    """A least-recently-used cache in front of an embedder; safe from several threads.

    Parameters
    ----------
    embedder : Embedder
        Asked for what is not remembered.
    capacity : int, default 512
        Queries kept, about 30 KB each with token vectors; 0 remembers nothing.
    """

    def __init__(self, embedder: Embedder, *, capacity: int = 512) -> None:
        if capacity < 0:
            raise ValueError(f"capacity must be at least 0, not {capacity!r}")
        self._embedder = embedder
        self._capacity = capacity
        self._kept: OrderedDict[str, EncodedQuery] = OrderedDict()
        self._lock = Lock()
        self.hits = 0
        self.misses = 0

    def encode(self, query: str) -> EncodedQuery:
        """Return the query's vectors, computed at most once while remembered. Do not write to the arrays."""
        with self._lock:
            found = self._kept.get(query)
            if found is not None:
                self._kept.move_to_end(query)
                self.hits += 1
                return found
            self.misses += 1
        encoded = self._embedder.encode([query])
        result = EncodedQuery(encoded.pooled[0], encoded.tokens[0] if encoded.tokens is not None else None)
        with self._lock:
            self._kept[query] = result
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        return result

    def clear(self) -> None:
        """Forget every query (a memory that erases a user calls this)."""
        with self._lock:
            self._kept.clear()
