"""JSON and JSON lines: a collection of texts becomes a document each, anything else lines of path and value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.corpus.parsers._text import decode
from agentcore.tools.errors import UnreadableDocumentError

_TITLE_FIELDS = ("title", "name", "heading", "headline", "subject")
_TEXT_FIELDS = ("text", "content", "body", "article", "abstract", "passage")


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read a file; entries of a list that carry a text field are documents of their own (``source#0`` and on)."""
    text = decode(source, content)
    value = _lines(source, text) if source.lower().endswith(".jsonl") else _load(source, text)
    if isinstance(value, list) and value and all(_is_text(entry) for entry in value):
        return [(f"{source}#{index}", _entry(entry)) for index, entry in enumerate(value)]
    if _is_text(value):
        return [(source, _entry(value))]
    title = (
        next((str(value[name]) for name in _TITLE_FIELDS if value.get(name)), None)
        if isinstance(value, dict)
        else None
    )
    return [(source, Parsed(title, "\n".join(_flatten(value, ""))))]


def _load(source: str, text: str, *, first_line: int = 1) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits is a plain ValueError
        lines = exc.lineno - 1 if isinstance(exc, json.JSONDecodeError) else None
        place = "" if lines is None else f" at line {first_line + lines}"
        raise UnreadableDocumentError(source, f"it is no valid JSON{place}: correct the file") from exc


def _lines(source: str, text: str) -> list[Any]:
    """Read JSON lines; an empty line is none. Only a line feed ends one: others may stand inside texts."""
    lines = enumerate(text.split("\n"), start=1)
    return [_load(source, line, first_line=number) for number, line in lines if line.strip()]


def _is_text(entry: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether a value is an entry with a text of its own."""
    return isinstance(entry, dict) and _text_field(entry) is not None


def _text_field(entry: dict[str, Any]) -> str | None:
    """Return the name of the field that holds an entry's text."""
    return next(
        (name for name in _TEXT_FIELDS if isinstance(entry.get(name), str) and entry[name].strip()), None
    )


def _entry(entry: dict[str, Any]) -> Parsed:
    """Make one entry a document: its text first, then what else it says."""
    field = _text_field(entry)
    assert field is not None
    title = next((str(entry[name]) for name in _TITLE_FIELDS if isinstance(entry.get(name), str)), None)
    rest = {name: value for name, value in entry.items() if name != field and str(value) != title}
    lines = list(_flatten(rest, "")) if rest else []
    return Parsed(title, "\n\n".join([entry[field], "\n".join(lines)] if lines else [entry[field]]))


def _flatten(value: Any, path: str) -> Iterator[str]:
    """Yield ``path: value`` for every leaf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flatten(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{path}[{index}]")
    elif value is not None and str(value).strip():
        yield f"{path}: {value}" if path else str(value)
