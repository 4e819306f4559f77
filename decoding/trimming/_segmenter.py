"""Cut a stream of reasoning into thoughts at reflection cues, the same ones however the stream is chunked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentcore.decoding.trimming._config import TrimmingConfig

CUES = (
    "Wait", "But", "Alternatively", "Hmm", "However", "Hold on", "Actually", "Let me double-check", "Let me check", "Let me verify",
    "Another way", "Another approach", "Maybe I", "Is there another", "On second thought", "Okay, but", "Let's check", "Let me re",
    "等等", "等一下", "但是", "不过", "或者", "另外", "嗯", "让我再", "再检查", "换一种", "换个思路", "其实",
)  # fmt: skip
"""Reflection tokens that open a thought at the start of a paragraph (after arXiv 2505.17155 section 3.1, whose full list is not public)."""

_PREFIX = 32
_CUE = re.compile(
    r"\s*[*#>\"'(-]{0,3}\s?(?:"
    + "|".join(re.escape(cue) for cue in CUES if cue.isascii())
    + r")\b|\s*(?:"
    + "|".join(cue for cue in CUES if not cue.isascii())
    + ")"
)
_FENCE = re.compile(r"\s*(?:```|~~~)")


@dataclass(frozen=True, slots=True)
class Thought:
    """A stretch of reasoning between two reflection cues; `start` and `end` are character offsets in the stream."""

    text: str
    start: int
    end: int


class ThoughtSegmenter:
    """Split before each paragraph that opens with a reflection cue, outside code fences.

    A thought shorter than `TrimmingConfig.min_thought_tokens` joins the one before it. A line is judged by its first
    32 characters, so a thought is handed out as soon as its successor is long enough to stand alone.
    """

    def __init__(self, config: TrimmingConfig | None = None) -> None:
        config = config or TrimmingConfig()
        self._shortest = int(config.min_thought_tokens * config.characters_per_token)
        self._text = ""
        self._scan = 0
        self._judged = False
        self._blank = True
        self._in_fence = False
        self._held: int | None = None
        self._open = 0

    def push(self, text: str) -> list[Thought]:
        """Add text and return the thoughts that are now complete."""
        self._text += text
        return self._advance(final=False)

    def finish(self) -> list[Thought]:
        """Return the thoughts that are left."""
        done = self._advance(final=True)
        end = len(self._text)
        if self._held is not None and end - self._open >= self._shortest:
            done.append(self._cut(self._held, self._open))
            self._held = None
        start = self._open if self._held is None else self._held
        self._open, self._held = end, None
        return [*done, self._cut(start, end)] if self._text[start:].strip() else done

    def _advance(self, *, final: bool) -> list[Thought]:
        done: list[Thought] = []
        while True:
            line_end = self._text.find("\n", self._scan)
            if not self._judged:
                if line_end < 0 and not final and len(self._text) - self._scan < _PREFIX:
                    break
                head_end = self._scan + _PREFIX if line_end < 0 else min(line_end, self._scan + _PREFIX)
                done += self._line(self._text[self._scan : head_end], self._scan)
                self._judged = True
            if line_end < 0:
                break
            self._scan, self._judged = line_end + 1, False
        return done + self._hand_out()

    def _line(self, head: str, offset: int) -> list[Thought]:
        """Judge one line by its head."""
        starts_paragraph, self._blank = self._blank, not head.strip()
        if _FENCE.match(head):
            self._in_fence = not self._in_fence
            return []
        if self._in_fence or not starts_paragraph or offset == 0 or not _CUE.match(head):
            return []
        done: list[Thought] = []
        if self._held is None:
            self._held = self._open
        elif offset - self._open >= self._shortest:
            done.append(self._cut(self._held, self._open))
            self._held = self._open
        self._open = offset
        return done

    def _hand_out(self) -> list[Thought]:
        """Hand out the held thought once its successor cannot be merged into it any more."""
        known = len(self._text) if self._judged else self._scan
        if self._held is None or known - self._open < self._shortest:
            return []
        thought = self._cut(self._held, self._open)
        self._held = None
        return [thought]

    def _cut(self, start: int, end: int) -> Thought:
        return Thought(self._text[start:end], start, end)
