"""JSONL out and in: every version of every memory, one a line; and the exports of mem0 and LangGraph stores."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from agentcore.memory._draft import check_validity
from agentcore.memory._records import Record
from agentcore.memory._validation import (
    check_metadata,
    check_name,
    check_namespace,
    check_tags,
    check_text,
    moment,
    utc_now,
)

__all__ = ["FORMAT", "read_lines", "write_lines"]

FORMAT = "swiftmem-1"
_TIMES = ("timestamp", "created_at", "expires", "valid_from", "valid_to", "superseded_at")


def write_lines(path: Path, records: Iterator[tuple[Record, bool]]) -> int:
    """Write versions, the oldest of a memory first, and return how many; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
    records : iterator of (Record, bool)
        The flag says whether the event time was given by the caller.
    """
    count = 0
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT}) + "\n")
            for record, event_given in records:
                file.write(json.dumps(_as_dict(record, event_given), ensure_ascii=False) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return count


def read_lines(path: Path, *, user_id: str | None = None) -> Iterator[tuple[Record, bool]]:
    """Yield the versions of an export of ours, of mem0, or of a LangGraph store.

    Parameters
    ----------
    path : Path
        JSONL, or one JSON document with a list (`results`, `memories` or `items`).
    user_id : str, optional
        Overrides the user of every line.

    Raises
    ------
    ValueError
        A line that is not JSON or holds no text; the message names the line.
    """
    seen: Counter[str] = Counter()
    for number, item in _decoded(path):
        try:
            record, event_given = _from_dict(item, seen)
        except (ValueError, TypeError, KeyError) as exc:
            raise ValueError(f"{str(path)!r} line {number}: {exc}") from exc
        if user_id is not None:
            record = _with_user(record, user_id)
        yield record, event_given


def _with_user(record: Record, user_id: str) -> Record:
    return replace(record, user_id=check_name(user_id, what="user_id"))


def _as_dict(record: Record, event_given: bool) -> dict[str, Any]:
    """Return one version as JSON; open and empty fields are left out."""
    fields: dict[str, Any] = {
        "id": record.id, "version": record.version, "user_id": record.user_id, "namespace": record.namespace, "text": record.text,
        "role": record.role, "agent": record.agent, "run": record.run, "tags": list(record.tags), "metadata": dict(record.metadata),
        "event_given": event_given,
    }  # fmt: skip
    for name in _TIMES:
        value: datetime | None = getattr(record, name)
        fields[name] = None if value is None else value.isoformat()
    return {key: value for key, value in fields.items() if value is not None and value not in ([], {})}


def _decoded(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of a file; what is no text or no JSON is one clear error."""
    try:
        yield from _items(path)
    except UnicodeDecodeError as exc:
        raise ValueError(
            f"{str(path)!r} is not UTF-8 ({exc.reason} at byte {exc.start}): save it as UTF-8 first"
        ) from exc
    except RecursionError as exc:
        raise ValueError(f"{str(path)!r} is nested too deeply") from exc


def _items(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, object) of JSONL or of one JSON document."""
    with path.open(encoding="utf-8-sig") as file:
        try:
            head = json.loads(file.readline())
        except json.JSONDecodeError:
            head = None
        if not isinstance(head, dict) or any(isinstance(head.get(key), list) for key in _LISTS):
            file.seek(0)
            try:
                document = json.load(file)
            except json.JSONDecodeError as exc:
                raise ValueError(f"{str(path)!r} is neither JSONL nor JSON: {exc}") from exc
            yield from enumerate(_listed(document, path), start=1)
            return
        if "format" in head:
            if head["format"] != FORMAT:
                raise ValueError(f"{str(path)!r} has the format {head['format']!r}; known here: {FORMAT!r}")
        else:
            yield 1, head
        for number, line in enumerate(file, start=2):
            if line.strip():
                try:
                    item = json.loads(line)
                except json.JSONDecodeError as exc:
                    raise ValueError(f"{str(path)!r} line {number} is not JSON: {exc}") from exc
                if item != {"format": FORMAT}:  # of a second export, joined to the first
                    yield number, item


_LISTS = ("results", "memories", "items")


def _listed(document: Any, path: Path) -> list[Any]:
    """Return the list of memories in a JSON document; a document may also be one memory."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        return next((document[key] for key in _LISTS if isinstance(document.get(key), list)), [document])
    raise ValueError(f"{str(path)!r} holds no list of memories")


def _from_dict(item: Mapping[str, Any], seen: Counter[str]) -> tuple[Record, bool]:
    """Build a version from a line of ours, of mem0 (`memory`), or of a LangGraph store (`namespace`, `key`, `value`).

    `seen` counts the lines without an id so far.
    """
    if not isinstance(item, Mapping):
        raise TypeError(f"expected an object, got {type(item).__name__}")
    identity = item.get("id") or _id_of(item, seen)
    if "key" in item and isinstance(item.get("value"), Mapping):
        item = _from_store_item(item)
    elif "memory" in item:
        item = {
            **{key: item.get(key) for key in ("id", "user_id", "metadata")}, "text": item["memory"],
            "agent": item.get("agent_id"), "run": item.get("run_id"), "role": item.get("role"),
            "created_at": item.get("created_at"), "timestamp": item.get("timestamp") or item.get("created_at"),
            "expires": item.get("expiration_date"),
        }  # fmt: skip
    times = {name: None if item.get(name) is None else moment(item[name], what=name) for name in _TIMES}
    created = times["created_at"] or utc_now()
    record = Record(
        id=check_name(identity, what="id"),
        version=_version(item.get("version", 1)),
        user_id=check_name(item.get("user_id") or "default", what="user_id"),
        namespace=check_namespace(item.get("namespace")) or None,
        text=check_text(item["text"] if "text" in item else item.get("content")),
        role=_name(item, "role"),
        agent=_name(item, "agent"),
        run=_name(item, "run"),
        tags=check_tags(item.get("tags")),
        metadata=check_metadata(item.get("metadata")),
        timestamp=times["timestamp"] or created,
        created_at=created,
        expires=times["expires"],
        valid_from=times["valid_from"],
        valid_to=times["valid_to"],
        superseded_at=times["superseded_at"],
    )
    check_validity(record.valid_from, record.valid_to)
    return record, bool(item.get("event_given", times["timestamp"] is not None))


def _id_of(item: Mapping[str, Any], seen: Counter[str]) -> str:
    """Return an id that the same line of the same file gets again; equal lines are told apart by their number."""
    content = blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=16).hexdigest()
    seen[content] += 1
    return blake2b(f"{content}{seen[content]}".encode(), digest_size=16).hexdigest()


def _name(item: Mapping[str, Any], what: str) -> str | None:
    return None if item.get(what) is None else check_name(item[what], what=what)


def _version(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ValueError(f"version must be a whole number from 1, got {value!r}")
    return value


def _from_store_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a LangGraph store item into our fields: the text is the value's `text` or `content`, else its JSON."""
    value = item["value"]
    namespace = item.get("namespace") or str(item.get("prefix") or "").split(".")  # as in its SQL tables
    text = next(
        (value[key] for key in ("text", "content", "memory") if isinstance(value.get(key), str)), None
    )
    return {
        "text": text or json.dumps(value, ensure_ascii=False),
        "metadata": {**value, "key": item["key"]},
        "namespace": ("/".join(namespace) if isinstance(namespace, list) else str(namespace)) or None,
        "created_at": item.get("created_at"),
        "timestamp": item.get("updated_at") or item.get("created_at"),
    }
