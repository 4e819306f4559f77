"""Answers that follow a schema: the grammar makes them, the parser reads them."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import SystemMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass

from agentcore.backbones._tool_format import closed

__all__ = ["structured_output"]

_METHODS = ("json_schema", "function_calling", "json_mode")


def structured_output(
    model: BaseChatModel,
    schema: dict[str, Any] | type | None,
    *,
    include_raw: bool,
    method: str = "json_schema",
    strict: bool | None = None,  # noqa: ARG001 - part of the interface; a grammar is always strict
) -> Runnable[LanguageModelInput, Any]:
    """Return `model` with answers that follow `schema`, parsed.

    Raises
    ------
    ValueError
        If `method` is unknown, or no schema is given and the method is not ``"json_mode"``.
    """
    if method not in _METHODS:
        raise ValueError(f"unknown method {method!r}: use one of {', '.join(_METHODS)}")
    if schema is None and method != "json_mode":
        raise ValueError(
            "structured output needs a schema: give a pydantic class, a TypedDict or a JSON schema"
        )
    json_schema = {"type": "object"} if schema is None else convert_to_json_schema(schema)
    bound = model.bind(
        response_schema=closed(json_schema),
        ls_structured_output_format={"kwargs": {"method": method}, "schema": json_schema},
    )
    asking = RunnableLambda(lambda given: _with_instruction(model, given, json_schema)) | bound
    parser: Runnable[Any, Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser(pydantic_object=schema)
    if not include_raw:
        return asking | parser
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    result: Runnable[LanguageModelInput, Any] = RunnableMap(raw=asking) | parsed.with_fallbacks(
        [failed], exception_key="parsing_error"
    )
    return result


def _with_instruction(model: BaseChatModel, given: LanguageModelInput, schema: dict[str, Any]) -> Any:
    """Tell the model the schema that the grammar will enforce: it chooses better values when it knows their names."""
    messages = model._convert_input(given).to_messages()
    shown = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    instruction = f"Answer with one JSON document that follows this schema: {shown}"
    if messages and isinstance(messages[0], SystemMessage):
        return [SystemMessage(f"{messages[0].text}\n\n{instruction}"), *messages[1:]]
    return [SystemMessage(instruction), *messages]
