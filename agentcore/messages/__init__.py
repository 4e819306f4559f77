"""Messages between models and tools: reasoning, tool calls in text, their repair, and valid conversations."""

from __future__ import annotations

from agentcore.messages._calls import ReadMessage, find_calls, is_told_problem, read_message, tell_problems
from agentcore.messages._closing import close_dangling_calls
from agentcore.messages._found import FoundCalls, WrittenCall
from agentcore.messages._notices import is_from_user, notice
from agentcore.messages._reasoning import ReasoningSplitter, split_reasoning
from agentcore.messages._repair import RepairedCall, Schemas, repair_call
from agentcore.messages._surrogates import SurrogateJoiner, join_surrogates

__all__ = [
    "FoundCalls",
    "ReadMessage",
    "ReasoningSplitter",
    "RepairedCall",
    "Schemas",
    "SurrogateJoiner",
    "WrittenCall",
    "close_dangling_calls",
    "find_calls",
    "is_from_user",
    "is_told_problem",
    "join_surrogates",
    "notice",
    "read_message",
    "repair_call",
    "split_reasoning",
    "tell_problems",
]
