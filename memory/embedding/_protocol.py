"""What every embedder offers: pooled vectors, and the token vectors of the same pass where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Embedder", "Encoded", "Float32", "TokenVectors"]

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """The word pieces of one text with a vector each, for late interaction.

    Attributes
    ----------
    ids : ndarray, (T,), int32
        Ids in the embedder's vocabulary; special tokens (start, end, padding) are left out.
    pieces : tuple of str
        The same tokens as strings, `##` marking the continuation of a word.
    vectors : ndarray, (T, D), float32
        L2-normalised contextual vectors.
    """

    ids: npt.NDArray[np.int32]
    pieces: tuple[str, ...]
    vectors: Float32

    def __len__(self) -> int:
        return len(self.pieces)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The result of one pass over N texts.

    Attributes
    ----------
    pooled : ndarray, (N, D), float32
        One L2-normalised vector a text, in the order of the texts.
    tokens : tuple of TokenVectors, or None
        One entry a text; None where the embedder has no token vectors (remote servers).
    """

    pooled: Float32
    tokens: tuple[TokenVectors, ...] | None


class Embedder(Protocol):
    """Turns texts into unit vectors. Implementations are deterministic and safe from several threads."""

    @property
    def name(self) -> str:
        """Identity of the vector space: a memory file remembers it and refuses another."""
        ...

    @property
    def dimension(self) -> int:
        """Length D of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Float32:
        """Return pooled vectors, (N, D) float32, L2-normalised."""
        ...

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return pooled and token vectors of the same pass."""
        ...
