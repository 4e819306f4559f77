"""Messages of LangChain as messages of the chat-completions protocol, and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
    UsageMetadata,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk

from agentcore.messages import ReasoningSplitter, SurrogateJoiner, join_surrogates

__all__ = ["StreamReader", "from_choice", "to_request_messages", "usage_of"]

_OWN_BLOCKS = {"reasoning", "thinking", "tool_call", "invalid_tool_call", "tool_call_chunk"}


def to_request_messages(
    messages: Sequence[BaseMessage], *, send_reasoning: bool = False
) -> list[dict[str, Any]]:
    """Return the messages as a server takes them.

    Parameters
    ----------
    messages : sequence of BaseMessage
        The conversation. Tool calls whose arguments could not be read are sent too, as JSON, when a tool
        message answers them: else the answer would have no question.
    send_reasoning : bool
        Send back the reasoning of earlier turns as ``reasoning_content``. Most servers want it left out.
    """
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    return [_to_request(message, answered, send_reasoning) for message in messages]


def _to_request(message: BaseMessage, answered: set[str], send_reasoning: bool) -> dict[str, Any]:
    """Return one message as a server takes it."""
    plain = message
    if not isinstance(message.content, str):
        blocks = [b for b in message.content if isinstance(b, str) or b.get("type") not in _OWN_BLOCKS]
        plain = message.model_copy(update={"content": blocks})
    request = convert_to_openai_messages(plain)
    if not isinstance(message, AIMessage):
        return request
    broken = [call for call in message.invalid_tool_calls if call["id"] in answered]
    if broken:
        request.setdefault("tool_calls", []).extend(_broken_call(call) for call in broken)
    reasoning = _reasoning_of(message) if send_reasoning else ""
    if reasoning:
        request["reasoning_content"] = reasoning
    return request


def _broken_call(call: InvalidToolCall) -> dict[str, Any]:
    """Return an unreadable call in a form that every server can read."""
    arguments = json.dumps({"unreadable_arguments": call["args"] or ""}, ensure_ascii=False)
    return {
        "type": "function",
        "id": call["id"],
        "function": {"name": call["name"] or "unknown", "arguments": arguments},
    }


def _reasoning_of(message: AIMessage) -> str:
    """Return the reasoning of a message as one text."""
    return "".join(
        str(block.get("reasoning", "")) for block in message.content_blocks if block["type"] == "reasoning"
    )


def from_choice(choice: Any, *, starts_in_thought: bool = False) -> AIMessage:
    """Return the message of one finished choice, without the metadata of the whole response."""
    message = choice.message
    reader = _ContentReader(starts_in_thought=starts_in_thought)
    blocks = reader.read(message, final=True)
    calls, broken = _read_calls(getattr(message, "tool_calls", None) or ())
    return AIMessage(
        content=_joined(blocks),
        additional_kwargs=_refusal(message),
        tool_calls=calls,
        invalid_tool_calls=broken,
    )


class StreamReader:
    """Turns the chunks of one streamed choice into message chunks.

    Attributes
    ----------
    finish_reason : str or None
        None until the server has said why it ended.
    text : str
        The answer's text so far.
    """

    def __init__(self, *, starts_in_thought: bool = False) -> None:
        self.finish_reason: str | None = None
        self.text = ""
        self._content = _ContentReader(starts_in_thought=starts_in_thought)
        self._calls: list[_Begun] = []
        self._current: dict[int | None, int] = {}
        self._model = ""
        self._usage: UsageMetadata | None = None
        self._metadata: dict[str, Any] = {}

    def feed(self, chunk: Any) -> list[AIMessageChunk]:
        """Take the next chunk of the protocol; return the messages in it that hold something."""
        self._model = getattr(chunk, "model", None) or self._model
        self._usage = usage_of(getattr(chunk, "usage", None)) or self._usage
        if fingerprint := getattr(chunk, "system_fingerprint", None):
            self._metadata["system_fingerprint"] = fingerprint
        messages: list[AIMessageChunk] = []
        for choice in getattr(chunk, "choices", None) or ():
            if getattr(choice, "index", 0):
                continue
            self.finish_reason = getattr(choice, "finish_reason", None) or self.finish_reason
            messages += self._read(choice)
        return messages

    def finish(self) -> list[AIMessageChunk]:
        """Return what was held back, and last the chunk with usage and metadata."""
        messages = [AIMessageChunk(content=[block]) for block in self._content.finish()]
        pieces = [
            tool_call_chunk(args=rest, index=index)
            for index, call in enumerate(self._calls)
            if (rest := call.arguments.finish())
        ]
        metadata = {**self._metadata, "model_name": self._model, "finish_reason": self.finish_reason}
        last = AIMessageChunk(
            content="", response_metadata=metadata, usage_metadata=self._usage, chunk_position="last"
        )
        held = [AIMessageChunk(content="", tool_call_chunks=pieces)] if pieces else []
        return [*(self._plain(message) for message in messages), *held, last]

    def _read(self, choice: Any) -> list[AIMessageChunk]:
        """Return the messages of one choice's delta."""
        delta = getattr(choice, "delta", None)
        messages = [] if delta is None else self._read_delta(delta)
        logprobs = getattr(choice, "logprobs", None)
        content = getattr(logprobs, "content", None)
        if content:
            values = {"content": [token.model_dump() for token in content]}
            messages.append(AIMessageChunk(content="", response_metadata={"logprobs": values}))
        return messages

    def _read_delta(self, delta: Any) -> list[AIMessageChunk]:
        """Return the messages of reasoning, text and tool calls, in this order."""
        messages = [self._plain(AIMessageChunk(content=[block])) for block in self._content.read(delta)]
        if refusal := _refusal(delta):
            messages.append(AIMessageChunk(content="", additional_kwargs=refusal))
        chunks = [self._call_chunk(call) for call in getattr(delta, "tool_calls", None) or ()]
        if chunks:
            messages.append(AIMessageChunk(content="", tool_call_chunks=chunks))
        return messages

    def _plain(self, message: AIMessageChunk) -> AIMessageChunk:
        """Write a text block as a plain string as long as there was no reasoning."""
        block = cast("dict[str, Any]", message.content[0])
        if block["type"] != "text":
            return message
        self.text += block["text"]
        return message if self._content.has_reasoning else AIMessageChunk(content=block["text"])

    def _call_chunk(self, call: Any) -> ToolCallChunk:
        """Return a piece of a tool call under the right index."""
        function = getattr(call, "function", None)
        name = join_surrogates(getattr(function, "name", None) or "") or None
        index, is_new = self._place(getattr(call, "index", None), getattr(call, "id", None) or None, name)
        arguments = _arguments_text(getattr(function, "arguments", None))
        return tool_call_chunk(
            name=name if is_new else None,
            args=None if arguments is None else self._calls[index].arguments.feed(arguments),
            id=self._calls[index].id if is_new else None,
            index=index,
        )

    def _place(self, number: int | None, identity: str | None, name: str | None) -> tuple[int, bool]:
        """Return which call a piece belongs to, and whether it begins one.

        Servers number calls wrongly in two ways: no index at all, and index 0 for every call. A new id is a
        new call in both, and without ids a new name is one.
        """
        for index, known in enumerate(self._calls):
            if identity is not None and known.id == identity:
                return index, False
        current = self._current.get(number)
        if current is not None and identity is None and name in (None, self._calls[current].name):
            return current, False
        self._calls.append(_Begun(id=identity or _new_id(), name=name))
        self._current[number] = len(self._calls) - 1
        return len(self._calls) - 1, True


