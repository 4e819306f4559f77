"""Reading calls out of a model's text as it streams."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from agentcore.backbones._tool_format import CALL_END, CALL_START
from agentcore.messages import join_surrogates

__all__ = ["CallReader", "ReadCall", "answer_chunk"]

_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ReadCall:
    """One call as the model wrote it.

    Attributes
    ----------
    id : str
    name : str or None
        None where the text does not say.
    arguments : dict or None
        None where they could not be read.
    text : str
        The JSON as written.
    error : str or None
        Why the call cannot be used; None for a good one.
    """

    id: str
    name: str | None
    arguments: dict[str, Any] | None
    text: str
    error: str | None


class CallReader:
    """Splits streamed text into plain text and finished calls.

    Parameters
    ----------
    parameters : mapping of str to mapping
        JSON schema of the arguments by tool name.
    """

    def __init__(self, parameters: Mapping[str, Mapping[str, Any]]) -> None:
        self._parameters = parameters
        self._held = ""
        self._is_inside = False
        self._has_read = False

    def pieces(self, texts: Iterable[str]) -> Iterator[str | ReadCall]:
        """Yield plain text and finished calls as `texts` come, a call that was cut off last."""
        for text in texts:
            yield from self.push(text)
        yield from self.finish()

    def push(self, text: str) -> list[str | ReadCall]:
        """Return the pieces that are certain now."""
        self._held += text
        pieces: list[str | ReadCall] = []
        while True:
            before, found, after = (
                _split_call(self._held) if self._is_inside else self._held.partition(CALL_START)
            )
            if not found:
                break
            pieces.append(self.read(before) if self._is_inside else self._visible(before))
            self._held, self._is_inside = after, not self._is_inside
        if not self._is_inside:
            keep = next(
                (n for n in range(len(CALL_START) - 1, 0, -1) if self._held.endswith(CALL_START[:n])), 0
            )
            certain = self._held[: len(self._held) - keep]
            if self._visible(certain):
                pieces.append(certain)
                self._held = self._held[len(certain) :]
        return [piece for piece in pieces if piece]

    def finish(self) -> list[str | ReadCall]:
        """Return what is left when the text ends, a call that was cut off included."""
        held, self._held = self._held, ""
        if not self._is_inside:
            return [held] if self._visible(held) else []
        self._is_inside = False
        call, _, rest = held.partition(CALL_END)  # an end mark is left only where a string was never closed
        return [self.read(call), *([rest] if self._visible(rest) else [])]

    def read(self, text: str) -> ReadCall:
        """Parse and validate one call."""
        self._has_read = True
        text = join_surrogates(text.strip(), is_json=True)
        name, arguments, error = None, None, None
        try:
            call = json.loads(text)
            name, arguments = call["name"], call["arguments"]
        except (ValueError, KeyError, TypeError) as exc:
            error = f"the call is no JSON object with a name and arguments ({type(exc).__name__}: {exc})"
        if error is None:
            error = self._fault(name, arguments)
        return ReadCall(
            id=f"call_{uuid.uuid4().hex[:24]}",
            name=name if isinstance(name, str) else None,
            arguments=arguments if isinstance(arguments, dict) else None,
            text=text,
            error=error,
        )

    def _visible(self, text: str) -> str:
        """Text as it is, but nothing for mere blanks behind a call."""
        return "" if self._has_read and not text.strip() else text

    def _fault(self, name: object, arguments: object) -> str | None:
        if not isinstance(name, str) or name not in self._parameters:
            return f"there is no tool {name!r}: call one of {', '.join(sorted(self._parameters))}"
        if not isinstance(arguments, dict):
            return "the arguments are no JSON object"
        try:
            fault = best_match(Draft202012Validator(self._parameters[name]).iter_errors(arguments))
        except SchemaError as exc:
            return f"the tool's own schema is invalid: {exc.message}"
        return None if fault is None else f"{fault.json_path}: {fault.message}"


def _split_call(text: str) -> tuple[str, str, str]:
    """Part `text` at the first end mark that stands outside a JSON string: a value may hold the mark itself."""
    start = text.find(CALL_END)
    while start >= 0:
        before = text[:start]
        if '"' not in _JSON_STRING.sub("", before):
            return before, CALL_END, text[start + len(CALL_END) :]
        start = text.find(CALL_END, start + 1)
    return text, "", ""


def answer_chunk(piece: str | ReadCall, index: int) -> ChatGenerationChunk:
    """Return a piece of an answer as LangChain streams it; a call is the `index`-th of its answer."""
    if isinstance(piece, str):
        return ChatGenerationChunk(text=piece, message=AIMessageChunk(content=piece))
    # LangChain completes half a JSON document on its own: what could not be read must not look like one.
    arguments = (
        f"unreadable call: {piece.text}"
        if piece.arguments is None
        else json.dumps(piece.arguments, ensure_ascii=False)
    )
    message = AIMessageChunk(
        content="",
        tool_call_chunks=[tool_call_chunk(name=piece.name, args=arguments, id=piece.id, index=index)],
        additional_kwargs={} if piece.error is None else {"tool_call_errors": {piece.id: piece.error}},
    )
    return ChatGenerationChunk(message=message)
