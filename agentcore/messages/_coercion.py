"""Bringing arguments into the form of a tool's schema where only one reading is possible."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from agentcore.messages._names import nearest_name
from agentcore.messages._surrogates import join_surrogates

Schema = Mapping[str, Any]

__all__ = ["Schema", "coerce", "fault_of"]


def coerce(
    value: Any, schema: Schema, *, changes: list[str], path: str = "", root: Schema | None = None
) -> Any:
    """Return the value in the schema's form, or as it is where that would be a guess.

    Parameters
    ----------
    value : JSON value
        As the model wrote it; not modified.
    schema : mapping
        JSON Schema.
    changes : list of str
        Grows by one line for each change.
    path, root
        Where in the whole value and schema this is.
    """
    root = schema if root is None else root
    schema = _resolved(schema, root)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return _coerce_union(value, schema[union], changes=changes, path=path, root=root)
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not kinds and "properties" in schema:
        kinds = ["object"]
    new = _to_kind(value, kinds, schema)
    if new is not value:
        changes.append(f"{path or 'arguments'}: {_short(value)} read as {_short(new)}")
        value = new
    if isinstance(value, dict) and "object" in kinds:
        return _coerce_object(value, schema, changes=changes, path=path, root=root)
    if isinstance(value, list) and "array" in kinds and isinstance(schema.get("items"), Mapping):
        items = schema["items"]
        return [
            coerce(v, items, changes=changes, path=f"{path}[{i}]", root=root) for i, v in enumerate(value)
        ]
    return value


def fault_of(arguments: Any, schema: Schema) -> str:
    """Return why arguments do not fit a schema, with the place; empty if they do."""
    try:
        error = best_match(Draft202012Validator(dict(schema)).iter_errors(arguments))
    except SchemaError as exc:
        return f"the tool's own schema is wrong: {exc.message}"
    if error is None:
        return ""
    place = ".".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message}" if place else str(error.message)


def _coerce_object(
    value: dict[str, Any], schema: Schema, *, changes: list[str], path: str, root: Schema
) -> dict[str, Any]:
    """Give each property its name and form."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    optional = set(properties) - set(schema.get("required", ()))
    result: dict[str, Any] = {}
    for key, inner in value.items():
        name = key
        if key not in properties:
            free = [p for p in properties if p not in value]
            name = _by_position(key, list(properties)) or nearest_name(key, free) or key
        if name != key:
            changes.append(f"{path + '.' if path else ''}{key}: taken as {name}")
        place = f"{path}.{name}" if path else name
        if name not in properties:
            result[name] = inner
            continue
        new = coerce(inner, properties[name], changes=changes, path=place, root=root)
        if (
            new is None
            and name in optional
            and fault_of(None, {**properties[name], "$defs": root.get("$defs", {})})
        ):
            changes.append(f"{place}: null left out")
            continue
        result[name] = new
    return result


def _by_position(key: str, names: list[str]) -> str | None:
    """Return the property that a positional argument fills."""
    return names[int(key)] if key.isdecimal() and int(key) < len(names) else None


def _coerce_union(value: Any, options: Any, *, changes: list[str], path: str, root: Schema) -> Any:
    """Keep a value that fits one of the options; else take the only one that it can be brought to."""
    defs = {"$defs": root.get("$defs", {}), "definitions": root.get("definitions", {})}
    whole = [{**_resolved(option, root), **defs} for option in options]
    if any(not fault_of(value, option) for option in whole):
        return value
    found: list[tuple[Any, list[str]]] = []
    for option in whole:
        notes: list[str] = []
        new = coerce(value, option, changes=notes, path=path, root=root)
        if not fault_of(new, option):
            found.append((new, notes))
    if len(found) != 1:
        return value
    changes += found[0][1]
    return found[0][0]


def _to_kind(value: Any, kinds: list[str], schema: Schema) -> Any:
    """Return the value in one of these JSON types, or the same object if it cannot be, or is already."""
    if not kinds or _is_kind(value, kinds):
        return _enum_member(value, schema)
    if isinstance(value, str):
        new = _from_text(value, kinds)
        if new is not None:
            return new
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        return int(value)
    if "string" in kinds and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if "array" in kinds and value is not None and not isinstance(value, list):
        items = schema.get("items", {})
        inner = items.get("type") if isinstance(items, Mapping) else None
        if inner is None or _is_kind(value, [inner] if isinstance(inner, str) else list(inner)):
            return [value]
    return value


def _from_text(text: str, kinds: list[str]) -> Any | None:
    """Return what a text says in one of the JSON types; None if it says nothing of the kind."""
    stripped = text.strip()
    if stripped.lower() in ("true", "false") and "boolean" in kinds:
        return stripped.lower() == "true"
    try:
        value = json.loads(join_surrogates(stripped, is_json=True))
    except (ValueError, RecursionError):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer() and "integer" in kinds and "number" not in kinds:
        return int(value)
    return value if _is_kind(value, kinds) else None


def _enum_member(value: Any, schema: Schema) -> Any:
    """Return the member of an enumeration that differs only in case."""
    members = schema.get("enum")
    if not isinstance(value, str) or not members or value in members:
        return value
    same = [m for m in members if isinstance(m, str) and m.casefold() == value.strip().casefold()]
    return same[0] if len(same) == 1 else value


def _is_kind(value: Any, kinds: list[str]) -> bool:
    """Tell whether a value is of one of these JSON types."""
    checks = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
        "null": value is None,
    }
    return any(checks.get(kind, False) for kind in kinds)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a local reference."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    target: Any = root
    for part in reference[2:].split("/"):
        target = target.get(part, {}) if isinstance(target, Mapping) else {}
    return target if isinstance(target, Mapping) else {}


def _short(value: Any) -> str:
    """Return a value in at most forty characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"
