"""Tool choices, response formats and parsers in the form of the chat-completions protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.base import OutputParserLike
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass

__all__ = ["parser_of", "response_format_field", "tool_choice_field", "with_raw"]


def tool_choice_field(choice: dict[str, Any] | str | bool, names: Sequence[str]) -> dict[str, Any] | str:
    """Return a tool choice as the API writes it.

    Raises
    ------
    ValueError
        If it names a tool that is not bound.
    """
    if isinstance(choice, dict):
        return choice
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return str(choice)
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    raise ValueError(f"tool_choice {choice!r} is none of the tools {', '.join(names)}")


def response_format_field(method: str, spec: Mapping[str, Any], strict: bool | None) -> dict[str, Any]:
    """Return the field that asks for JSON."""
    if method == "json_mode":
        return {"type": "json_object"}
    if method != "json_schema":
        raise ValueError(f"unknown method {method!r}: use json_schema, function_calling or json_mode")
    form: dict[str, Any] = {"name": spec["name"], "schema": spec.get("parameters", {"type": "object"})}
    if strict is not None:
        form["strict"] = strict
    return {"type": "json_schema", "json_schema": form}


def parser_of(schema: Any, name: str, *, from_call: bool) -> OutputParserLike[Any]:
    """Return the parser of an answer, or of a forced tool call, that gives the schema's class or a dict."""
    model_class = schema if isinstance(schema, type) and is_basemodel_subclass(schema) else None
    if from_call and model_class:
        return PydanticToolsParser(tools=[model_class], first_tool_only=True)
    if from_call:
        return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
    return PydanticOutputParser(pydantic_object=model_class) if model_class else JsonOutputParser()


def with_raw(model: Runnable[Any, AIMessage], parser: OutputParserLike[Any]) -> Runnable[Any, dict[str, Any]]:
    """Return a runnable that gives the message, what was parsed, and the error if it could not be."""
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")
