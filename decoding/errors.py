"""What can go wrong while decoding.

::

    DecodingError
    ├── ModelFileError            the file is missing, truncated or no GGUF
    │   └── UnsupportedModelError a readable file that this engine cannot run
    ├── CacheFullError            live sequences hold all memory for keys and values
    ├── ContextOverflowError      more tokens than the model's context holds
    ├── ConstraintError           a schema or grammar that cannot be enforced
    ├── GenerationCancelled       the caller asked to stop (control flow, no failure)
    ├── NonFiniteLogitsError      the model produced NaN or infinite scores
    ├── TokenizerMismatchError    a drafting model and its target do not share their vocabulary
    └── UnknownMethodError        no speculation method has the name asked for
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "CacheFullError",
    "ConstraintError",
    "ContextOverflowError",
    "DecodingError",
    "GenerationCancelled",
    "ModelFileError",
    "NonFiniteLogitsError",
    "TokenizerMismatchError",
    "UnknownMethodError",
    "UnsupportedModelError",
]


class DecodingError(Exception):
    """Root of every error that decoding raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt from what it says, whatever its class is made of: so it reaches the caller of another process.
        return _again, (type(self), self.args), self.__dict__


class ModelFileError(DecodingError):
    """The model file cannot be read."""


class UnsupportedModelError(ModelFileError):
    """The file is sound, but describes a model that this engine cannot run."""


class ContextOverflowError(DecodingError):
    """The tokens do not fit into the model's context.

    Attributes
    ----------
    num_tokens : int
        Tokens that were to be held.
    limit : int
        Tokens that the context can hold.
    """

    def __init__(self, num_tokens: int, limit: int) -> None:
        self.num_tokens = num_tokens
        self.limit = limit
        super().__init__(
            f"{num_tokens} tokens do not fit into the context of {limit}: shorten the input or ask for fewer new tokens"
        )


class CacheFullError(DecodingError):
    """The memory for keys and values has no room for a sequence.

    Attributes
    ----------
    num_tokens : int
        Room that was asked for, in tokens.
    num_free : int
        What was left.
    limit : int
        What there is.
    """

    def __init__(self, num_tokens: int, num_free: int, limit: int) -> None:
        self.num_tokens = num_tokens
        self.num_free = num_free
        self.limit = limit
        super().__init__(
            f"no room for {num_tokens} more tokens: {num_free} of {limit} are free: "
            "let sequences finish or release their caches, or load the model with more cache_bytes"
        )


class ConstraintError(DecodingError):
    """A schema or grammar cannot be compiled, or was violated."""


class GenerationCancelled(DecodingError):  # noqa: N818 - control flow, not a failure
    """The caller's cancel signal was set between two tokens."""


class NonFiniteLogitsError(DecodingError):
    """The model produced scores that are not numbers."""


class TokenizerMismatchError(DecodingError):
    """Two models that are to work on the same tokens have different vocabularies."""


class UnknownMethodError(DecodingError):
    """No method has the name asked for.

    Attributes
    ----------
    name : str
        What was asked for.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"unknown speculation method {name!r}: use {', '.join(sorted(known))}")


def _again(kind: type[DecodingError], args: tuple[Any, ...]) -> DecodingError:
    """Make an error anew without asking its class for anything."""
    return kind.__new__(kind, *args)
