"""What can go wrong while decoding.

::

    DecodingError
    ├── ModelFileError            the file is missing, truncated or no GGUF
    │   └── UnsupportedModelError a readable file that this engine cannot run
    ├── ContextOverflowError      more tokens than the model's context holds
    ├── ConstraintError           a schema or grammar that cannot be enforced
    ├── GenerationCancelled       the caller asked to stop (control flow, no failure)
    └── NonFiniteLogitsError      the model produced NaN or infinite scores
"""

from __future__ import annotations

__all__ = [
    "ConstraintError",
    "ContextOverflowError",
    "DecodingError",
    "GenerationCancelled",
    "ModelFileError",
    "NonFiniteLogitsError",
    "UnsupportedModelError",
]


class DecodingError(Exception):
    """Root of every error that decoding raises on purpose."""


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


class ConstraintError(DecodingError):
    """A schema or grammar cannot be compiled, or was violated."""


class GenerationCancelled(DecodingError):  # noqa: N818 - control flow, not a failure
    """The caller's cancel signal was set between two tokens."""


class NonFiniteLogitsError(DecodingError):
    """The model produced scores that are not numbers."""
