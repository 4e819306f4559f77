"""From what a caller gives to a checked record."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agentcore.memory._encoding import dense_text
from agentcore.memory._records import Record
from agentcore.memory._validation import (
    Moment,
    check_metadata,
    check_name,
    check_namespace,
    check_tags,
    check_text,
    expiry,
    moment,
    to_micros,
)

__all__ = ["Draft", "check_validity", "draft_of_message", "make_draft"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked record before it has vectors."""

    record: Record
    event_given: bool

    @property
    def dense(self) -> str:
        """The text to embed."""
        return dense_text(self.record.text, role=self.record.role, metadata=self.record.metadata)


def make_draft(
    text: object,
    *,
    now: datetime,
    user_id: str,
    namespace: str | None,
    record_id: str | None = None,
    role: str | None = None,
    agent: str | None = None,
    run: str | None = None,
    timestamp: Moment | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    expires: Moment | timedelta | None = None,
    valid_from: Moment | None = None,
    valid_to: Moment | None = None,
) -> Draft:
    """Check everything a caller gave, before anything is embedded or written."""
    opens = None if valid_from is None else moment(valid_from, what="valid_from")
    closes = None if valid_to is None else moment(valid_to, what="valid_to")
    check_validity(opens, closes)
    record = Record(
        id=uuid.uuid4().hex if record_id is None else check_name(record_id, what="id"),
        text=check_text(text),
        user_id=check_name(user_id, what="user_id"),
        namespace=check_namespace(namespace) or None,
        timestamp=now if timestamp is None else moment(timestamp, what="timestamp"),
        created_at=now,
        role=None if role is None else check_name(role, what="role"),
        agent=None if agent is None else check_name(agent, what="agent"),
        run=None if run is None else check_name(run, what="run"),
        tags=check_tags(tags),
        metadata=check_metadata(metadata),
        expires=None if expires is None else expiry(expires, now=now),
        valid_from=opens,
        valid_to=closes,
    )
    return Draft(record, event_given=timestamp is not None)


def draft_of_message(
    message: Mapping[str, Any], *, now: datetime, user_id: str, namespace: str | None
) -> Draft:
    """Check one message of a batch: `content` or `text`, a speaker's `name`, and what `make_draft` takes."""
    if not isinstance(message, Mapping):
        raise TypeError(f"a message must be a mapping with 'content', got {type(message).__name__}")
    given = dict(message)
    text = given.pop("content", None)
    text = given.pop("text", None) if text is None else text
    metadata = dict(given.pop("metadata", None) or {})
    name = given.pop("name", None)
    if name is not None:
        metadata.setdefault("speaker", name)
    known = {
        key: given.pop(key, None)
        for key in ("role", "timestamp", "tags", "expires", "valid_from", "valid_to", "agent", "run")
    }
    record_id = given.pop("id", None)
    if given:
        raise ValueError(f"unknown message keys {sorted(given)}: put them under 'metadata'")
    return make_draft(
        text, now=now, user_id=user_id, namespace=namespace, record_id=record_id, metadata=metadata, **known
    )


def check_validity(opens: datetime | None, closes: datetime | None) -> None:
    """Raise `ValueError` where a record would end before it begins to hold."""
    if opens is not None and closes is not None and to_micros(opens) >= to_micros(closes):
        raise ValueError(f"valid_from {opens} is not before valid_to {closes}")
