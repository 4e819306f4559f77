"""Reading JSON that a model wrote by hand, without losing or adding a word."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import json_repair

from agentcore.messages._surrogates import join_surrogates

__all__ = ["JsonReading", "read_json"]

_STRAY = re.compile(r"[\s,;\]})>.`]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_OPENING = ("{", "[", ",", ":")  # what stands before a string
_CLOSED = re.compile(r"\s*(?:[,:\]}]|\Z)")  # and behind one
_SAME_WORDS = {"none": "null", "nan": "null"}


@dataclass(frozen=True, slots=True)
class JsonReading:
    """What a text says as JSON.

    Attributes
    ----------
    values : tuple
        The values, one after another; empty if the text cannot be read.
    change : str
        What had to be repaired; empty if nothing.
    problem : str
        Why it cannot be read; empty if it can.
    """

    values: tuple[Any, ...] = ()
    change: str = ""
    problem: str = ""


def read_json(text: str) -> JsonReading:
    """Read JSON values, repairing what can be repaired with certainty.

    First JSON as it is (several values in a row, stray brackets behind them), then a Python literal, then the
    repair library. What that library returns is taken only if it has the same words as the text: a repair that
    drops or adds one is a guess. A text that breaks off inside a value is never completed.
    """
    stripped = join_surrogates(text.strip(), is_json=True)
    if not stripped:
        return JsonReading(problem="it is empty")
    strict = _read_strict(stripped)
    if strict is not None:
        return strict
    python = _read_python(stripped)
    if python is not None:
        return JsonReading(values=(python,), change="read as a Python literal")
    if _ends_inside_value(stripped):
        return JsonReading(problem="it breaks off inside a value")
    return _read_repaired(stripped)


def _read_strict(text: str) -> JsonReading | None:
    """Read values of correct JSON in a row; None if there is anything but stray punctuation between them."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    values: list[Any] = []
    position = 0
    strays = ""
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except RecursionError:
            return JsonReading(problem="it is nested too deeply")
        except _TwiceError as exc:
            return JsonReading(problem=f"it has the key {exc.args[0]!r} twice, with different values")
        except ValueError:
            return None
        if not isinstance(value, dict | list):
            return None if values or position else JsonReading(values=(value,))
        values.append(value)
        stray = _STRAY.match(text, end)
        position = stray.end() if stray else end
        strays += "".join(text[end:position].split()).replace(",", "").replace(";", "")
    return JsonReading(values=tuple(values), change=f"left out stray {strays!r}" if strays else "")


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a second value for a key."""
    built: dict[str, Any] = {}
    for key, value in pairs:
        if key in built and built[key] != value:
            raise _TwiceError(key)
        built[key] = value
    return built


def _read_python(text: str) -> Any | None:
    """Return a dict or list written as Python writes it."""
    try:
        value = ast.literal_eval(text)
        json.dumps(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict | list) else None


def _read_repaired(text: str) -> JsonReading:
    """Let the library repair the text, and check that it kept every word."""
    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError):
        return JsonReading(problem="it is no JSON")
    if not isinstance(value, dict | list) or not value:
        return JsonReading(problem="it is no JSON")
    written, read = _words(text), _words(json.dumps(value, ensure_ascii=False))
    if lost := written - read:
        return JsonReading(
            problem=f"it is no JSON: what {' '.join(sorted(lost))[:60]!r} belongs to is not clear"
        )
    if added := read - written:
        return JsonReading(problem=f"it is no JSON: {' '.join(sorted(added))[:60]!r} had to be guessed")
    if _num_empty(value) > len(re.findall(r"""(?<!\\)(?:""|'')""", text)):
        return JsonReading(problem="it is no JSON: a value is missing")
    return JsonReading(values=(value,), change="repaired the JSON")


def _words(text: str) -> Counter[str]:
    """Count the words and numbers of a text, escapes resolved."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    words = (word.casefold() for word in re.findall(r"\w+", plain))
    return Counter(_SAME_WORDS.get(word, word) for word in words)


def _ends_inside_value(text: str) -> bool:
    """Tell whether the text ends in an open string, or in a number that may have gone on.

    An apostrophe opens a string only where one may begin, and closes it only where one may end.
    """
    quote, before = "", ""
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif not quote and (letter == '"' or (letter == "'" and before in _OPENING)):
            quote = letter
        elif letter == quote and (letter == '"' or _CLOSED.match(text, position + 1)):
            quote = ""
        if not letter.isspace():
            before = letter
        position += 1
    is_open = bool(quote) and not re.search(r"[\]}]\s*\Z", text)
    return is_open or text[-1].isalnum() or text[-1] in ".-+"


def _num_empty(value: Any) -> int:
    """Count the empty texts in a value, keys included: the library fills gaps with them."""
    if isinstance(value, dict):
        return sum(_num_empty(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        return sum(_num_empty(inner) for inner in value)
    return int(value == "")
