"""Messages between models and tools: reasoning, tool calls in text, and their repair."""

from __future__ import annotations

from agentcore.messages._reasoning import THINK_TAGS, ReasoningSplitter, split_reasoning

__all__ = ["THINK_TAGS", "ReasoningSplitter", "split_reasoning"]
