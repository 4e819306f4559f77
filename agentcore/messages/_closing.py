"""Making a list of messages one that every server takes.

Cancelling, shortening and summarising leave tool calls without answers and answers without calls; servers
refuse both, for ever after.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

CLOSED = "This call was ended before it gave a result."

__all__ = ["CLOSED", "close_dangling_calls"]


def close_dangling_calls(messages: Sequence[BaseMessage], *, text: str = CLOSED) -> list[BaseMessage]:
    """Return the messages with each call answered exactly once, right behind its message.

    An answer belongs to the nearest call of its id before it that has none yet; one that stands too far behind
    is moved up, one without a call is left out, a second one too. Calls without an answer get an error. A list
    that is valid already comes back equal.

    Parameters
    ----------
    messages : sequence of BaseMessage
        The conversation; not modified.
    text : str
        What an unanswered call is answered with.
    """
    answers: list[dict[str, ToolMessage]] = [{} for _ in messages]
    for position, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            owner = _owner(messages, answers, position, message.tool_call_id)
            if owner is not None:
                answers[owner][message.tool_call_id] = message
    closed: list[BaseMessage] = []
    for message, found in zip(messages, answers, strict=True):
        if isinstance(message, ToolMessage):
            continue
        closed.append(message)
        if isinstance(message, AIMessage):
            closed += _answers_of(message, found, text)
    return closed


def _owner(
    messages: Sequence[BaseMessage], answers: Sequence[dict[str, ToolMessage]], position: int, identity: str
) -> int | None:
    """Return where the call stands that a tool message answers."""
    for index in range(position - 1, -1, -1):
        message = messages[index]
        if isinstance(message, AIMessage) and identity in _ids(message) and identity not in answers[index]:
            return index
    return None


def _ids(message: AIMessage) -> list[str]:
    """Return the ids of a message's calls, unreadable ones included."""
    return [str(call["id"]) for call in (*message.tool_calls, *message.invalid_tool_calls) if call["id"]]


def _answers_of(message: AIMessage, found: dict[str, ToolMessage], text: str) -> list[ToolMessage]:
    """Return the answers of one message in the order of its calls."""
    answers = list(dict.fromkeys(_ids(message)))
    readable = {str(call["id"]): call["name"] for call in message.tool_calls}
    return [
        found.get(i) or ToolMessage(text, tool_call_id=i, name=readable[i], status="error")
        for i in answers
        if i in found or i in readable
    ]
