"""Cut a stream of reasoning into sentences, the same ones however the stream is chunked."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SENTENCE = 2000
"""Characters after which a sentence without any boundary is cut (loops without punctuation)."""

_LOOK_AHEAD = 12
_TOKEN = re.compile(
    r"(?P<display>\\\[|\$\$)"
    r"|(?P<stop>(?<=[.?!])[\"')*\]]{0,4}\s{1,8}(?=[A-Z0-9\\$\"(*\[]))"
    r"|(?P<cjk>(?<=[。？！]))"
    r"|(?P<line>\n\s{0,8})"
)
_LIST_NUMBER = re.compile(r"\s*\W{0,3}\d{1,2}\.\Z")
_CLOSE = {"\\[": "\\]", "$$": "$$"}
_MAX_DISPLAY = 1500


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with its place in the stream.

    Attributes
    ----------
    text : str
        The sentence without surrounding white space.
    start, end : int
        Character offsets in the whole stream; white space around is outside.
    ends_paragraph : bool
        Whether an empty line (or the end of the stream) follows.
    """

    text: str
    start: int
    end: int
    ends_paragraph: bool


class SentenceSplitter:
    r"""Split at ``[.?!]`` before a capital, digit or backslash, and at newlines.

    A display-maths block belongs to the sentence before it. A boundary is used only once enough of what follows
    has arrived to be sure of it, so the sentences do not depend on the chunks.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._base = 0

    def push(self, text: str) -> list[Sentence]:
        """Add text and return the sentences that are now complete."""
        self._buffer += text
        return self._drain(final=False)

    def finish(self) -> list[Sentence]:
        """Return what is left as the last sentences."""
        return self._drain(final=True)

    @property
    def pending(self) -> str:
        """The text after the last complete sentence."""
        return self._buffer

    @property
    def pending_start(self) -> int:
        """The offset of `pending` in the stream."""
        return self._base

    def _drain(self, *, final: bool) -> list[Sentence]:
        done: list[Sentence] = []
        while self._buffer:
            boundary = _boundary(self._buffer, final=final)
            if boundary is None:
                break
            end, resume = boundary
            sentence = self._take(end, resume)
            if sentence.text:
                done.append(sentence)
        return done

    def _take(self, end: int, resume: int) -> Sentence:
        raw = self._buffer[:end]
        lead = len(raw) - len(raw.lstrip())
        text = raw.strip()
        gap = self._buffer[end:resume]
        ends = gap.count("\n") > 1 or resume >= len(self._buffer)
        start = self._base + lead
        self._buffer = self._buffer[resume:]
        self._base += resume
        return Sentence(text, start, start + len(text), ends)


def _boundary(text: str, *, final: bool) -> tuple[int, int] | None:
    """Return (end of the sentence, start of the next), or None while undecided."""
    position = 0
    known = len(text) if final else len(text) - _LOOK_AHEAD
    while True:
        found = _TOKEN.search(text, position)
        if found is None or found.start() > MAX_SENTENCE:
            if len(text) > MAX_SENTENCE + 2 * _LOOK_AHEAD:
                cut = max(MAX_SENTENCE, position)
                return (cut, cut) if cut <= known else None
            return (len(text), len(text)) if final and found is None else None
        if found.end() > known and not final:
            return None
        if found.group("display"):
            closing = _CLOSE[found.group()]
            close = text.find(closing, found.end(), found.end() + _MAX_DISPLAY)
            if close < 0 and len(text) < found.end() + _MAX_DISPLAY and not final:
                return None
            position = close + 2 if close >= 0 else found.end()
            continue
        end = found.start()
        if not text[:end].strip() or text.startswith(("\\[", "$$"), found.end()):
            position = max(found.end(), position + 1)
            continue
        if found.group("stop") and _LIST_NUMBER.fullmatch(text[:end]):
            position = found.end()
            continue
        resume = found.end()
        if found.group("stop"):
            end += len(found.group("stop").rstrip())
        return end, max(resume, 1)
