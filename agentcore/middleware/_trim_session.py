"""One trimmed call of a chat model: what is watched, where it was cut, and how the two halves become one message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk

from agentcore.decoding.trimming import TagSplitter, Trimming, Verdict
from agentcore.middleware._continuation import Continuation, Request, Written, continuations
from agentcore.middleware._intent import ActionCounter, tool_names

__all__ = ["TrimSession", "Watched"]

Watched = Literal["thinking", "all"]


class TrimSession:
    """Follows one call; `take` decides, `seam` joins, `clean` keeps think tags out of what follows a cut."""

    def __init__(
        self,
        model: BaseChatModel,
        messages: list[BaseMessage],
        options: dict[str, Any],
        *,
        trimming: Trimming,
        watch: Watched,
        continuation: Continuation,
        on_trim: Callable[[dict[str, Any]], object] | None,
    ) -> None:
        self._model = model
        self._messages = messages
        self._options = options
        self._watch = watch
        self._continuation = continuation
        self._on_trim = on_trim
        limit = options.get("max_tokens") or getattr(model, "max_tokens", None)
        self._limit = limit if isinstance(limit, int) and limit > 0 else None
        self._controller = trimming.open(_question(messages), budget=self._limit)
        self._actions = ActionCounter(
            tool_names(options.get("tools") or ()), agreements=trimming.config.agreements
        )
        self._splitter = TagSplitter(opened=bool(getattr(model, "starts_in_thought", False)))
        self._after = TagSplitter(thinking=False)
        self._written = Written()
        self._is_watching = True
        self._forces_action = False
        self._usage: UsageMetadata | None = None
        self.verdict: Verdict | None = None

    def take(self, chunk: ChatGenerationChunk) -> None:
        """Watch one chunk of the first half."""
        message = chunk.message
        assert isinstance(message, AIMessageChunk)
        if message.usage_metadata is not None:
            self._usage = message.usage_metadata
        if message.tool_call_chunks:
            self._is_watching = False
        for text, kind in self._parts(message):
            if kind == "thinking":
                self._written.thinking += text
                self._written.has_thinking_part = True
            else:
                self._written.content += text
                if self._written.has_thinking_part and text.strip():
                    self._is_watching = False  # the thinking is over
            if self._is_watching and (kind == "thinking" or self._watch == "all"):
                self._judge(text)

    def requests(self) -> list[Request]:
        """Return the ways to ask for the rest, best first."""
        assert self.verdict is not None
        return continuations(
            self._model,
            self._messages,
            self._written,
            self.verdict,
            options=self._options,
            mode=self._continuation,
            forces_action=self._forces_action,
            tokens_left=None if self._limit is None else self._limit - self._controller.num_tokens,
        )

    def seam(self, request: Request) -> ChatGenerationChunk:
        """Return the chunk between the halves: our guide where the text goes on, the usage of the first half, the reason."""
        assert self.verdict is not None
        report = self._controller.close()
        told = {
            "reason": self.verdict.reason,
            "tokens": report.num_tokens,
            "tokens_saved": report.tokens_saved,
            "detail": self.verdict.detail,
            "continuation": request.mode,
            "thoughts": report.num_thoughts,
            "verifier_tokens": report.verifier_tokens,
            "verifier_ms": round(report.verifier_ms, 3),
            "decoder_wait_ms": round(report.decoder_wait_ms, 3),
        }
        if self._on_trim is not None:
            self._on_trim(told)
        shows_guide = not self._written.has_thinking_part and request.mode != "reask"
        text = request.guide if shows_guide else "\n\n" if self._written.content.strip() else ""
        message = AIMessageChunk(
            content=text, usage_metadata=self._first_usage(), response_metadata={"trimming": told}
        )
        return ChatGenerationChunk(message=message)

    def clean(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """Drop think tags from the text of the second half."""
        message = chunk.message
        if isinstance(message.content, str) and message.content:
            text = "".join(text for text, _ in self._after.push(message.content))
            message = message.model_copy(update={"content": text})
            return ChatGenerationChunk(message=message, generation_info=chunk.generation_info)
        return chunk

    def tail(self) -> Iterator[ChatGenerationChunk]:
        """Return what `clean` held back as a possible tag."""
        for text, _ in self._after.finish():
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))

    def close(self) -> None:
        """End the watch."""
        self._controller.close()

    def _judge(self, text: str) -> None:
        """Ask the detectors about one piece."""
        self.verdict = self._controller.push(text)
        if self.verdict is None and self._actions.push(text):
            assert self._actions.action is not None
            name, argument = self._actions.action
            self._forces_action = True
            detail = f"intends {name}({argument}) {self._actions.count} times in a row"
            self.verdict = self._controller.report.verdict = Verdict("over_thinking", 0, None, detail)

    def _parts(self, message: AIMessageChunk) -> Iterator[tuple[str, str]]:
        """Tell thinking from answer in a chunk, however the model marks it."""
        extra = message.additional_kwargs.get("reasoning_content") or message.additional_kwargs.get(
            "reasoning"
        )
        if isinstance(extra, str) and extra:
            yield extra, "thinking"
        blocks = [message.content] if isinstance(message.content, str) else message.content
        for block in blocks:
            if isinstance(block, str):
                yield from self._splitter.push(block)
            elif block.get("type") in ("reasoning", "thinking"):
                yield str(block.get("reasoning") or block.get("thinking") or ""), "thinking"
            elif block.get("type") == "text":
                yield from self._splitter.push(str(block.get("text", "")))

    def _first_usage(self) -> UsageMetadata | None:
        """Return the usage of the half that was cut: a cancelled request does not tell its own."""
        if self._usage is not None:
            return None
        read, wrote = count_tokens_approximately(self._messages), self._controller.num_tokens
        return UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)


def _question(messages: list[BaseMessage]) -> str:
    """Return the text of the last message of a user."""
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return str(message.text)
    return ""
