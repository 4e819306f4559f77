"""A chat model whose thinking is trimmed while it streams, around any other chat model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from pydantic import ConfigDict

from agentcore.decoding.trimming import Trimming
from agentcore.middleware._continuation import Continuation
from agentcore.middleware._trim_session import TrimSession, Watched

__all__ = ["OnTrim", "TrimmedChatModel", "trimmed"]

OnTrim = Callable[[dict[str, Any]], object]
"""Told of every cut: reason, tokens, tokens_saved, detail, continuation and what it cost."""


class TrimmedChatModel(BaseChatModel):
    """Any streaming chat model, its reasoning cut short where a detector says so.

    Parameters
    ----------
    inner : BaseChatModel
        The model; one that cannot stream is passed through untrimmed.
    trimming : Trimming
        Detectors and verifiers, shared between models.
    watch : {"thinking", "all"}
        Only what the model marks as reasoning, or its whole text, for a model that reasons in its answer. Tool calls are never
        watched: the watch ends where one begins.
    continuation : Continuation
        How a cut reply goes on.
    on_trim : callable, optional
        Told of every cut.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    inner: BaseChatModel
    trimming: Trimming
    watch: Watched = "thinking"
    continuation: Continuation = "auto"
    on_trim: OnTrim | None = None

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return dict(self.inner._identifying_params)

    @property
    def model_name(self) -> str:
        """The inner model's name."""
        return str(
            getattr(self.inner, "model_name", None) or getattr(self.inner, "model", "") or self._llm_type
        )

    @property
    def model_digest(self) -> str | None:
        """The inner model's digest."""
        digest = getattr(self.inner, "model_digest", None)
        return None if digest is None else str(digest)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools, in the inner model's own form."""
        bound = self.inner.bind_tools(tools, **kwargs)
        if isinstance(bound, RunnableBinding) and isinstance(bound.bound, BaseChatModel):
            return self.model_copy(update={"inner": bound.bound}).bind(**bound.kwargs)
        if isinstance(bound, BaseChatModel):
            return self.model_copy(update={"inner": bound})
        return bound

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Runnable[LanguageModelInput, Any]:
        """Return the inner model with structured output; constrained answers are not trimmed."""
        return self.inner.with_structured_output(schema, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop=stop, run_manager=run_manager, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [
            chunk async for chunk in self._astream(messages, stop=stop, run_manager=run_manager, **kwargs)
        ]
        return generate_from_stream(iter(chunks))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        session = self._session(messages, kwargs)
        try:
            for chunk in _chunks(self.inner, messages, stop, kwargs):
                session.take(chunk)
                yield chunk
                if session.verdict is not None:
                    break
            if session.verdict is None:
                return
            for request in session.requests():
                rest = _chunks(request.model, request.messages, stop, request.options)
                try:
                    first = next(rest, None)
                except Exception:
                    if request.mode == "reask":
                        raise
                    continue
                yield session.seam(request)
                if first is not None:
                    yield session.clean(first)
                    yield from map(session.clean, rest)
                yield from session.tail()
                return
        finally:
            session.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        session = self._session(messages, kwargs)
        try:
            chunks = _achunks(self.inner, messages, stop, kwargs)
            try:
                async for chunk in chunks:
                    session.take(chunk)
                    yield chunk
                    if session.verdict is not None:
                        break
            finally:
                await _aclose(chunks)
            if session.verdict is None:
                return
            for request in session.requests():
                rest = _achunks(request.model, request.messages, stop, request.options)
                try:
                    first = await anext(rest, None)
                except Exception:
                    if request.mode == "reask":
                        raise
                    continue
                try:
                    yield session.seam(request)
                    if first is not None:
                        yield session.clean(first)
                        async for chunk in rest:
                            yield session.clean(chunk)
                finally:
                    await _aclose(rest)
                for chunk in session.tail():
                    yield chunk
                return
        finally:
            session.close()

    def _session(self, messages: list[BaseMessage], options: dict[str, Any]) -> TrimSession:
        return TrimSession(
            self.inner,
            messages,
            options,
            trimming=self.trimming,
            watch=self.watch,
            continuation=self.continuation,
            on_trim=self.on_trim,
        )


class _TrimmedEngine(TrimmedChatModel):
    """The same around a local engine, whose other abilities stay in reach; raw completions are not trimmed."""

    def complete(self, prompt: str, **options: Any) -> str:
        """Continue raw text, as the inner model does."""
        return str(self.inner.complete(prompt, **options))  # type: ignore[attr-defined]

    def stream_completion(self, prompt: str, **options: Any) -> Generator[str, None, None]:
        """Continue raw text piece by piece; an inner model that cannot gives it whole."""
        if hasattr(self.inner, "stream_completion"):
            yield from self.inner.stream_completion(prompt, **options)
        else:
            yield self.complete(prompt, **options)

    def attend(self, prompt: str, heads: Any) -> Any:
        """Return the inner model's attention."""
        return self.inner.attend(prompt, heads)  # type: ignore[attr-defined]

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the inner model's likelihoods."""
        return list(self.inner.score(prompt, continuations))  # type: ignore[attr-defined]

    def count_tokens(self, text: str) -> int:
        """Count tokens as the inner model does."""
        return int(self.inner.count_tokens(text))  # type: ignore[attr-defined]


def trimmed(
    model: BaseChatModel,
    *,
    trimming: Trimming | None = None,
    watch: Literal["thinking", "all"] = "thinking",
    continuation: Continuation = "auto",
    on_trim: OnTrim | None = None,
) -> TrimmedChatModel:
    """Return a chat model whose thinking is trimmed; also a backbone for `agentcore.Agent`.

    Parameters
    ----------
    model : BaseChatModel
        Any chat model.
    trimming : Trimming, optional
        Detectors and verifiers; the rule cascade by default.
    watch, continuation, on_trim
        As for `TrimmedChatModel`.
    """
    kind = (
        _TrimmedEngine
        if all(hasattr(model, name) for name in ("complete", "attend", "score"))
        else TrimmedChatModel
    )
    return kind(
        inner=model,
        trimming=trimming or Trimming(),
        watch=watch,
        continuation=continuation,
        on_trim=on_trim,
        profile=model.profile,
    )


def _chunks(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
) -> Iterator[ChatGenerationChunk]:
    """Stream a model; one that cannot stream gives its whole reply at once."""
    if _streams(model, "_stream"):
        yield from model._stream(messages, stop=stop, **options)
        return
    result = model._generate(messages, stop=stop, **options)
    yield _whole(result)


async def _achunks(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
) -> AsyncIterator[ChatGenerationChunk]:
    """Stream a model on the running loop."""
    if not (_streams(model, "_astream") or _streams(model, "_stream")):
        yield _whole(await model._agenerate(messages, stop=stop, **options))
        return
    chunks = model._astream(messages, stop=stop, **options)
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await _aclose(chunks)


def _streams(model: BaseChatModel, name: str) -> bool:
    """Whether a model implements a way to stream."""
    return getattr(type(model), name) is not getattr(BaseChatModel, name)


def _whole(result: ChatResult) -> ChatGenerationChunk:
    """Return a whole reply as one chunk."""
    message = result.generations[0].message
    assert isinstance(message, AIMessage)
    fields = message.model_dump(exclude={"type", "tool_calls", "invalid_tool_calls"})
    chunks = [
        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
        for index, call in enumerate(message.tool_calls)
    ]
    return ChatGenerationChunk(message=AIMessageChunk(**fields, tool_call_chunks=chunks))


async def _aclose(chunks: AsyncIterator[ChatGenerationChunk]) -> None:
    """Close an async iterator that can be closed."""
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
