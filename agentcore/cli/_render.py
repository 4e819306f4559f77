"""What a run looks like to a person: one dim line an event, and the answer with its sources."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Mapping
from typing import Any

# Text from models, documents and memory never moves the cursor, hides itself or reverses the reading direction.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_WIDTH = 120


def plain(text: str) -> str:
    """Return text without control, bidirectional and invisible characters."""
    return _UNSEEN.sub("", text)


def event_line(kind: str, path: tuple[str, ...], data: Mapping[str, Any]) -> str | None:
    """Return the one line that tells of an event, None for those that are shown otherwise.

    Parameters
    ----------
    kind : str
        The event's type.
    path : tuple of str
        The agent that sent it; a sub-agent's lines are indented and name it.
    data : mapping
        Its values.
    """
    text = _event_text(kind, data)
    if text is None:
        return None
    who = f"  {'/'.join(path)}: " if path else ""
    return _cut(who + plain(" ".join(text.split())), _width())


def step_line(kind: str, path: tuple[str, ...], data: Mapping[str, Any]) -> str | None:
    """Return :func:`event_line` for a run as it goes: a tool's call is told by its result, one line a step."""
    return None if kind == "tool_call" else event_line(kind, path, data)


def _event_text(kind: str, data: Mapping[str, Any]) -> str | None:
    match kind:
        case "plan":
            tasks = "; ".join(str(task["question"]) for task in data.get("tasks", ()))
            return "plan: " + (tasks or str(data.get("reason", "nothing to look up")))
        case "seeker_started":
            return "seeking: " + str(data["task"]["question"])
        case "thinking":
            return str(data["text"])
        case "tool_call":
            arguments = ", ".join(f"{name}={value!r}" for name, value in data["arguments"].items())
            return f"{data['name']}({arguments})"
        case "tool_result":
            first = "; ".join(map(str, data.get("first", ())))
            return f"{data['name']} -> {data.get('count', '')} found: {first}"
        case "memory_hits":
            texts = [str(hit["text"]) for hit in data["hits"]]
            return f"remembered {len(texts)}: {'; '.join(texts)}" if texts else "remembered nothing"
        case "trim":
            saved = f", about {data['tokens_saved']} tokens saved" if "tokens_saved" in data else ""
            return f"thinking cut: {data.get('reason')} after {data.get('tokens')} tokens{saved}"
        case "route":
            return "route: " + ", ".join(f"{name} {value}" for name, value in data.items())
        case "error" if data.get("recovered", True):  # the others end the run, and are told by its end
            return f"error: {data['message']}"
        case _:
            return None


def answer_text(result: Mapping[str, Any]) -> str:
    """Return the answer, its sources, and which model and mode made it, as plain lines."""
    answer, statement = (plain(str(result.get(name) or "")) for name in ("answer", "statement"))
    lines = [answer or "not found"]
    if result.get("found") and statement and _bare(statement) != _bare(answer):
        lines += ["", statement]
    return "\n".join([*lines, sources_text(result)])


def sources_text(result: Mapping[str, Any]) -> str:
    """Return what follows an answer: unsupported claims, numbered quotes, and what made it.

    A partial result says which limit was reached.
    """
    lines: list[str] = []
    for claim in result.get("claims") or ():
        if not claim.get("is_supported", True):
            problems = "; ".join(claim.get("problems") or ()) or "the source does not say so"
            lines.append(f"  unsupported: {_short(plain(claim['text']))} ({problems})")
    citations = result.get("citations") or ()
    if citations:
        lines += ["", "Sources"]
    for citation in citations:
        mark = "" if citation.get("supported", True) else ", does not support the answer"
        place = f"{citation['source']}:{citation['start']}-{citation['end']}"
        lines.append(f"[{citation['number']}] “{_short(plain(str(citation['quote'])), width=400)}”")
        lines.append(f"    {plain(str(citation['title']))}, {plain(place)}{mark}")
    lines += ["", made_by(result)]
    if result.get("status") == "partial":
        limit = result.get("limit") or "limit"
        lines.append(f"partial result: the limit of {limit} was reached; raise --max-{limit} for more")
    return "\n".join(lines)


def made_by(result: Mapping[str, Any]) -> str:
    """Return the line that says which model answered, in which mode, what it took, and the run."""
    usage = result.get("usage") or {}
    parts = [str(result.get("model") or "no model")]
    if result.get("mode"):
        parts.append(f"{result['mode']} mode")
    if usage:
        parts.append(f"{usage.get('seconds', 0):.1f} s, {int(usage.get('tokens', 0))} tokens")
    if result.get("run_id"):
        parts.append(f"run {result['run_id']}")
    return "-- " + ", ".join(parts)


def _bare(text: str) -> str:
    """Return a text without what makes a sentence of it: its capital and its full stop."""
    return text.strip(" .").casefold()


def _short(text: str, *, width: int = 100) -> str:
    """Return a text's beginning on one line."""
    return _cut(" ".join(text.split()), width)


def _cut(line: str, width: int) -> str:
    """Return a line's beginning, so many columns wide at most (a wide character takes two)."""
    columns = 0
    for index, character in enumerate(line):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > width - 1 and index < len(line) - 1:
            return line[:index] + "…"
    return line


def _width() -> int:
    """Return the terminal's width; without a terminal, that of a log line."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns
