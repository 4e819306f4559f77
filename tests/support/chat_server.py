"""A real HTTP server on a local port that speaks the chat-completions protocol, well or badly.

A test gives it a function from the request's JSON to a `Reply`; `obliging_model` is one that does what any
request asks for, by the schema of its tools or its response format.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server sends.

    Attributes
    ----------
    body : str
        The whole body, for answers that are no stream.
    events : sequence of str, optional
        The ``data:`` lines of a stream, sent one by one.
    delay_s : float
        Wait before each event, or before the body.
    ends : str
        How a stream ends: ``"done"`` (the protocol's end), ``"silent"`` (connection closed in order, no end
        marker) or ``"cut"`` (the socket is closed in the middle of a chunk).
    """

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] | None = None
    delay_s: float = 0.0
    ends: str = "done"


@dataclass(frozen=True)
class Received:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class ChatServer:
    """The running server: `url` for clients, `requests` for assertions."""

    def __init__(self, answer: Callable[[dict[str, Any]], Reply]) -> None:
        self.requests: list[Received] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Received(self.path, headers, body))
                reply = answer(body)
                try:
                    self._send(reply)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.events is None:
                    time.sleep(reply.delay_s)
                    data = reply.body.encode()
                    if "content-type" not in {name.lower() for name in reply.headers}:
                        self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                    return
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in reply.events:
                    time.sleep(reply.delay_s)
                    self._chunk(f"data: {event}\n\n")
                if reply.ends == "cut":
                    self.wfile.write(b"400\r\ndata: {")
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                if reply.ends == "done":
                    self._chunk("data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")

            def _chunk(self, text: str) -> None:
                data = text.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing when a client has gone away: tests leave streams on purpose."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[ChatServer]:
    """Run a server while the block runs."""
    server = ChatServer(answer)
    try:
        yield server
    finally:
        server.close()


USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def completion(
    content: str | None = "",
    *,
    model: str = "served",
    finish_reason: str = "stop",
    usage: Mapping[str, Any] | None = USAGE,
    logprobs: Any = None,
    **message: Any,
) -> Reply:
    """Return a whole answer; further fields go into the message."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish_reason,
                "logprobs": logprobs,
            }
        ],
    }
    if usage is not None:
        body["usage"] = dict(usage)
    return Reply(body=json.dumps(body))


def chunk(delta: Mapping[str, Any] | None, *, finish_reason: str | None = None, **choice: Any) -> str:
    """Return one event of a stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason, **choice}]
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "served", "choices": choices})


def usage_chunk() -> str:
    """Return the last event of a stream, which counts tokens."""
    return json.dumps(
        {"id": "c", "object": "chat.completion.chunk", "model": "served", "choices": [], "usage": USAGE}
    )


def streamed(*deltas: Mapping[str, Any], finish_reason: str = "stop", **reply: Any) -> Reply:
    """Return a stream of these deltas that ends as it should."""
    events = [chunk({"role": "assistant", "content": ""}), *(chunk(delta) for delta in deltas)]
    events += [chunk({}, finish_reason=finish_reason), usage_chunk()]
    return Reply(events=events, **reply)


def call(name: str, arguments: str, *, id: str = "call_1", index: int | None = 0) -> dict[str, Any]:  # noqa: A002
    """Return one tool call as the protocol writes it."""
    spec: dict[str, Any] = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return spec if index is None else {"index": index, **spec}


def obliging_model(request: dict[str, Any]) -> Reply:
    """Answer any request in the form that it asks for, whole or streamed."""
    content, calls = _oblige(request)
    reason = "tool_calls" if calls else "stop"
    model = request["model"]
    if not request.get("stream"):
        fields: dict[str, Any] = {"tool_calls": calls} if calls else {}
        return completion(content, model=model, finish_reason=reason, **fields)
    deltas: list[dict[str, Any]] = _words(content)
    for position, spec in enumerate(calls):
        text = spec["function"]["arguments"]
        head = {**spec, "index": position, "function": {**spec["function"], "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        deltas += [
            {"tool_calls": [{"index": position, "function": {"arguments": text[at : at + 5]}}]}
            for at in range(0, len(text), 5)
        ]
    reply = streamed(*deltas, finish_reason=reason)
    events = [event.replace('"served"', json.dumps(model)) for event in reply.events or ()]
    return Reply(events=events)


def saying(request: dict[str, Any], text: str, **reply: Any) -> Reply:
    """Answer a request with this text: whole, or word by word where a stream is asked for."""
    return streamed(*_words(text), **reply) if request.get("stream") else completion(text)


def _words(text: str) -> list[dict[str, Any]]:
    """Cut a text into the pieces of a stream."""
    return [{"content": word} for word in re.findall(r"\S+\s*", text)]


def _oblige(request: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return (text, tool calls) that fit the request."""
    messages = request["messages"]
    prompt = " ".join(_text(message) for message in messages if message["role"] == "user")
    form = request.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(sample_of(form["json_schema"]["schema"], prompt)), []
    if form.get("type") == "json_object":
        keys = re.findall(r"[`'\"](\w+)[`'\"]", prompt)
        return json.dumps(dict.fromkeys(keys, "something")), []
    tools = request.get("tools") or []
    is_answered = messages[-1]["role"] == "tool"
    if tools and request.get("tool_choice") != "none" and not is_answered:
        choice = request.get("tool_choice")
        wanted = choice["function"]["name"] if isinstance(choice, dict) else tools[0]["function"]["name"]
        tool = next(tool["function"] for tool in tools if tool["function"]["name"] == wanted)
        arguments = sample_of(tool.get("parameters") or {"type": "object"}, prompt)
        return "", [call(wanted, json.dumps(arguments, ensure_ascii=False), index=None)]
    return f"You said {len(prompt)} characters, and here is a short answer to them.", []


def sample_of(schema: Mapping[str, Any], prompt: str, root: Mapping[str, Any] | None = None) -> Any:
    """Return a value that fits a JSON schema, with numbers and quoted words of the prompt where there are any."""
    root = root or schema
    if "$ref" in schema:
        return sample_of(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], prompt, root)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            options = [option for option in schema[union] if option.get("type") != "null"]
            return sample_of(options[0], prompt, root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: sample_of(inner, prompt, root) for name, inner in properties.items()}
        case "array":
            return [sample_of(schema.get("items", {"type": "string"}), prompt, root)]
        case "integer" | "number":
            numbers = re.findall(r"-?\d+", prompt)
            return int(numbers[0]) if numbers else 1
        case "boolean":
            return True
        case _:
            quoted = re.findall(r"['\"]([^'\"]+)['\"]", prompt)
            return quoted[0] if quoted else "something"


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content)
