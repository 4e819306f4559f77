"""A local HTTP server that streams recorded traces as a reasoning model would, and answers cut ones honestly.

The model name in a request is a trace's id. An uncut reply streams the recorded thinking and then the recorded final answer. A
continued one, whose last assistant text is the kept thinking and our guide, is answered with what the kept thinking concludes by
the rules: a recording cannot think on. ``/v1/completions`` answers Yes/No questions of the likelihood verifier by the rule verifier,
as slowly as asked for: it stands in for a verifier's speed and failures, not for its judgement.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from agentcore.decoding.trimming import RuleVerifier, ThoughtTrimmer
from agentcore.evaluation.trimming_traces import Trace

_SNIPPET = re.compile(r"Snippet of the reasoning:\n(.*)\n\nDoes the snippet", re.S)
_PAIR = re.compile(r"Snippet A:\n(.*)\n\nSnippet B:\n(.*)\n\nDo both", re.S)


class ReplayServer:
    """Serves traces on 127.0.0.1; an async context manager.

    Parameters
    ----------
    traces : mapping of str to Trace
        By id.
    tokens_per_second : float
        Pace of one stream; 0 for as fast as it goes.
    tokens_per_event : int
        Tokens in one server-sent event.
    max_tokens : int
        Tokens of a trace that are streamed; 0 for all.
    verifier_delay_s : float
        How long a verdict takes.
    """

    def __init__(
        self,
        traces: Mapping[str, Trace],
        *,
        tokens_per_second: float = 0.0,
        tokens_per_event: int = 4,
        max_tokens: int = 0,
        verifier_delay_s: float = 0.0,
    ) -> None:
        self._traces = traces
        self._pace_s = tokens_per_event / tokens_per_second if tokens_per_second else 0.0
        self._tokens_per_event = tokens_per_event
        self._max_tokens = max_tokens
        self.verifier_delay_s = verifier_delay_s
        self.is_verifier_up = True
        self.num_tokens = 0
        self.num_cancelled = 0
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """The address for clients, ending in ``/v1``."""
        assert self._server is not None, "enter the context first"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int((re.search(r"content-length:\s*(\d+)", head, re.I) or ["", "0"])[1])
            body = json.loads(await reader.readexactly(length) or b"{}")
            if "/chat/completions" in head.splitlines()[0]:
                await self._chat(body, writer)
            elif "/completions" in head.splitlines()[0]:
                await self._judge(body, writer)
            else:
                await _plain(writer, 404, {"error": "no such path"})
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.num_cancelled += 1  # the client left, or the server's loop ends: nobody waits for the rest
        finally:
            writer.close()

    async def _chat(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Stream a trace from its beginning, or the answer after a cut."""
        trace = self._traces.get(str(body.get("model")))
        if trace is None:
            await _plain(writer, 404, {"error": f"no recorded trace {body.get('model')!r}"})
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        kept = _kept_thinking(body["messages"])
        written = 0
        if kept is None:
            step = max(1, round(self._tokens_per_event * trace.characters_per_token))
            end = len(trace.text)
            if self._max_tokens:
                end = min(end, round(self._max_tokens * trace.characters_per_token))
            for start in range(0, end, step):
                await self._event(
                    writer, {"delta": {"reasoning_content": trace.text[start : min(end, start + step)]}}
                )
                written += self._tokens_per_event
                self.num_tokens += self._tokens_per_event
                if self._pace_s:
                    await asyncio.sleep(self._pace_s)
            answer = trace.final_answer
        else:
            answer = _concluded(trace, kept)
        text = "I have no answer." if answer is None else f"The final answer is \\boxed{{{answer}}}."
        await self._event(writer, {"delta": {"content": text}, "finish_reason": "stop"})
        usage = {"prompt_tokens": len(trace.problem) // 4, "completion_tokens": written + len(text) // 4}
        writer.write(
            b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\ndata: [DONE]\n\n"
        )
        await writer.drain()

    async def _event(self, writer: asyncio.StreamWriter, choice: dict[str, Any]) -> None:
        """Send one event; a client that left raises here."""
        if writer.is_closing():
            raise ConnectionResetError("the client left")
        writer.write(b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n")
        await writer.drain()

    async def _judge(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer a batch of Yes/No questions after the delay."""
        await asyncio.sleep(self.verifier_delay_s)
        if not self.is_verifier_up:
            await _plain(writer, 503, {"error": "the verifier is down"})
            return
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        choices = []
        for index, prompt in enumerate(prompts):
            chance = await _rule_opinion(prompt)
            top = {" Yes": math.log(chance), " No": math.log(1.0 - chance)}
            choices.append({"index": index, "text": "", "logprobs": {"top_logprobs": [top]}})
        usage = {"total_tokens": sum(len(prompt) // 4 for prompt in prompts)}
        await _plain(writer, 200, {"choices": choices, "usage": usage})


@contextmanager
def serving_traces(traces: Iterable[Trace], **options: Any) -> Iterator[ReplayServer]:
    """Run a `ReplayServer` on a thread of its own, for callers without an event loop."""
    loop, server = asyncio.new_event_loop(), ReplayServer({trace.id: trace for trace in traces}, **options)
    thread = threading.Thread(target=loop.run_forever, name="replay-server", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _rule_opinion(prompt: str) -> float:
    """Return the rule verifier's opinion on the last question of a prompt, kept off 0 and 1."""
    question = prompt.rpartition("Question:")[2]
    pair, snippet = _PAIR.search(question), _SNIPPET.search(question)
    rule = RuleVerifier()
    if pair:
        opinion = await rule.same_result("", pair[1], pair[2])
    else:
        opinion = await rule.states_answer("", snippet[1] if snippet else "")
    return 0.02 + 0.96 * opinion


def _kept_thinking(messages: list[dict[str, Any]]) -> str | None:
    """Return the assistant's thinking so far of a continued or asked-again reply, None for a fresh one."""
    for message in reversed(messages):
        if message.get("role") == "assistant":
            return str(message.get("content") or "").removeprefix("<think>")
    return None


def _concluded(trace: Trace, kept: str) -> str | None:
    """Return what a kept thinking concludes, by the rules."""
    watch = ThoughtTrimmer(trace.problem)
    for start in range(0, len(kept), 200):
        watch.push(kept[start : start + 200])
    return None if watch.best_answer is None else watch.best_answer.key


async def _plain(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    """Send one JSON reply."""
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
