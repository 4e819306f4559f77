"""The tool calls of a whole message: those of the protocol, those in its text, and what is wrong with them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.messages.tool import tool_call

from agentcore.messages._found import FoundCalls, WrittenCall
from agentcore.messages._repair import RepairedCall, Schemas, repair_call
from agentcore.messages._tagged_calls import find_tagged_calls
from agentcore.messages._untagged_calls import find_untagged_calls

_UNUSABLE = "unusable_tool_call"

__all__ = ["ReadMessage", "find_calls", "is_told_problem", "read_message", "tell_problems"]


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A model's message with every call either usable or explained.

    Attributes
    ----------
    message : AIMessage
        All calls are in `tool_calls`, each with an id; one that cannot be used has its text as its only
        argument, and must be answered by an error and not be run.
    calls : tuple of RepairedCall
        The same calls in the same order.
    """

    message: AIMessage
    calls: tuple[RepairedCall, ...]

    @property
    def problems(self) -> dict[str, str]:
        """Why a call cannot be used, by its id."""
        ids = (str(call["id"]) for call in self.message.tool_calls)
        return {i: call.problem for i, call in zip(ids, self.calls, strict=True) if call.problem}


def find_calls(text: str, names: Collection[str]) -> FoundCalls:
    """Return the calls in a model's text: between marks, or else at its end without them."""
    found = find_tagged_calls(text)
    return found if found.calls else find_untagged_calls(text, names)


def read_message(message: AIMessage, schemas: Schemas, *, ignore: Collection[str] = ()) -> ReadMessage:
    """Read and repair every call of a message.

    Calls in the text are looked for only if the message has none of its own.

    Parameters
    ----------
    message : AIMessage
        What the model said; not modified.
    schemas : mapping of str to mapping
        JSON Schema of the arguments by tool; an empty one takes anything.
    ignore : collection of str
        Names that are called as they are, such as tools that stand for a structured answer.
    """
    written = _native_calls(message)
    content = message.content
    if not written:
        found = find_calls(message.text, schemas)
        written = list(found.calls)
        content = _with_text(message, found.text) if written else content
    repaired: list[RepairedCall] = []
    for call in written:
        if call.name in ignore and isinstance(call.payload, Mapping):
            repaired.append(RepairedCall(call, call.name or "", call.payload))
        else:
            repaired += repair_call(call, schemas)
    calls = _as_tool_calls(repaired)
    update = {"content": content, "tool_calls": calls, "invalid_tool_calls": []}
    if not repaired:
        return ReadMessage(message, ())
    kept = {key: value for key, value in message.additional_kwargs.items() if key != "tool_calls"}
    return ReadMessage(message.model_copy(update={**update, "additional_kwargs": kept}), tuple(repaired))


def tell_problems(read: ReadMessage, schemas: Schemas, *, only_unusable: bool = False) -> list[ToolMessage]:
    """Return the tool messages that tell the model what is wrong with its calls.

    Parameters
    ----------
    read : ReadMessage
        A message with a problem.
    schemas : mapping
        The tools, for the form of the right call.
    only_unusable : bool
        Answer the unusable calls only, because the others are run. Else those are told to be repeated.
    """
    answers = []
    for call, repaired in zip(read.message.tool_calls, read.calls, strict=True):
        if repaired.is_usable and only_unusable:
            continue
        text = (
            "Not run, because another call of the same message could not be used. Write it again as it was."
            if repaired.is_usable
            else f"This call could not be used: {repaired.problem}. {_right_form(repaired, schemas)}"
        )
        answers.append(
            ToolMessage(
                text,
                tool_call_id=str(call["id"]),
                name=call["name"],
                status="error",
                additional_kwargs={_UNUSABLE: True},
            )
        )
    return answers


def is_told_problem(message: BaseMessage) -> bool:
    """Tell whether a message is an answer of :func:`tell_problems`."""
    return isinstance(message, ToolMessage) and bool(message.additional_kwargs.get(_UNUSABLE))


def _native_calls(message: AIMessage) -> list[WrittenCall]:
    """Return the calls of the protocol, in the order of the message where it is known."""
    calls = [WrittenCall("protocol", dict(c["args"]), name=c["name"], id=c["id"]) for c in message.tool_calls]
    for broken in message.invalid_tool_calls:
        name = broken["name"] or None
        calls.append(WrittenCall("protocol", broken["args"] or "", name=name, id=broken["id"]))
    return calls


def _as_tool_calls(calls: Sequence[RepairedCall]) -> list[ToolCall]:
    """Return the calls under ids that are all different."""
    seen: set[str] = set()
    result = []
    for call in calls:
        identity = call.written.id
        if not identity or identity in seen:
            identity = f"call_{uuid.uuid4().hex[:12]}"
        seen.add(identity)
        arguments = dict(call.arguments) if call.is_usable else {"unreadable_arguments": call.written.text}
        result.append(tool_call(name=call.name or "unknown", args=arguments, id=identity))
    return result


def _with_text(message: AIMessage, text: str) -> Any:
    """Return the content with another text, reasoning blocks kept."""
    if isinstance(message.content, str):
        return text
    kept = [block for block in message.content if isinstance(block, dict) and block.get("type") != "text"]
    return [*kept, {"type": "text", "text": text}] if text else kept


def _right_form(call: RepairedCall, schemas: Schemas) -> str:
    """Say what a right call looks like."""
    schema = schemas.get(call.name)
    if schema is None:
        return f"The tools are: {', '.join(sorted(schemas)) or 'none'}."
    required = set(schema.get("required", ()))
    parts = [
        f"{name} ({_kind(inner)}{', required' if name in required else ''})"
        for name, inner in schema.get("properties", {}).items()
    ]
    return f"{call.name} takes a JSON object with: {', '.join(parts) or 'nothing'}."


def _kind(schema: Any) -> str:
    """Name the type of a property."""
    kind = schema.get("type", "any value") if isinstance(schema, Mapping) else "any value"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
