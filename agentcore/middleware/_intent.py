"""Which action a model intends: the thought of an agent's step, as trimming counts it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agentcore.decoding.trimming import SentenceSplitter

__all__ = ["ActionCounter", "intended_action", "tool_names"]

_INTENT = re.compile(
    r"\b(?:i(?:'ll| will| should| need to| must| can| could| have to| want to|'m going to| am going to)|let me|let's|"
    r"next step is to|first step is to|best to|going to)\b|我(?:应该|需要|要|会|可以)|让我",
    re.I,
)
_REFUSAL = re.compile(
    r"\b(?:not|don't|shouldn't|cannot|can't|without|instead of|no need)\b|不(?:要|用|需要|应该)", re.I
)
_QUOTED = re.compile(r"[\"'“‘「`](?P<argument>[^\"'”’」`\n]{1,120})[\"'”’」`]")
_WORDS = re.compile(r"[\w-]+")


def tool_names(tools: Sequence[Any]) -> frozenset[str]:
    """Return the names of tools in any of LangChain's forms."""
    return frozenset(filter(None, map(_name, tools)))


def intended_action(sentence: str, names: frozenset[str]) -> tuple[str, str] | None:
    """Return (tool, argument) of a sentence that announces the use of a tool, None for any other.

    Parameters
    ----------
    sentence : str
        One sentence of a model's reasoning.
    names : frozenset of str
        The tools that may be called; a name counts as said with spaces for its underscores, too.
    """
    if not _INTENT.search(sentence) or _REFUSAL.search(sentence):
        return None
    lowered = sentence.casefold()
    for name in sorted(names, key=len, reverse=True):
        spoken = name.casefold().replace("_", " ")
        if re.search(rf"(?<!\w)(?:{re.escape(name.casefold())}|{re.escape(spoken)})(?!\w)", lowered):
            quoted = _QUOTED.search(sentence)
            argument = (
                quoted["argument"]
                if quoted
                else lowered.partition(spoken)[2] or lowered.partition(name.casefold())[2]
            )
            return name, " ".join(_WORDS.findall(argument.casefold()))[:80]
    return None


class ActionCounter:
    """Counts equal intended actions in a row while a model's reasoning streams by.

    Each announcement of an action is a thought of an agent (arXiv 2505.17155 applied to acting): `agreements` + 1 equal ones in a row
    are over-thinking, and the act should follow.
    """

    def __init__(self, names: frozenset[str], *, agreements: int = 2) -> None:
        self._names = names
        self._needed = agreements + 1
        self._splitter = SentenceSplitter()
        self._last: tuple[str, str] | None = None
        self.count = 0

    @property
    def action(self) -> tuple[str, str] | None:
        """The action intended last."""
        return self._last

    def push(self, text: str) -> bool:
        """Add text; return whether the same action has now been intended often enough."""
        return self._judge([sentence.text for sentence in self._splitter.push(text)])

    def end_turn(self) -> bool:
        """Take in what is left of a turn."""
        return self._judge([sentence.text for sentence in self._splitter.finish()])

    def _judge(self, sentences: Sequence[str]) -> bool:
        for sentence in sentences:
            action = intended_action(sentence, self._names) if self._names else None
            if action is not None:
                self.count = self.count + 1 if action == self._last else 1
                self._last = action
                if self.count >= self._needed:
                    return True
        return False


def _name(tool: Any) -> str:
    """Return one tool's name."""
    if isinstance(tool, Mapping):
        inner = tool.get("function", tool)
        return str(inner.get("name", "")) if isinstance(inner, Mapping) else ""
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))
