"""What the reader reads: passages of documents, and the searches they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Encoder", "Passage", "PassageHit", "Searchable"]

Vectors = npt.NDArray[np.float32]


class PassageHit(Protocol):
    """A passage as a corpus returns it."""

    @property
    def text(self) -> str:
        """What the passage says."""

    @property
    def title(self) -> str:
        """The document's title."""

    @property
    def source(self) -> str:
        """Where the document lies."""

    @property
    def start(self) -> int:
        """Where the passage begins in the snapshot."""

    @property
    def end(self) -> int:
        """Where it ends."""

    @property
    def sha256(self) -> str:
        """Hash of the snapshot."""

    @property
    def score(self) -> float:
        """How well it fits the query."""

    @property
    def signals(self) -> Mapping[str, float]:
        """What the score was made of: at least ``dense`` and ``lexical`` z-scores."""


class Searchable(Protocol):
    """Anything that finds passages and keeps the documents they were cut from."""

    def search(self, query: str, limit: int = ...) -> Sequence[PassageHit]:
        """Return the best passages, best first, with ``signals`` ``dense`` and ``lexical`` (z-scores)."""

    def snapshot(self, sha256: str) -> str:
        """Return the text of the document with that hash, as it was read."""


class Encoder(Protocol):
    """The part of an embedder that the reader needs."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Return ``pooled`` (N, D) unit rows and ``tokens``: each with ``pieces`` and their ``vectors`` (T, D)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document.

    Attributes
    ----------
    text, title, source : str
        What it says, the document's title, and where the document lies.
    start, end : int
        Offsets into the document's snapshot.
    sha256 : str
        Hash of the snapshot.
    dense, lexical : float
        How well it fits the question: z-scores over the corpus.
    signals : mapping
        Everything else the search reported.
    """

    text: str
    title: str
    source: str
    start: int
    end: int
    sha256: str
    dense: float = 0.0
    lexical: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes a passage the same passage."""
        return (self.sha256, self.start, self.end)

    @property
    def score(self) -> float:
        """Mean of the z-scores: dense, lexical and, where the search has it, word pieces (``tokens``)."""
        values = [self.dense, self.lexical]
        if "tokens" in self.signals:
            values.append(self.signals["tokens"])
        return sum(values) / len(values)

    @classmethod
    def of(cls, hit: PassageHit) -> Passage:
        """Take over a corpus's hit."""
        signals = hit.signals
        return cls(
            hit.text,
            hit.title,
            hit.source,
            hit.start,
            hit.end,
            hit.sha256,
            float(signals.get("dense", hit.score)),
            float(signals.get("lexical", hit.score)),
            dict(signals),
        )
