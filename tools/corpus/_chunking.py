"""Cutting a document into passages whose offsets point into its snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentcore.tools.corpus._documents import Document, Passage

__all__ = ["chunk"]

TARGET_CHARACTERS = 800
_PARAGRAPH = re.compile(r"\S(?:.*?)(?=\n[ \t]*\n|\Z)", re.DOTALL)
# A sentence ends at . ! ? (and their full-width forms) with closing quotes, before white space.
_SENTENCE_END = re.compile(r"(?:[.!?]['\"”’)\]]*(?=\s)|[。！？]['\"”’）】]*)\s*")
_WORD_END = re.compile(r"\s+")

Span = tuple[int, int]


def chunk(document: Document, *, target: int = TARGET_CHARACTERS) -> list[Passage]:
    """Cut a document at paragraphs, at sentences where a paragraph is too long, at words where a sentence is.

    Short neighbouring paragraphs are joined. No passage overlaps another, so that a sentence is evidence once. A
    first line that only repeats the title is left out: stores put the title in front of every passage.

    Parameters
    ----------
    document : Document
        What to cut.
    target : int
        No passage is longer, in characters. The default is about what the packaged embedder reads at once
        (256 word pieces).

    Returns
    -------
    list of Passage
        In the order of the text; empty for a document of white space.

    Raises
    ------
    ValueError
        The target is below one character.
    """
    if target < 1:
        raise ValueError(f"target must be at least 1 character, got {target}")
    text = document.text
    spans = _join(_pieces(text, _title_end(document), target), target)
    return [
        Passage(
            text=text[start:end],
            title=document.title,
            source=document.source,
            start=start,
            end=end,
            sha256=document.sha256,
        )
        for start, end in spans
    ]


def _title_end(document: Document) -> int:
    """Return where the text goes on after a first line that is the title, if anything does."""
    first, newline, rest = document.text.partition("\n")
    if newline and rest.strip() and first.strip().casefold() == document.title.strip().casefold():
        return len(first)
    return 0


def _pieces(text: str, begin: int, target: int) -> Iterator[Span]:
    """Yield paragraphs, sentences or words, each at most `target` long."""
    for match in _PARAGRAPH.finditer(text, begin):
        start, end = match.start(), match.start() + len(match[0].rstrip())
        if end - start <= target:
            yield start, end
        else:
            yield from _split(text, start, end, target)


def _split(text: str, start: int, end: int, target: int) -> Iterator[Span]:
    """Cut a long span into runs of sentences of about equal length, and long sentences at words."""
    while end - start > target:
        # Even parts read better than a full one and a crumb.
        parts = -(-(end - start) // target)
        cut = _last_cut(text, start, start + target, wanted=start + (end - start) // parts)
        yield start, start + len(text[start:cut].rstrip())
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        yield start, end


def _last_cut(text: str, start: int, limit: int, *, wanted: int) -> int:
    """Return the best place to cut in (start, limit]: the sentence end nearest to `wanted`, else a word's."""
    for boundary in (_SENTENCE_END, _WORD_END):
        cuts = [match.end() for match in boundary.finditer(text, start, limit) if match.end() > start + 1]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - wanted))
    return limit


def _join(pieces: Iterator[Span], target: int) -> list[Span]:
    """Join neighbours while they stay within the target."""
    joined: list[Span] = []
    for start, end in pieces:
        if joined and end - joined[-1][0] <= target:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
