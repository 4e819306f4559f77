"""The repair ladder of tool calls: what can be read with certainty is used, the rest is told back.

Rungs, each only if the one before did not do: the call as it is; its JSON repaired; the arguments brought into
the schema's form; a name that differs by case, separators, a prefix or one slip. A call that is still not usable
keeps its text and a problem in words, for a second question to the model or an error message to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentcore.messages._coercion import Schema, coerce, fault_of
from agentcore.messages._found import WrittenCall
from agentcore.messages._json_text import read_json
from agentcore.messages._names import nearest_name
from agentcore.messages._untagged_calls import ARGUMENT_KEYS, NAME_KEYS, Unreadable, python_calls

Schemas = Mapping[str, Schema]

__all__ = ["RepairedCall", "Schemas", "repair_call"]

_BESIDES = {"id", "type", "index", "call_id", "thought", "thoughts", "reasoning", "reason"}
_MISSING = object()


@dataclass(frozen=True, slots=True)
class RepairedCall:
    """What became of a written call.

    Attributes
    ----------
    written : WrittenCall
        What the model wrote.
    name : str
        A tool that exists, if the call is usable; else the name as written, or an empty string.
    arguments : dict
        Valid for the tool's schema if the call is usable; else as far as they could be read.
    problem : str
        Why the call cannot be used; empty if it can.
    changes : tuple of str
        What had to be changed.
    """

    written: WrittenCall
    name: str
    arguments: Mapping[str, Any]
    problem: str = ""
    changes: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether the call can be made."""
        return not self.problem


def repair_call(written: WrittenCall, schemas: Schemas) -> list[RepairedCall]:
    """Return the calls that a written one means: mostly one, never none.

    Parameters
    ----------
    written : WrittenCall
        What the model wrote.
    schemas : mapping of str to mapping
        JSON Schema of the arguments of each tool that there is.
    """
    if isinstance(written.payload, Mapping):
        return [_fit(written, written.name, dict(written.payload), schemas, ())]
    if written.name is None and (calls := python_calls(written.payload, written.format)):
        return [found for call in calls for found in repair_call(replace(call, id=written.id), schemas)]
    reading = read_json(written.payload)
    if reading.problem:
        return [_unusable(written, written.name, {}, reading.problem)]
    changes = (reading.change,) if reading.change else ()
    values = _flattened(reading.values) if written.name is None else list(reading.values)
    if not values or (written.name is not None and len(values) > 1):
        return [_unusable(written, written.name, {}, "it is no single object")]
    return [_read_value(written, value, schemas, changes) for value in values]


def _flattened(values: tuple[Any, ...]) -> list[Any]:
    """Return the members of lists of calls, and of ``{"tool_calls": [...]}``, one by one."""
    flat: list[Any] = []
    for value in values:
        inner = value.get("tool_calls") if isinstance(value, dict) and len(value) == 1 else value
        flat += inner if isinstance(inner, list) else [value]
    return flat


def _read_value(written: WrittenCall, value: Any, schemas: Schemas, changes: tuple[str, ...]) -> RepairedCall:
    """Find name and arguments in one value."""
    if not isinstance(value, dict):
        return _unusable(written, written.name, {}, "it is no object")
    name, arguments, extra = _name_and_arguments(value, written.name, schemas)
    if isinstance(arguments, str):
        reading = read_json(arguments) if arguments.strip() else read_json("{}")
        if reading.problem or len(reading.values) != 1:
            return _unusable(
                written, name, {}, f"the arguments cannot be read: {reading.problem or 'too many'}"
            )
        arguments = reading.values[0]
        changes = (*changes, reading.change) if reading.change else changes
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return _unusable(written, name, {}, "the arguments are no object")
    if extra:
        return _unusable(written, name, arguments, f"{', '.join(sorted(extra))} stands outside the arguments")
    return _fit(written, name, arguments, schemas, changes)


def _name_and_arguments(
    value: dict[str, Any], name: str | None, schemas: Schemas
) -> tuple[str | None, Any, set[str]]:
    """Return (name, arguments, keys that belong to neither)."""
    if name is not None:
        inner = _split(value)
        is_wrapped = (
            inner is not None and set(inner[2]) <= _BESIDES and nearest_name(inner[0], [name]) is not None
        )
        return (name, inner[1], set()) if inner and is_wrapped else (name, value, set())
    function = value.get("function")
    if isinstance(function, dict):
        return _name_and_arguments(function, None, schemas)
    if len(value) == 1:
        only, arguments = next(iter(value.items()))
        if isinstance(arguments, dict) and nearest_name(only, schemas):
            return only, arguments, set()
    found = _split(value)
    if found is not None:
        return found[0], found[1], set(found[2]) - _BESIDES
    for key in NAME_KEYS:  # the arguments lie flat beside the name
        if isinstance(value.get(key), str) and nearest_name(value[key], schemas):
            flat = {k: v for k, v in value.items() if k != key and k not in ("id", "type")}
            return value[key], flat, set()
    written = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    return written, {}, set()


def _split(value: Mapping[str, Any]) -> tuple[str, Any, list[str]] | None:
    """Return (name, arguments, other keys) of an object that has both, else None."""
    name_key = next((key for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    argument_key = next((key for key in ARGUMENT_KEYS if value.get(key, _MISSING) is not _MISSING), None)
    if name_key is None or argument_key is None:
        return None
    others = [key for key in value if key not in (name_key, argument_key)]
    return value[name_key], value[argument_key], others


def _fit(
    written: WrittenCall,
    name: str | None,
    arguments: dict[str, Any],
    schemas: Schemas,
    changes: tuple[str, ...],
) -> RepairedCall:
    """Match name and arguments with the tools."""
    if not name:
        return _unusable(written, name, arguments, "it names no tool")
    real = nearest_name(name, schemas)
    if real is None:
        return _unusable(written, name, arguments, f"there is no tool {name!r}")
    if unreadable := [key for key, value in arguments.items() if _holds_code(value)]:
        return _unusable(
            written, name, arguments, f"{', '.join(unreadable)}: only literal values can be read"
        )
    notes: list[str] = [] if real == name else [f"{name}: taken as {real}"]
    schema = schemas[real]
    fitted = coerce(arguments, schema, changes=notes)
    if not isinstance(fitted, dict):
        return _unusable(written, name, arguments, "the arguments are no object")
    lost = _lost(arguments, fitted, schema)
    if lost:
        return _unusable(written, name, arguments, f"{', '.join(lost)} was written twice")
    if fault := fault_of(fitted, schema):
        return _unusable(written, real, arguments, fault)
    return RepairedCall(written, real, fitted, changes=(*changes, *notes))


def _lost(arguments: Mapping[str, Any], fitted: Mapping[str, Any], schema: Schema) -> list[str]:
    """Return the arguments that fell on a name that another one has."""
    nulls = sum(value is None for value in arguments.values())
    properties = schema.get("properties", {})
    if len(fitted) + nulls >= len(arguments):
        return []
    return [key for key in arguments if key not in properties]


def _holds_code(value: Any) -> bool:
    """Tell whether an argument is code rather than a value."""
    return isinstance(value, Unreadable)


def _unusable(
    written: WrittenCall, name: str | None, arguments: Mapping[str, Any], problem: str
) -> RepairedCall:
    return RepairedCall(written, name or "", dict(arguments), problem=problem)
