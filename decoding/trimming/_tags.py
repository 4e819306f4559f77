"""Split streamed text into thinking and answer at think tags, however the tags are cut into pieces."""

from __future__ import annotations

import re
from typing import Literal

_OPEN = ("<think>", "<thinking>", "<|thinking|>", "◁think▷")
_CLOSE = ("</think>", "</thinking>", "<|/thinking|>", "◁/think▷")
_LONGEST = max(map(len, (*_OPEN, *_CLOSE)))

Part = tuple[str, Literal["thinking", "answer"]]


class TagSplitter:
    """Follow one reply; text outside tags is the answer, inside it is thinking, the tags themselves are dropped.

    Parameters
    ----------
    thinking : bool
        False when the thinking is over: tags are then still dropped, but open nothing.
    opened : bool
        Whether the reply begins inside the thinking, as where the prompt's template has opened it.
    """

    def __init__(self, *, thinking: bool = True, opened: bool = False) -> None:
        self._may_think = thinking
        self._is_thinking = opened
        self._pending = ""

    @property
    def is_thinking(self) -> bool:
        """Whether the text that comes next is thinking."""
        return self._is_thinking

    def push(self, text: str) -> list[Part]:
        """Add text; return what can be told apart by now."""
        self._pending += text
        return self._split(final=False)

    def finish(self) -> list[Part]:
        """Return what was held back as a possible tag."""
        return self._split(final=True)

    def _split(self, *, final: bool) -> list[Part]:
        parts: list[Part] = []
        while True:
            found = _TAG.search(self._pending)
            if found is None:
                break
            self._emit(parts, self._pending[: found.start()])
            self._is_thinking = self._may_think and found.group() in _OPEN
            self._pending = self._pending[found.end() :]
        held = 0 if final else _possible_tag(self._pending)
        self._emit(parts, self._pending[: len(self._pending) - held])
        self._pending = self._pending[len(self._pending) - held :]
        return parts

    def _emit(self, parts: list[Part], text: str) -> None:
        if text:
            parts.append((text, "thinking" if self._is_thinking else "answer"))


_TAG = re.compile("|".join(map(re.escape, (*_OPEN, *_CLOSE))))


def _possible_tag(text: str) -> int:
    """Return how many characters at the end may begin a tag."""
    for length in range(min(_LONGEST - 1, len(text)), 0, -1):
        tail = text[-length:]
        if any(tag.startswith(tail) for tag in (*_OPEN, *_CLOSE)):
            return length
    return 0