@dataclass(frozen=True, slots=True)
class _Begun:
    """A tool call whose first piece has come."""

    id: str
    name: str | None
    arguments: SurrogateJoiner = field(default_factory=lambda: SurrogateJoiner(is_json=True))


class _ContentReader:
    """Numbers the runs of reasoning and text of one message as content blocks."""

    def __init__(self, *, starts_in_thought: bool) -> None:
        self._splitter = ReasoningSplitter(starts_inside=starts_in_thought)
        self._thought, self._text = SurrogateJoiner(), SurrogateJoiner()
        self._kind: str | None = None
        self._index = -1
        self.has_reasoning = False

    def read(self, message: Any, *, final: bool = False) -> list[dict[str, Any]]:
        """Return the blocks of a message or a delta."""
        blocks = []
        for name in ("reasoning_content", "reasoning"):  # DeepSeek, SGLang and older vLLM; newer ones
            thought = getattr(message, name, None)
            if isinstance(thought, str) and thought:
                if thought := self._thought.feed(thought):
                    blocks.append(self._block("reasoning", thought))
                break
        content = getattr(message, "content", None)
        text = content if isinstance(content, str) else _text_of(content)
        if text:
            if half := self._thought.finish():
                blocks.append(self._block("reasoning", half))
            blocks += [self._block(kind, piece) for kind, piece in self._splitter.feed(self._text.feed(text))]
        return blocks + (self.finish() if final else [])

    def finish(self) -> list[dict[str, Any]]:
        """Return the blocks of what was held back."""
        pieces: list[tuple[str, str]] = [("reasoning", half)] if (half := self._thought.finish()) else []
        pieces += self._splitter.feed(self._text.finish())
        return [self._block(kind, piece) for kind, piece in [*pieces, *self._splitter.finish()]]

    def _block(self, kind: str, text: str) -> dict[str, Any]:
        if kind != self._kind:
            self._kind = kind
            self._index += 1
        self.has_reasoning = self.has_reasoning or kind == "reasoning"
        return {"type": kind, kind: text, "index": self._index}


