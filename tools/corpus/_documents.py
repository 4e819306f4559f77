"""The values of a corpus: documents as they were read, and passages cut out of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Document", "Passage", "PassageHit", "text_digest"]


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file (or of one entry of a JSON collection) as it was read.

    Attributes
    ----------
    source : str
        The file's path below the corpus folder; an entry of a collection adds ``#number``.
    title : str
        From the document itself where it has one, else from its name.
    text : str
        The snapshot that citations point into.
    sha256 : str
        Of the text in UTF-8.
    media_type : str
        Of the file.
    """

    source: str
    title: str
    text: str
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a snapshot: ``snapshot(sha256)[start:end] == text``.

    Attributes
    ----------
    start, end : int
        Code points in the snapshot.
    sha256 : str
        Which snapshot.
    """

    text: str
    title: str
    source: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PassageHit(Passage):
    """A passage that a search returned.

    Attributes
    ----------
    score : float
        As the store gives it, higher is better.
    signals : mapping of str to float
        The parts of the score; at least ``dense`` and ``lexical`` z-scores over the corpus.
    """

    score: float
    signals: Mapping[str, float] = field(default_factory=dict)


def text_digest(text: str) -> str:
    """Return the sha256 under which a snapshot is kept."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
