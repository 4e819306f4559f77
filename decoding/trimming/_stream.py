"""Trim a reasoning stream of any source as a bare async generator: no framework, no engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, Protocol

from agentcore.decoding.trimming._online import StreamReport, Trimming
from agentcore.decoding.trimming._verdicts import Verdict, guide_prompt

DeltaKind = Literal["thinking", "answer", "guide"]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a stream.

    Attributes
    ----------
    text : str
        What was written.
    kind : DeltaKind
        Whether it is thinking, the answer, or a guide prompt of ours.
    input_tokens, output_tokens : int
        Usage that the source reports with this piece (usually all with its last).
    """

    text: str
    kind: DeltaKind = "thinking"
    input_tokens: int = 0
    output_tokens: int = 0


class ReasoningSource(Protocol):
    """A model that can begin a reply, and continue one from the assistant's text so far."""

    def start(self) -> AsyncIterator[Delta]:
        """Stream the reply; closing the iterator cancels it."""
        ...

    def resume(self, thinking: str, guide: str) -> AsyncIterator[Delta]:
        """Stream what follows the thinking so far and our guide prompt."""
        ...


@dataclass(slots=True)
class TrimmedReply:
    """The whole of a trimmed reply, filled while it streams; nothing generated is ever missing from it."""

    thinking: str = ""
    answer: str = ""
    verdict: Verdict | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    report: StreamReport | None = None


async def trim_stream(
    source: ReasoningSource,
    question: str,
    *,
    trimming: Trimming,
    budget: int | None = None,
    end_of_thinking: str = "</think>",
    reply: TrimmedReply | None = None,
) -> AsyncGenerator[Delta]:
    """Stream a reply and cut its thinking short where a detector says so.

    Parameters
    ----------
    source : ReasoningSource
        The model.
    question : str
        The user's question.
    trimming : Trimming
        Detectors and verifiers, shared between streams.
    budget : int, optional
        Token budget of the reply.
    end_of_thinking : str
        The model's end tag, empty for a model that reasons in its answer.
    reply : TrimmedReply, optional
        Filled in while streaming.

    Yields
    ------
    Delta
        Thinking, then our guide once if there was a cut, then the answer. Usage of both requests is summed in `reply`.
    """
    reply = reply if reply is not None else TrimmedReply()
    controller = trimming.open(question, budget=budget)
    reply.report = controller.report
    try:
        async with aclosing(_closable(source.start())) as pieces:
            async for delta in pieces:
                _take(reply, delta)
                yield delta
                if delta.kind == "thinking":
                    reply.verdict = controller.push(delta.text)
                    if reply.verdict is not None:
                        break
        if reply.verdict is not None:
            if not reply.output_tokens:  # cancelled before the source told its usage
                reply.output_tokens = controller.num_tokens
            guide = guide_prompt(reply.verdict, end_of_thinking=end_of_thinking)
            yield Delta(guide, "guide")
            async with aclosing(_closable(source.resume(reply.thinking, guide))) as pieces:
                async for delta in pieces:
                    _take(reply, Delta(delta.text, "answer", delta.input_tokens, delta.output_tokens))
                    yield Delta(delta.text, "answer", delta.input_tokens, delta.output_tokens)
    finally:
        reply.report = controller.close()


def _take(reply: TrimmedReply, delta: Delta) -> None:
    """Add a piece to the reply."""
    if delta.kind == "answer":
        reply.answer += delta.text
    else:
        reply.thinking += delta.text
    reply.input_tokens += delta.input_tokens
    reply.output_tokens += delta.output_tokens


async def _closable(pieces: AsyncIterator[Delta]) -> AsyncGenerator[Delta]:
    """Make any iterator an async generator that closes what it reads."""
    try:
        async for delta in pieces:
            yield delta
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
