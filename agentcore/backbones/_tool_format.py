"""How tools are told to a model that was taught none, and what its calls look like as text.

A call is one JSON object between tags, as in the Hermes and Qwen templates; several calls follow each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from agentcore.errors import ConfigurationError

__all__ = [
    "CALL_END",
    "CALL_START",
    "ToolChoice",
    "call_grammar",
    "closed",
    "read_tool_choice",
    "tool_preamble",
    "written_calls",
]

CALL_START, CALL_END = "<tool_call>", "</tool_call>"
COMPACT = (",", ":")
SPACED = (", ", ": ")

# "auto": text or calls; "any": at least one call; "none": text only; else the name of the tool that must be called.
ToolChoice = Literal["auto", "any", "none"] | str  # noqa: PYI051 - the words are documentation


def tool_preamble(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return the system text that offers tools to a model whose template has no place for them."""
    lines = "\n".join(json.dumps(tool["function"], ensure_ascii=False, separators=COMPACT) for tool in tools)
    return (
        f"You answer by calling tools. The tools are, one a line:\n<tools>\n{lines}\n</tools>\n"
        "Reply only with calls, one for each thing asked:\n"
        f'{CALL_START}{{"name":"...","arguments":{{...}}}}{CALL_END}\n'
        "If no tool fits the request, reply in plain words instead.\n"
        'Example: asked "What is the weather in Oslo?" with a tool get_weather, reply\n'
        f'{CALL_START}{{"name":"get_weather","arguments":{{"city":"Oslo"}}}}{CALL_END}'
    )


def written_calls(calls: Sequence[Mapping[str, Any]]) -> str:
    """Return calls as the model would write them, one a line."""
    return "\n".join(
        CALL_START
        + json.dumps(
            {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
            ensure_ascii=False,
            separators=COMPACT,
        )
        + CALL_END
        for call in calls
    )


def call_grammar(
    tools: Sequence[Mapping[str, Any]],
    *,
    choice: ToolChoice,
    is_parallel: bool,
    json_rule: Any,
    separators: tuple[str, str] = COMPACT,
) -> str:
    """Return the grammar of an answer that may, or must, call tools.

    Parameters
    ----------
    tools : sequence of mapping
        Tools in OpenAI form.
    choice : str
        ``"auto"``, ``"any"`` or a tool's name.
    is_parallel : bool
        Whether several calls may follow each other.
    json_rule : callable
        From a schema and separators to a grammar rule.
    separators : (str, str)
        What the model writes between JSON items and after keys.
    """
    offered = [tool["function"] for tool in tools if choice in ("auto", "any", tool["function"]["name"])]
    item, key = separators
    rules = []
    for i, function in enumerate(offered):
        name = json.dumps(function["name"], ensure_ascii=False)
        head = json.dumps(f'{{"name"{key}{name}{item}"arguments"{key}', ensure_ascii=False)
        parameters = function.get("parameters") or {"properties": {}}
        rules.append(f'tool_{i}: {head} arguments_{i} "}}"')
        rules.append(
            f"arguments_{i}: {json_rule(closed({**parameters, 'type': 'object'}), separators=separators)}"
        )
    blank = '"\\n"' if separators == SPACED else '""'
    more = f'("\\n" {json.dumps(CALL_START)} body)*' if is_parallel else ""
    call = f"{json.dumps(CALL_START)} body {more}"
    start = (
        f"TEXT | opening body {more}\nopening[lazy]: TEXT {json.dumps(CALL_START)}"
        if choice == "auto"
        else call
    )
    union = " | ".join(f"tool_{i}" for i in range(len(offered)))
    return "\n".join(
        [
            "%llguidance {}",
            f"start: {start}",
            f"body: {blank} ({union}) {blank} {json.dumps(CALL_END)}",
            *rules,
            "TEXT: /(.|\\n)*/" if choice == "auto" else "",
        ]
    )


def closed(schema: Any) -> Any:
    """Return a schema whose objects take no keys but those they name, unless it says otherwise."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    copy = {
        key: value if key in ("enum", "const", "default", "examples") else closed(value)
        for key, value in schema.items()
    }
    if isinstance(copy.get("properties"), dict) and "type" in copy:
        copy.setdefault("additionalProperties", False)
    return copy


def read_tool_choice(choice: str | dict[str, Any] | bool | None, names: list[str]) -> ToolChoice:
    """Reduce the many ways to say which tool to ours.

    Raises
    ------
    ConfigurationError
        If a tool is named that is not among `names`.
    """
    if isinstance(choice, dict):
        choice = choice.get("function", choice).get("name", "")
    if choice is None or choice is False or choice == "auto":
        return "auto"
    if choice is True or choice in ("any", "required"):
        return "any"
    if choice == "none":
        return "none"
    if choice not in names:
        raise ConfigurationError(
            f"tool_choice {choice!r} is none of the tools: use auto, any, none or {', '.join(names)}"
        )
    return str(choice)
