"""How a chat model goes on after its thinking was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentcore.decoding.trimming import Verdict, guide_prompt

__all__ = ["Continuation", "Request", "Written", "continuations"]

Continuation = Literal["auto", "prefill", "continue", "reask"]

_REASK = "Stop thinking now and give your answer, from the thinking so far."
_REASK_ACTION = "Stop thinking now and make the tool call that you have decided on."
_FORCED_CHOICE = {"agentcore-local": "any"}
_OFFICIAL = "api.openai.com"
_LEAST_ANSWER = 64
"""Tokens that the rest may always take: a model cut close to its limit must still be able to answer."""


@dataclass(slots=True)
class Written:
    """What a model had written when it was cut: thinking apart from content, and whether it used think tags."""

    thinking: str = ""
    content: str = ""
    has_thinking_part: bool = False

    def text(self) -> str:
        """Return it as the model itself would have written it."""
        return f"<think>{self.thinking}" if self.has_thinking_part else self.content


@dataclass(frozen=True, slots=True)
class Request:
    """One way to ask for the rest."""

    mode: Continuation
    model: BaseChatModel
    messages: list[BaseMessage]
    options: dict[str, Any]
    guide: str


def continuations(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    written: Written,
    verdict: Verdict,
    *,
    options: dict[str, Any],
    mode: Continuation,
    forces_action: bool,
    tokens_left: int | None = None,
) -> list[Request]:
    """Return the requests to try in turn; the last always works where the model works.

    Parameters
    ----------
    model : BaseChatModel
        Who was cut.
    messages : sequence of BaseMessage
        The conversation as it was sent.
    written : Written
        What came of it.
    verdict : Verdict
        Why it was cut.
    options : dict
        What the call was made with (tools and so on).
    mode : Continuation
        ``auto`` takes a local engine's prefill, a compatible server's ``continue_final_message``, else a re-ask.
    forces_action : bool
        The model had decided on a tool call: it must now make one.
    tokens_left : int, optional
        What the call's limit leaves for the rest; None for no limit.
    """
    if tokens_left is not None:
        model, options = _limited(model, options, max(tokens_left, _LEAST_ANSWER))
    if forces_action:
        options = {**options, "tool_choice": _FORCED_CHOICE.get(model._llm_type, "required")}
    guide = guide_prompt(verdict, end_of_thinking="</think>" if written.has_thinking_part else "")
    if forces_action:
        guide = "</think>\n\n" if written.has_thinking_part else "\n\n"
    if getattr(model, "starts_in_thought", False):
        model = model.model_copy(update={"starts_in_thought": False})
    ways: list[Request] = []
    text = written.text() + guide
    if mode == "prefill" or (mode == "auto" and getattr(model, "supports_prefill", False)):
        ways.append(Request("prefill", model, list(messages), {**options, "prefill": text}, guide))
    if mode == "continue" or (mode == "auto" and _is_compatible_server(model)):
        flags = {"continue_final_message": True, "add_generation_prompt": False}
        ways.append(Request("continue", model, [*messages, AIMessage(text)], {**options, **flags}, guide))
    thought = (written.thinking or written.content).strip() or "(nothing yet)"
    ask = HumanMessage(_REASK_ACTION if forces_action else _REASK)
    return [*ways, Request("reask", model, [*messages, AIMessage(thought), ask], options, guide)]


def _limited(
    model: BaseChatModel, options: dict[str, Any], tokens: int
) -> tuple[BaseChatModel, dict[str, Any]]:
    """Set the limit of the rest where the limit of the call came from."""
    if options.get("max_tokens"):
        return model, {**options, "max_tokens": tokens}
    return model.model_copy(update={"max_tokens": tokens}), options


def _is_compatible_server(model: BaseChatModel) -> bool:
    """Whether this is a server that may know vLLM's and SGLang's flags; OpenAI's own refuses them."""
    url = str(getattr(model, "base_url", "") or getattr(model, "openai_api_base", "") or "")
    return bool(url) and _OFFICIAL not in url
