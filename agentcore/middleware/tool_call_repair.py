"""Tool calls that are written wrongly: repaired, asked for again, or told back; never a silent end.

An agent of LangChain ends, with an empty answer, when its model's only call cannot be parsed. Under this
middleware a call is first repaired (see :mod:`agentcore.messages`); if that is not possible the model is asked
again, at most twice, with what was wrong; then the error becomes a tool message and the agent goes on. If that
happens again and again, the agent ends with a message that says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentcore._numbers import check_count
from agentcore.messages import (
    ReadMessage,
    close_dangling_calls,
    is_told_problem,
    read_message,
    tell_problems,
)

__all__ = ["ToolCallRepair"]

Schemas = Mapping[str, Mapping[str, Any]]


class ToolCallRepair(AgentMiddleware[Any, Any]):
    """Makes every tool call of a model usable, or tells the model why it is not.

    Parameters
    ----------
    max_reasks : int
        How often the model is asked again for one message.
    max_failed_rounds : int
        After so many messages in a row without a usable call, the agent ends with the reason.

    Raises
    ------
    ConfigurationError
        If a number is negative or no whole one, or no failed round is allowed.
    """

    def __init__(self, *, max_reasks: int = 2, max_failed_rounds: int = 3) -> None:
        super().__init__()
        check_count("max_reasks", max_reasks)
        check_count("max_failed_rounds", max_failed_rounds, least=1)
        self.max_reasks = max_reasks
        self.max_failed_rounds = max_failed_rounds

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model until its calls are usable, or the tries are used up."""
        request = _closed(request)
        schemas, structured = _schemas(request), _structured_names(request)
        asked = request
        for attempt in range(self.max_reasks + 1):
            response = handler(asked)
            read = _read(response, schemas, structured)
            if read is None or not read.problems or attempt == self.max_reasks:
                break
            asked = _asked_again(request, read, schemas)
        return self._settled(request, response, read, schemas)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Async twin of :meth:`wrap_model_call`."""
        request = _closed(request)
        schemas, structured = _schemas(request), _structured_names(request)
        asked = request
        for attempt in range(self.max_reasks + 1):
            response = await handler(asked)
            read = _read(response, schemas, structured)
            if read is None or not read.problems or attempt == self.max_reasks:
                break
            asked = _asked_again(request, read, schemas)
        return self._settled(request, response, read, schemas)

    def _settled(
        self,
        request: ModelRequest[Any],
        response: ModelResponse[Any],
        read: ReadMessage | None,
        schemas: Schemas,
    ) -> ModelResponse[Any]:
        """Return the response with usable calls, and errors for those that are not."""
        if read is None or not read.calls:
            return response
        if not read.problems:
            return ModelResponse(result=[read.message], structured_response=response.structured_response)
        is_hopeless = len(read.problems) == len(read.calls)
        if is_hopeless and _num_failed_rounds(request.messages) + 1 >= self.max_failed_rounds:
            return ModelResponse(result=[_farewell(read)])
        told = tell_problems(read, schemas, only_unusable=True)
        return ModelResponse(result=[read.message, *told])


def _closed(request: ModelRequest[Any]) -> ModelRequest[Any]:
    """Return the request with a conversation that every server takes."""
    closed = close_dangling_calls(request.messages)
    return request if closed == list(request.messages) else request.override(messages=_any(closed))


def _read(response: ModelResponse[Any], schemas: Schemas, structured: Sequence[str]) -> ReadMessage | None:
    """Read the one message of a response; None where there is nothing to repair."""
    if response.structured_response is not None or len(response.result) != 1:
        return None
    message = response.result[0]
    return read_message(message, schemas, ignore=structured) if isinstance(message, AIMessage) else None


def _asked_again(request: ModelRequest[Any], read: ReadMessage, schemas: Schemas) -> ModelRequest[Any]:
    """Return the request with the failed message and what is wrong with it."""
    told = tell_problems(read, schemas)
    return request.override(messages=_any([*request.messages, read.message, *told]))


def _schemas(request: ModelRequest[Any]) -> Schemas:
    """Return the schema of each tool's arguments by name; servers' own tools have none and take anything."""
    schemas: dict[str, Mapping[str, Any]] = {}
    for tool in request.tools:
        if isinstance(tool, dict) and "function" not in tool and "parameters" not in tool:
            schemas[str(tool.get("name") or tool.get("type"))] = {}
            continue
        function = convert_to_openai_tool(tool)["function"]
        schemas[function["name"]] = function.get("parameters") or {}
    return schemas


def _structured_names(request: ModelRequest[Any]) -> list[str]:
    """Return the names of the tools that stand for a structured answer."""
    form = request.response_format
    return [spec.name for spec in form.schema_specs] if isinstance(form, ToolStrategy) else []


def _num_failed_rounds(messages: Sequence[BaseMessage]) -> int:
    """Count the messages in a row, up to now, whose calls were all told back."""
    rounds = 0
    position = len(messages) - 1
    while position >= 0:
        end = position
        while position >= 0 and is_told_problem(messages[position]):
            position -= 1
        message = messages[position] if position >= 0 else HumanMessage("")
        if not isinstance(message, AIMessage) or end - position != len(message.tool_calls) or end == position:
            break
        rounds += 1
        position -= 1
    return rounds


def _farewell(read: ReadMessage) -> AIMessage:
    """Build the message with which an agent ends whose model writes no usable call."""
    problem = next(iter(read.problems.values()))
    text = f"Stopped: the model wrote no usable tool call, also when asked again (last problem: {problem})."
    said = f"{read.message.text.strip()}\n\n{text}" if read.message.text.strip() else text
    return AIMessage(
        said,
        response_metadata={**read.message.response_metadata, "finish_reason": "invalid_tool_calls"},
        usage_metadata=read.message.usage_metadata,
    )


def _any(messages: Sequence[BaseMessage]) -> list[AnyMessage]:
    """Say that these messages are of LangChain's own classes, which its request asks for."""
    return list(messages)  # type: ignore[arg-type]  # every message here came out of the request
