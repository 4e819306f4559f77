"""A small embedder without any model: words hashed to seeded random directions.

It knows no meaning, only shared words, so it is for tests and for machines without weights. Two texts are
as similar as the words they share; every vector is a pure function of the text, on every machine.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from agentcore.memory._validation import check_count
from agentcore.memory.embedding._protocol import Encoded, Float32, TokenVectors

__all__ = ["HashEmbedder"]

_WORD = re.compile(r"\w+|[^\w\s]")


class HashEmbedder:
    """Embed by hashed words: deterministic, offline, microseconds a text.

    Parameters
    ----------
    dimension : int, default 64
        Length of the vectors.
    max_tokens : int, default 256
        Words beyond this many are ignored, as a model with a window would.
    """

    def __init__(self, dimension: int = 64, *, max_tokens: int = 256) -> None:
        check_count(dimension, what="dimension", least=2)
        check_count(max_tokens, what="max_tokens", least=1)
        self._dimension = dimension
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        """Identity of the vector space."""
        return f"hash-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Float32:
        """Return pooled vectors, (N, D) float32, L2-normalised."""
        return self.encode(texts).pooled

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return pooled and token vectors of every text."""
        tokens = tuple(self._tokens(text) for text in texts)
        pooled = np.zeros((len(tokens), self._dimension), dtype=np.float32)
        for row, entry in enumerate(tokens):
            total = entry.vectors.sum(axis=0) if len(entry) else _direction("", self._dimension)
            norm = float(np.linalg.norm(total))
            pooled[row] = total / norm if norm > 1e-12 else _direction("", self._dimension)
        return Encoded(pooled, tokens)

    def _tokens(self, text: str) -> TokenVectors:
        pieces = tuple(_WORD.findall(text.lower())[: self._max_tokens])
        ids = np.array([zlib.crc32(piece.encode()) & 0x7FFFFFFF for piece in pieces], dtype=np.int32)
        vectors = np.zeros((len(pieces), self._dimension), dtype=np.float32)
        for row, piece in enumerate(pieces):
            vectors[row] = _direction(piece, self._dimension)
        return TokenVectors(ids, pieces, vectors)


@lru_cache(maxsize=65536)
def _direction(word: str, dimension: int) -> Float32:
    """Seeded unit vector of a word."""
    vector = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(dimension, dtype=np.float32)
    vector /= np.linalg.norm(vector)
    vector.setflags(write=False)
    return vector
