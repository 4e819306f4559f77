"""What the harness asks of an engine under test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["Engine", "EngineUnavailableError", "Found", "TextForm"]

TextForm = Literal["document", "turn"]
"""Which text an engine's vectors are made from: `Item.document`, or the store's own composition of the fields."""


class EngineUnavailableError(RuntimeError):
    """A peer's package is not installed or cannot run here."""

    def __init__(self, engine: str, *, reason: str, cure: str = "install 'agentcore-runtime[bench]'") -> None:
        self.engine = engine
        super().__init__(f"engine {engine!r} cannot run: {reason}; {cure}")


@dataclass(frozen=True, slots=True)
class Found:
    """A search's outcome.

    Attributes
    ----------
    ids : tuple of str
        Item ids, best first.
    score : float
        How sure the engine is that the first fits; higher is surer.
    rows_scored : int or None
        Rows the engine looked at one by one, where it tells.
    route : str or None
        How it searched, where it tells.
    """

    ids: tuple[str, ...]
    score: float
    rows_scored: int | None = None
    route: str | None = None


class Engine(Protocol):
    """A store under test. Embedding is never part of what is timed: vectors are handed over."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    @property
    def form(self) -> TextForm:
        """Which text its vectors are made from."""
        ...

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Append items to a partition; the next search finds them."""
        ...

    def finish(self) -> None:
        """Build what is put off until the first search; again is harmless."""
        ...

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:
        """Search one partition."""
        ...

    def remove(self, partition: str) -> None:
        """Forget a partition."""
        ...

    def reopen(self) -> bool:
        """Close and open the files again, as a new process would; False where nothing is kept in files."""
        ...

    def size_bytes(self) -> int | None:
        """Return bytes on disk; None where it keeps nothing there."""
        ...

    def close(self) -> None:
        """Release files and memory."""
        ...
