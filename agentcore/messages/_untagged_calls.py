"""Calls without marks: bare JSON, JSON or Python in a code fence, Python call text.

Without marks a text is a call only if it says so clearly: it ends with it, and it names a known tool or has
both a name and arguments. Prose that speaks about a call, and JSON that happens to have a ``name``, stay text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any

from agentcore.messages._found import FoundCalls, WrittenCall
from agentcore.messages._names import nearest_name
from agentcore.messages._tagged_calls import unfenced

NAME_KEYS = ("name", "function", "tool", "tool_name", "function_name", "action")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "kwargs", "tool_input", "action_input")

_KEYED = re.compile(
    rf"""["']?\b(?:{"|".join(NAME_KEYS)})\b["']?\s*[:=]\s*\{{?\s*(?:["']name["']\s*:\s*)?["']?([\w.\-: ]+)"""
)
_ARGUMENTS = re.compile(rf"""["']?\b(?:{"|".join(ARGUMENT_KEYS)})\b["']?\s*[:=]""")
_LAST_FENCE = re.compile(r"```(\w*)[ \t]*\n(.*?)(?:\n?```)?\s*\Z", re.DOTALL)
_PYTHON_FENCES = {"", "python", "py", "tool_code", "tool_call", "tool_calls"}

__all__ = ["ARGUMENT_KEYS", "NAME_KEYS", "find_untagged_calls", "python_calls"]


def find_untagged_calls(text: str, names: Collection[str]) -> FoundCalls:
    """Return the calls with which the text ends.

    Parameters
    ----------
    text : str
        What the model wrote.
    names : collection of str
        The tools that there are.
    """
    fence = _last_fence(text)
    if fence:
        start, language, inside = fence
        calls = _json_calls(inside, names, "fenced") if "{" in inside else ()
        if not calls and language in _PYTHON_FENCES:
            calls = tuple(_known(python_calls(inside, "fenced"), names))
        if calls:
            return FoundCalls(text=text[:start].strip(), calls=calls)
    for start in (match.start() for match in re.finditer(r"[\[{]", text)):
        if calls := _json_calls(text[start:], names, "json"):
            return FoundCalls(text=text[:start].strip().removesuffix("```json").strip(), calls=calls)
    return _last_lines(text, names)


def python_calls(text: str, form: str) -> tuple[WrittenCall, ...]:
    """Return the calls of Python text that consists of calls and nothing else; else nothing.

    A list of calls, an assignment, ``print(...)`` around a call and a module before the name are understood.
    Positional arguments are kept under their number, for the schema to name.
    """
    try:
        statements = ast.parse(unfenced(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: list[WrittenCall] = []
    for statement in statements:
        if not isinstance(statement, ast.Expr | ast.Assign):
            return ()
        calls = _calls_of(statement.value)
        if not calls:
            return ()
        found += [_written(call, form) for call in calls]
    return tuple(found)


def _last_fence(text: str) -> tuple[int, str, str] | None:
    """Return (start, language, inside) of the code fence with which the text ends."""
    start = text.rfind("```", 0, len(text.rstrip().removesuffix("```")))
    match = _LAST_FENCE.match(text, start) if start >= 0 else None
    return (start, match[1].lower(), match[2]) if match else None


def _json_calls(text: str, names: Collection[str], form: str) -> tuple[WrittenCall, ...]:
    """Return the text as one written call if it reads like JSON of calls."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return ()
    keyed = _KEYED.search(stripped[:400])
    if not keyed:
        return ()
    if nearest_name(keyed[1].strip(), names) is None and not _ARGUMENTS.search(stripped):
        return ()
    if not re.search(r"[\]}]\s*;?\s*\Z", stripped) and not _is_cut(stripped):
        return ()  # prose goes on behind it
    return (WrittenCall(form, stripped),)


def _is_cut(text: str) -> bool:
    """Tell whether a text breaks off inside its brackets."""
    return text.count("{") > text.count("}") or text.count("[") > text.count("]")


def _last_lines(text: str, names: Collection[str]) -> FoundCalls:
    """Return the Python calls of the lines with which the text ends."""
    lines = text.rstrip().splitlines()
    for first in range(len(lines)):
        block = "\n".join(lines[first:])
        if "(" in lines[first] and (calls := tuple(_known(python_calls(block, "python"), names))):
            return FoundCalls(text="\n".join(lines[:first]).strip(), calls=calls)
    return FoundCalls(text=text, calls=())


def _known(calls: tuple[WrittenCall, ...], names: Collection[str]) -> tuple[WrittenCall, ...]:
    """Return the calls if all of them are of known tools, or nothing: other code is no call."""
    return calls if all(nearest_name(call.name or "", names) for call in calls) else ()


def _calls_of(value: ast.expr) -> list[ast.Call]:
    """Return the calls of an expression: itself, or the members of a list; none if there is anything else."""
    members = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    calls = []
    for member in members:
        if not isinstance(member, ast.Call):
            return []
        inner = member.args[0] if _dotted(member.func) == "print" and len(member.args) == 1 else None
        calls.append(inner if isinstance(inner, ast.Call) else member)
    return calls


def _written(call: ast.Call, form: str) -> WrittenCall:
    """Return a call of Python's syntax; an argument that is no literal stays text, so that a check refuses it."""
    arguments: dict[str, Any] = {str(number): _literal(value) for number, value in enumerate(call.args)}
    for keyword in call.keywords:
        if keyword.arg is None and isinstance(spread := _literal(keyword.value), Mapping):
            arguments.update(spread)
        else:
            arguments[keyword.arg or "**"] = _literal(keyword.value)
    name = _dotted(call.func)
    return WrittenCall(form, arguments, name=name.removesuffix(".call") if "." in name else name)


def _literal(value: ast.expr) -> Any:
    """Return a literal's value, or an `Unreadable` with its text."""
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Unreadable(ast.unparse(value))


class Unreadable(str):
    """The text of an argument whose value only running the code would tell."""

    __slots__ = ()


def _dotted(function: ast.expr) -> str:
    """Return ``a.b`` for a name with attributes, or an empty string."""
    if isinstance(function, ast.Attribute):
        return f"{_dotted(function.value)}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""
