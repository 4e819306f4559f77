"""What speculation needs of a model, so that a toy model can stand where a real one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from torch import Tensor

__all__ = ["Target"]


class Target(Protocol):
    """The part of `LanguageModel` that verifies drafts, or makes them.

    Its caches have a `length`, `truncate(length)` and `release()`.
    """

    @property
    def spec(self) -> Any:
        """Shapes; `context_length` and `vocabulary_size` are read."""
        ...

    @property
    def tokenizer(self) -> Any:
        """Vocabulary; `eos_ids`, `stream()` and `token_bytes(id)` are read."""
        ...

    @property
    def num_others(self) -> int:
        """Sequences that the next forward will probably be shared with."""
        ...

    def new_cache(self, capacity: int = 256, *, cancel: Any = None) -> Any:
        """Return an empty cache, as soon as there is room for it."""
        ...

    def prefill(self, ids: Sequence[int], cache: Any, *, cancel: Any = None) -> Tensor:
        """Run a prompt and return the scores after it, (1, V); `cancel` ends it on the way."""
        ...

    def forward(
        self, ids: Sequence[int], cache: Any, *, rows: Literal["last", "all", "none"] = "last"
    ) -> Tensor:
        """Run new tokens and return the scores after each (all), the last or none of them."""
        ...
