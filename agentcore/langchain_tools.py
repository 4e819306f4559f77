"""Our tools as LangChain tools, for `create_agent` and anything else that speaks LangChain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException

from agentcore.tools import ToolError, ToolRegistry, ToolSpec

__all__ = ["as_langchain_tool", "as_langchain_tools"]


def as_langchain_tool(spec: ToolSpec) -> BaseTool:
    """Return a LangChain tool that runs one of ours.

    The model sees the spec's own JSON Schema. Arguments are checked against it, and an error of the tool becomes the
    text of its result with status ``error``, which the model can act on; it never ends the agent.

    Parameters
    ----------
    spec : ToolSpec
        Its labels are kept in the tool's metadata: ``untrusted``, ``private``, ``outward``.
    """
    registry = ToolRegistry([spec])

    def call(**arguments: Any) -> str:
        try:
            return registry.call(spec.name, arguments)
        except ToolError as exc:
            raise ToolException(str(exc)) from exc

    return StructuredTool(
        name=spec.name,
        description=spec.description,
        args_schema=dict(spec.parameters),
        func=call,
        handle_tool_error=True,
        metadata={"untrusted": spec.untrusted, "private": spec.private, "outward": spec.outward},
    )


def as_langchain_tools(specs: Iterable[ToolSpec]) -> list[BaseTool]:
    """Return a LangChain tool for each of ours."""
    return [as_langchain_tool(spec) for spec in specs]
