"""Thought trimming for agents: ends a model's reasoning once it has its answer or its next action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agentcore.decoding.trimming import StopSignal, Trimming, TrimmingConfig, neutralise
from agentcore.errors import ConfigurationError
from agentcore.middleware._continuation import Continuation
from agentcore.middleware._intent import ActionCounter, tool_names
from agentcore.middleware._trimmed_model import OnTrim, TrimmedChatModel, trimmed

__all__ = ["ThoughtTrimming", "TrimmedChatModel", "TrimmingMetrics", "trimmed"]


@dataclass(frozen=True, slots=True)
class TrimmingMetrics:
    """What trimming did so far, over all calls.

    Attributes
    ----------
    calls, cuts : int
        Model calls watched, and those cut.
    reasons : dict
        Cuts by detector.
    tokens_saved : int
        Estimate, verifier tokens subtracted.
    verifier_tokens, verifier_ms, decoder_wait_ms, late_verdicts, failed_looks
        What it cost; the decoder's wait is 0 by construction, and measured.
    """

    calls: int = 0
    cuts: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    tokens_saved: int = 0
    verifier_tokens: int = 0
    verifier_ms: float = 0.0
    decoder_wait_ms: float = 0.0
    late_verdicts: int = 0
    failed_looks: int = 0


class ThoughtTrimming(AgentMiddleware[Any, Any]):
    """Cut the reasoning of every model call short where a detector says so; sync and async.

    The model is wrapped for the call, so it must be able to stream; streaming of the agent's own goes on as before. Before the call
    what users and tools supplied is neutralised, and an assistant's prefix that a caller put at the end is dropped: guide prompts
    are ours alone. Three equal intended actions in a row force the act (calls that are really repeated belong to a loop guard).

    Parameters
    ----------
    config : TrimmingConfig, optional
        Constants; `TrimmingConfig(caution=...)` from 8 (bold) to 14 (cautious).
    signal : StopSignal, optional
        A verifier beside the rules, never waited for: `AgreementSignal(LikelihoodVerifier(...))` or `SelfProbe(...)`.
    watch : {"thinking", "all"}
        Only marked reasoning, or the whole text of a model that reasons in its answer.
    continuation : Continuation
        How a cut reply goes on: ``auto``, ``prefill``, ``continue`` or ``reask``.
    on_trim : callable, optional
        Told of every cut with a JSON-able dict; the agent's custom stream gets the same as ``{"type": "trim", ...}``.
    """

    def __init__(
        self,
        config: TrimmingConfig | None = None,
        *,
        signal: StopSignal | None = None,
        watch: Literal["thinking", "all"] = "thinking",
        continuation: Continuation = "auto",
        on_trim: OnTrim | None = None,
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("watch", watch, ("thinking", "all")),
            ("continuation", continuation, get_args(Continuation)),
        ):
            if value not in known:
                raise ConfigurationError(f"{name} is {value!r}: use {', '.join(map(repr, known))}")
        self._trimming = Trimming(config, signal=signal)
        self._watch = watch
        self._continuation = continuation
        self._on_trim = on_trim

    @property
    def metrics(self) -> TrimmingMetrics:
        """What it did so far."""
        reports = list(self._trimming.reports)
        reasons = Counter[str](report.verdict.reason for report in reports if report.verdict is not None)
        return TrimmingMetrics(
            calls=len(reports),
            cuts=reasons.total(),
            reasons=dict(reasons),
            tokens_saved=sum(report.tokens_saved for report in reports),
            verifier_tokens=sum(report.verifier_tokens for report in reports),
            verifier_ms=sum(report.verifier_ms for report in reports),
            decoder_wait_ms=sum(report.decoder_wait_ms for report in reports),
            late_verdicts=sum(report.num_late for report in reports),
            failed_looks=sum(report.num_failed for report in reports),
        )

    def close(self) -> None:
        """End the verifier's thread."""
        self._trimming.close()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Make one call with a trimmed model."""
        return handler(self._prepare(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Make one call with a trimmed model."""
        return await handler(self._prepare(request))

    def _prepare(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """Return the request with a trimmed model and safe messages."""
        model = trimmed(
            request.model,
            trimming=self._trimming,
            watch=self._watch,
            continuation=self._continuation,
            on_trim=self._teller(request),
        )
        messages = safe_messages(request.messages)
        if (
            request.tool_choice is None
            and request.tools
            and _keeps_intending(messages, request, self._trimming.config)
        ):
            return request.override(model=model, messages=messages, tool_choice="any")
        return request.override(model=model, messages=messages)

    def _teller(self, request: ModelRequest[Any]) -> OnTrim:
        """Return who is told of a cut: the caller's function and the agent's custom stream."""

        def tell(told: dict[str, Any]) -> None:
            if self._on_trim is not None:
                self._on_trim(told)
            write = getattr(request.runtime, "stream_writer", None)
            if write is not None:
                write({"type": "trim", **told})

        return tell


def safe_messages(messages: list[AnyMessage]) -> list[AnyMessage]:
    """Return messages in which nothing of a user's or a tool's can pass for thinking, a turn or a guide.

    A caller's assistant message at the end, which a server would continue, is dropped.

    Raises
    ------
    ConfigurationError
        If nothing else is left: a conversation of an assistant's words alone.
    """
    safe = [_safe(message) for message in messages]
    while safe and isinstance(safe[-1], AIMessage) and not safe[-1].tool_calls:
        safe.pop()
    if messages and not safe:
        raise ConfigurationError("the conversation holds only assistant messages: add a user's message")
    return safe


def _safe(message: AnyMessage) -> AnyMessage:
    """Neutralise the text of one message that is not the model's or the developer's."""
    if not isinstance(message, HumanMessage | ToolMessage):
        return message
    content = message.content
    if isinstance(content, str):
        cleaned: Any = neutralise(content)
    else:
        cleaned = [_safe_block(block) for block in content]
    return message if cleaned == content else message.model_copy(update={"content": cleaned})


def _safe_block(block: str | dict[str, Any]) -> str | dict[str, Any]:
    """Neutralise one block of a message's content."""
    if isinstance(block, str):
        return neutralise(block)
    return {**block, "text": neutralise(block["text"])} if isinstance(block.get("text"), str) else block


def _keeps_intending(messages: list[AnyMessage], request: ModelRequest[Any], config: TrimmingConfig) -> bool:
    """Whether the last turns of the model intend one and the same action without ever taking it."""
    counter = ActionCounter(tool_names(request.tools), agreements=config.agreements)
    since_act: list[AIMessage] = []
    for message in reversed(messages):
        if isinstance(message, ToolMessage) or (isinstance(message, AIMessage) and message.tool_calls):
            break
        if isinstance(message, AIMessage):
            since_act.append(message)
    intends = False
    for turn in reversed(since_act):
        intends = counter.push(str(turn.text)) or counter.end_turn() or intends
    return intends
