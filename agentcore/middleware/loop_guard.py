"""Noticing that an agent calls the same tool with the same arguments and gets the same result, again and again.

A different result is no loop: polling and paging are work. Everything is counted from the conversation, since
the last message of the user, so it survives a resume and costs no state.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentcore._numbers import check_count
from agentcore.messages import is_from_user, notice

__all__ = ["LoopGuard"]

Call = tuple[str, str, str]


class LoopGuard(AgentMiddleware[Any, Any]):
    """Warns a model that goes round in circles, and then takes its tools away so that it answers.

    Parameters
    ----------
    warn_at : int
        From so many equal calls with equal results on, each further model call begins with a warning.
    strip_at : int
        From so many on, the model is called without tools.
    ignore : collection of str
        Tools that may be called as often as one likes.

    Raises
    ------
    ConfigurationError
        If a limit is no whole number from 2 on, or they are in the wrong order.
    """

    def __init__(self, *, warn_at: int = 3, strip_at: int = 5, ignore: Collection[str] = ()) -> None:
        super().__init__()
        check_count("warn_at", warn_at, least=2)
        check_count("strip_at", strip_at, least=warn_at, cure=", which is warn_at")
        self.warn_at = warn_at
        self.strip_at = strip_at
        self.ignore = frozenset(ignore)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model with a warning, or without tools, if its last calls are a loop."""
        checked = self._checked(request)
        response = handler(checked)
        return response if checked.tools or not request.tools else _without_calls(response)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Async twin of :meth:`wrap_model_call`."""
        checked = self._checked(request)
        response = await handler(checked)
        return response if checked.tools or not request.tools else _without_calls(response)

    def repetitions(self, messages: Sequence[BaseMessage]) -> tuple[str, int]:
        """Return the tool that the last calls repeat, and how often it gave the same for the same.

        Parameters
        ----------
        messages : sequence of BaseMessage
            The conversation.

        Returns
        -------
        tuple of str and int
            ``("", 0)`` if the last messages are no tool results.
        """
        calls = [call for call in _calls_since_user(messages) if call[0] not in self.ignore]
        counts = Counter(calls)
        latest = [call for call in _calls_since_user(_last_round(messages)) if call in counts]
        if not latest:
            return "", 0
        worst = max(latest, key=lambda call: counts[call])
        return worst[0], counts[worst]

    def _checked(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """Return the request as it may go to the model."""
        name, count = self.repetitions(request.messages)
        if count < self.warn_at:
            return request
        if count < self.strip_at:
            text = (
                f"{name} was called {count} times with the same arguments and gave the same result. "
                "Try something else, or answer from what you have."
            )
            return request.override(messages=[*request.messages, notice(text)])
        text = (
            f"{name} gave the same result {count} times. There are no more tool calls. "
            "Answer now from what you have, and say what is missing."
        )
        return request.override(messages=[*request.messages, notice(text)], tools=[], tool_choice=None)


def _without_calls(response: ModelResponse[Any]) -> ModelResponse[Any]:
    """Return the response without the calls that a model made though it had no tools: they would be run."""
    result: list[BaseMessage] = []
    for message in response.result:
        if isinstance(message, AIMessage) and message.tool_calls:
            text = message.text.strip() or "Stopped: the same tool call was repeated and led to no answer."
            message = message.model_copy(update={"tool_calls": [], "invalid_tool_calls": [], "content": text})
        result.append(message)
    return ModelResponse(result=result, structured_response=response.structured_response)


def _last_round(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return the last message with calls and the results behind it, if the conversation ends with them."""
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        if isinstance(message, AIMessage):
            return messages[position:] if message.tool_calls else ()
        if not isinstance(message, ToolMessage):
            return ()
    return ()


def _calls_since_user(messages: Sequence[BaseMessage]) -> list[Call]:
    """Return (tool, arguments, digest of the result) of each answered call since the user last spoke."""
    waiting: dict[str, tuple[str, str]] = {}
    calls: list[Call] = []
    for message in messages:
        if is_from_user(message):
            waiting.clear()
            calls.clear()
        elif isinstance(message, AIMessage):
            for call in message.tool_calls:
                arguments = json.dumps(call["args"], sort_keys=True, ensure_ascii=False, default=str)
                waiting[str(call["id"])] = (call["name"], arguments)
        elif isinstance(message, ToolMessage) and message.tool_call_id in waiting:
            name, arguments = waiting.pop(message.tool_call_id)
            result = hashlib.sha256(str(message.content).encode()).hexdigest()
            calls.append((name, arguments, result))
    return calls
