"""Reasoning models and verifiers behind an OpenAI-compatible server: cancel and continue, odds of Yes and No, probes.

A stream that is cut is closed, which cancels the request on vLLM, SGLang and llama.cpp alike, and continued in one of three ways:

* ``continue``: the assistant's text so far is the last message, with ``continue_final_message`` (vLLM, SGLang);
* ``prefill``: the same without that flag, for servers that continue a trailing assistant message on their own;
* ``reask``: the thinking goes in as an assistant message, and our guide prompt asks for the answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from agentcore.decoding.errors import DecodingError
from agentcore.decoding.trimming._self_probe import Probe
from agentcore.decoding.trimming._signals import Progress
from agentcore.decoding.trimming._stream import Delta
from agentcore.decoding.trimming._tags import TagSplitter

__all__ = ["Continuation", "RemoteError", "RemoteSource", "ServerProber", "ServerYesNo"]

Continuation = Literal["continue", "prefill", "reask"]

_REASK = "\n\nAnswer the question now in one short reply, from the thinking above. Do not think further."


class RemoteError(DecodingError):
    """The server refused a request or sent what cannot be read."""


@dataclass(slots=True)
class RemoteSource:
    """One reply of a reasoning model behind ``/chat/completions``.

    Parameters
    ----------
    client : httpx.AsyncClient
        With the server's ``base_url`` (ending in ``/v1``) and, where needed, the authorisation header.
    model : str
        The model's name there.
    messages : sequence of dict
        The conversation, the user's message last.
    continuation : Continuation
        How a cut reply goes on.
    start_of_thinking : str
        The model's tag, put before the thinking where it is continued as text.
    starts_in_thought : bool
        The server's template writes the opening think tag itself, and the thinking comes as content.
    options : dict
        Further fields of the request (``max_tokens``, ``temperature`` ...).
    """

    client: httpx.AsyncClient
    model: str
    messages: Sequence[dict[str, Any]]
    continuation: Continuation = "continue"
    start_of_thinking: str = "<think>"
    starts_in_thought: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    async def start(self) -> AsyncGenerator[Delta]:
        """Stream the reply."""
        async with aclosing(
            self._request(list(self.messages), {}, TagSplitter(opened=self.starts_in_thought))
        ) as deltas:
            async for delta in deltas:
                yield delta

    async def resume(self, thinking: str, guide: str) -> AsyncGenerator[Delta]:
        """Stream what follows the thinking so far and our guide prompt."""
        messages = [
            *self.messages,
            {"role": "assistant", "content": f"{self.start_of_thinking}{thinking}{guide}"},
        ]
        extra: dict[str, Any] = {}
        if self.continuation == "continue":
            extra = {"continue_final_message": True, "add_generation_prompt": False}
        elif self.continuation == "reask":
            messages[-1] = {"role": "assistant", "content": thinking}
            messages.append({"role": "user", "content": _REASK.strip()})
        async with aclosing(self._request(messages, extra, TagSplitter(thinking=False))) as deltas:
            async for delta in deltas:
                yield delta

    async def _request(
        self, messages: list[dict[str, Any]], extra: dict[str, Any], splitter: TagSplitter
    ) -> AsyncGenerator[Delta]:
        """Send one streaming request and read its events; leaving early closes the connection."""
        body = {
            "model": self.model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.options,
            **extra,
        }
        try:
            async with self.client.stream("POST", "chat/completions", json=body) as response:
                if response.status_code != httpx.codes.OK:
                    detail = (await response.aread()).decode("utf-8", "replace")[:200]
                    raise RemoteError(
                        f"the server answered {response.status_code} to model {self.model!r}: {detail}"
                    )
                async for line in response.aiter_lines():
                    for delta in _deltas(line, splitter):
                        yield delta
        except httpx.HTTPError as exc:
            raise RemoteError(
                f"no reply of model {self.model!r}: {exc or type(exc).__name__}; is the server up?"
            ) from exc
        for text, kind in splitter.finish():
            yield Delta(text, kind)


def _deltas(line: str, splitter: TagSplitter) -> list[Delta]:
    """Return what one line of an event stream holds."""
    if not line.startswith("data:") or line[5:].strip() == "[DONE]":
        return []
    try:
        event = json.loads(line[5:])
        found: list[Delta] = []
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            thinking = delta.get("reasoning_content") or delta.get("reasoning")
            if thinking:
                found.append(Delta(_whole(thinking), "thinking"))
            if delta.get("content"):
                found += [Delta(text, kind) for text, kind in splitter.push(_whole(delta["content"]))]
        usage = event.get("usage") or {}
    except (ValueError, AttributeError, TypeError) as exc:
        raise RemoteError(f"the server sent an event that is no chat completion: {line[:120]!r}") from exc
    if usage:
        found.append(
            Delta("", "answer", int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0)))
        )
    return found


def _whole(text: str) -> str:
    """Return the text with U+FFFD for halves of surrogate pairs, which no request could send back."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@dataclass(slots=True)
