"""A chat model that says what a test wrote down, and notes what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

Line = AIMessage | Exception | Callable[[list[BaseMessage]], AIMessage]


class ScriptedModel(BaseChatModel):
    """Gives its lines one by one; the last one again and again.

    Parameters
    ----------
    lines : sequence
        A message is said, a function is called with the conversation, an exception is raised.

    Attributes
    ----------
    heard : list of list of BaseMessage
        The conversation of each call.
    offered : list of list of str
        The names of the tools of each call.
    """

    lines: Sequence[Any]
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    offered: list[list[str]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        """Take tools along, to note which were offered."""
        names = [convert_to_openai_tool(tool)["function"]["name"] for tool in tools]
        return self.bind(offered=names, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        line = self.lines[min(len(self.heard), len(self.lines) - 1)]
        self.heard.append(list(messages))
        self.offered.append(kwargs.get("offered", []))
        if isinstance(line, Exception):
            raise line
        message = line(list(messages)) if callable(line) else line.model_copy(deep=True)
        return ChatResult(generations=[ChatGeneration(message=message)])


def calling(
    name: str, arguments: dict[str, Any], *, call_id: str | None = None, text: str = ""
) -> Callable[..., AIMessage]:
    """Return a line that calls a tool, under a fresh id each time."""
    count = iter(range(10_000))

    def line(_: list[BaseMessage]) -> AIMessage:
        identity = call_id or f"{name}_{next(count)}"
        return AIMessage(
            text, tool_calls=[{"name": name, "args": arguments, "id": identity, "type": "tool_call"}]
        )

    return line
