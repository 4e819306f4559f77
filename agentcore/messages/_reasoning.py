"""Telling a model's reasoning from its answer when both come in one text.

Many open models think first, between ``<think>`` and ``</think>``, and answer after it. Only a tag at the very
start of the text counts: a later one is text that the model quotes.
"""

from __future__ import annotations

from typing import Literal

THINK_TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
)

Kind = Literal["reasoning", "text"]

__all__ = ["THINK_TAGS", "ReasoningSplitter", "split_reasoning"]


class ReasoningSplitter:
    """Splits a stream of text into reasoning and answer, also where a tag is cut by a chunk's border.

    Parameters
    ----------
    starts_inside : bool
        The prompt ended with the opening tag, as the templates of some models do, so that the text begins
        with reasoning and only the closing tag will come.
    """

    def __init__(self, *, starts_inside: bool = False) -> None:
        self._closing: tuple[str, ...] = tuple(close for _, close in THINK_TAGS) if starts_inside else ()
        self._state: Literal["start", "inside", "after", "answer"] = "inside" if starts_inside else "start"
        self._held = ""
        self._is_fresh = True  # no reasoning was given out yet: line breaks after the tag are dropped

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Take the next piece and return what is certain by now, in order; pieces are never empty."""
        self._held += text
        pieces: list[tuple[Kind, str]] = []
        if self._state == "start":
            self._open()
        if self._state == "inside":
            self._read_inside(pieces)
        if self._state == "after":
            self._held = self._held.lstrip()
            if self._held:
                self._state = "answer"
        if self._state == "answer" and self._held:
            pieces.append(("text", self._held))
            self._held = ""
        return pieces

    def finish(self) -> list[tuple[Kind, str]]:
        """Return what is still held back at the end of the stream."""
        kind: Kind = "reasoning" if self._state == "inside" else "text"
        held, self._held = self._held, ""
        return [(kind, held)] if held and self._state != "after" else []

    def _open(self) -> None:
        """Decide whether the text begins with an opening tag; stay undecided while it still may."""
        begin = self._held.lstrip()
        for opening, closing in THINK_TAGS:
            if begin.startswith(opening):
                self._held = begin[len(opening) :]
                self._closing = (closing,)
                self._state = "inside"
                return
        if not any(opening.startswith(begin) for opening, _ in THINK_TAGS):
            self._state = "answer"

    def _read_inside(self, pieces: list[tuple[Kind, str]]) -> None:
        """Move reasoning out of the held text, up to the closing tag or to where one may begin."""
        if self._is_fresh:
            self._held = self._held.lstrip("\n")
        found = [(at, tag) for tag in self._closing if (at := self._held.find(tag)) >= 0]
        if found:
            at, tag = min(found)
            thought, self._held = self._held[:at], self._held[at + len(tag) :]
            self._state = "after"
        else:
            keep = max(_overlap(self._held, tag) for tag in self._closing)
            cut = len(self._held) - keep
            thought, self._held = self._held[:cut], self._held[cut:]
        if thought:
            self._is_fresh = False
            pieces.append(("reasoning", thought))


def split_reasoning(text: str, *, starts_inside: bool = False) -> tuple[str, str]:
    """Return (reasoning, answer) of a finished text; either may be empty."""
    splitter = ReasoningSplitter(starts_inside=starts_inside)
    pieces = splitter.feed(text) + splitter.finish()
    reasoning = "".join(piece for kind, piece in pieces if kind == "reasoning")
    return reasoning.strip(), "".join(piece for kind, piece in pieces if kind == "text")


def _overlap(text: str, tag: str) -> int:
    """Return the length of the longest end of the text with which the tag may begin."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0)