def _joined(blocks: Iterable[dict[str, Any]]) -> str | list[str | dict[Any, Any]]:
    """Return a message's content: a string, or blocks if there is reasoning."""
    merged: list[dict[str, Any]] = []
    for block in blocks:
        kind = block["type"]
        if merged and merged[-1]["type"] == kind:
            merged[-1][kind] += block[kind]
        else:
            merged.append({"type": kind, kind: block[kind]})
    if all(block["type"] == "text" for block in merged):
        return "".join(block["text"] for block in merged)
    return list(merged)


def _text_of(content: Any) -> str:
    """Return the text of content parts, which a few servers send in place of a string."""
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))


def _read_calls(raw: Iterable[Any]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls that can be read and the others."""
    calls: list[ToolCall] = []
    broken: list[InvalidToolCall] = []
    for call in raw:
        function = getattr(call, "function", None)
        name = join_surrogates(getattr(function, "name", None) or "")
        identity = getattr(call, "id", None) or _new_id()
        text = join_surrogates(_arguments_text(getattr(function, "arguments", None)) or "", is_json=True)
        try:
            arguments = json.loads(text) if text.strip() else {}
        except json.JSONDecodeError as exc:
            broken.append(invalid_tool_call(name=name, args=text, id=identity, error=f"no JSON: {exc}"))
            continue
        if name and isinstance(arguments, dict):
            calls.append(tool_call(name=name, args=arguments, id=identity))
        else:
            reason = "the arguments are no object" if name else "the call has no name"
            broken.append(invalid_tool_call(name=name, args=text, id=identity, error=reason))
    return calls, broken


def _new_id() -> str:
    """Return an id for a call that the server gave none."""
    return f"call_{uuid.uuid4().hex[:12]}"


def _arguments_text(arguments: Any) -> str | None:
    """Return a call's arguments as text; a few servers send an object."""
    if arguments is None or isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False)


def _refusal(message: Any) -> dict[str, Any]:
    """Return the refusal of a message as extra fields, if there is one."""
    refusal = getattr(message, "refusal", None)
    return {"refusal": join_surrogates(refusal)} if refusal else {}


def usage_of(usage: Any) -> UsageMetadata | None:
    """Return a response's token counts as LangChain counts them; None if the server sent none."""
    prompt, completion = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    if prompt is None and completion is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    counts = UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=getattr(usage, "total_tokens", None) or prompt + completion,
    )
    cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None)
    if cached is None:
        cached = getattr(usage, "prompt_cache_hit_tokens", None)
    if cached is not None:
        counts["input_token_details"] = InputTokenDetails(cache_read=cached)
    thought = getattr(getattr(usage, "completion_tokens_details", None), "reasoning_tokens", None)
    if thought is not None:
        counts["output_token_details"] = OutputTokenDetails(reasoning=thought)
    return counts