class ServerYesNo:
    """Odds of Yes against No from ``/completions`` with ``logprobs``; a batch is one request.

    Parameters
    ----------
    base_url : str
        Of the server, ending in ``/v1``.
    model : str
        The model's name there.
    headers : dict
        For instance the authorisation.
    timeout_s : float
        Of one request.

    Notes
    -----
    A client is opened per request: looks run on the verifier pool's loop, which may be stopped and started again.
    """

    base_url: str
    model: str
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 20.0
    tokens_spent: int = 0

    async def ask(self, prefix: str, prompts: Sequence[str]) -> list[float]:
        """Return P(Yes) / (P(Yes) + P(No)) for each prompt."""
        body = {
            "model": self.model,
            "prompt": [prefix + prompt for prompt in prompts],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": 20,
        }
        reply = await _post(self, "completions", body)
        self.tokens_spent += int((reply.get("usage") or {}).get("total_tokens", 0))
        odds = [0.0] * len(prompts)
        for choice in reply["choices"]:
            odds[int(choice.get("index", 0))] = _odds(choice)
        return odds


@dataclass(slots=True)
class ServerProber:
    """Probes a served model by continuing its thinking with a suffix; needs ``continue_final_message`` and ``logprobs``."""

    base_url: str
    model: str
    messages: Sequence[dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)
    start_of_thinking: str = "<think>"
    timeout_s: float = 20.0

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the model writes after its thinking so far and a suffix."""
        text = f"{self.start_of_thinking}{progress.thinking}{suffix}"
        body = {
            "model": self.model,
            "messages": [*self.messages, {"role": "assistant", "content": text}],
            "max_tokens": max_tokens,
            "temperature": 0,
            "logprobs": True,
            "continue_final_message": True,
            "add_generation_prompt": False,
            "stop": ["}"],
        }
        reply = await _post(self, "chat/completions", body)
        choice = reply["choices"][0]
        logs = [float(entry["logprob"]) for entry in (choice.get("logprobs") or {}).get("content") or []]
        chances = [math.exp(log) for log in logs]
        spent = int((reply.get("usage") or {}).get("completion_tokens", len(logs)))
        written = choice["message"].get("reasoning_content") or choice["message"].get("content") or ""
        return Probe(written + "}", sum(chances) / len(chances) if chances else 0.0, spent)


async def _post(server: ServerYesNo | ServerProber, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one request and return its JSON."""
    async with httpx.AsyncClient(timeout=server.timeout_s, headers=server.headers) as client:
        try:
            response = await client.post(f"{server.base_url.rstrip('/')}/{path}", json=body)
            response.raise_for_status()
            reply = response.json()
        except (httpx.HTTPError, ValueError) as exc:
            raise RemoteError(f"no verdict from {server.model!r}: {exc or type(exc).__name__}") from exc
    if not isinstance(reply, dict) or not reply.get("choices"):
        raise RemoteError(f"no verdict from {server.model!r}: the reply has no choices")
    return reply


def _odds(choice: dict[str, Any]) -> float:
    """Return the odds of Yes from the first token's top log-probabilities; one half when neither is among them."""
    top = ((choice.get("logprobs") or {}).get("top_logprobs") or [{}])[0] or {}
    chance = {"yes": 0.0, "no": 0.0}
    for token, log in top.items():
        word = token.strip().strip(".▁Ġ").lower()
        if word in chance:
            chance[word] += math.exp(float(log))
    total = chance["yes"] + chance["no"]
    return chance["yes"] / total if total else 0.5
