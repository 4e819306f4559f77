"""Citations: spans of stored snapshots, and whether they still say what was quoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agentcore.workflow.reading.passages import Passage

__all__ = ["Citation", "Claim", "cite", "is_valid"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A span that was really read.

    Attributes
    ----------
    number : int
        As it stands in brackets in the report, counted from 1.
    title, source : str
        The document's title and where it lies.
    sha256 : str
        Hash of the snapshot.
    start, end : int
        Offsets into the snapshot.
    quote : str
        ``snapshot[start:end]``.
    """

    number: int
    title: str
    source: str
    sha256: str
    start: int
    end: int
    quote: str

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer, the citations that carry it, and what they do not support in it.

    Attributes
    ----------
    text : str
        The sentence.
    citations : tuple of int
        Numbers of the citations.
    is_supported : bool
        Whether the check found nothing against it.
    problems : tuple of str
        What the cited spans do not support.
    """

    text: str
    citations: tuple[int, ...]
    is_supported: bool
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "citations": list(self.citations), "problems": list(self.problems)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Claim:
        """Read what :meth:`as_dict` wrote."""
        return cls(
            values["text"], tuple(values["citations"]), values["is_supported"], tuple(values["problems"])
        )


def cite(spans: Sequence[tuple[Passage, int, int]], snapshot: Callable[[str], str]) -> tuple[Citation, ...]:
    """Make citations of spans of documents, each quoted from its snapshot, numbered from 1.

    Parameters
    ----------
    spans : sequence of (passage, start, end)
        Offsets into the snapshot of the passage's document.
    snapshot : callable
        Returns the stored text of a hash.
    """
    return tuple(
        Citation(
            number,
            passage.title,
            passage.source,
            passage.sha256,
            start,
            end,
            snapshot(passage.sha256)[start:end],
        )
        for number, (passage, start, end) in enumerate(spans, start=1)
    )


def is_valid(citation: Citation, snapshot: Callable[[str], str]) -> bool:
    """Tell whether the snapshot is there and says at the span exactly what was quoted."""
    try:
        text = snapshot(citation.sha256)
    except (LookupError, OSError, ValueError):
        return False
    return bool(citation.quote) and text[citation.start : citation.end] == citation.quote
