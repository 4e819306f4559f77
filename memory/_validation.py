"""Checks and conversions of what callers pass in: texts, names, times, limits."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

__all__ = [
    "MAX_TEXT_CHARACTERS",
    "Clock",
    "Moment",
    "check_count",
    "check_metadata",
    "check_name",
    "check_namespace",
    "check_tags",
    "check_text",
    "expiry",
    "from_micros",
    "moment",
    "to_micros",
    "utc_now",
]

MAX_TEXT_CHARACTERS = 4_000_000
"""A record is one memory, not a library: beyond this a text should be split before it is added."""

MAX_NAME_CHARACTERS = 512
_MICROSECOND = timedelta(microseconds=1)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH = _NAIVE_EPOCH.replace(tzinfo=UTC)

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

Moment = datetime | date | str | int | float
"""A point in time: a datetime, a date (midnight), an ISO 8601 string, or seconds since 1970. Naive ones are read as UTC."""


def utc_now() -> datetime:
    """Return the present time, UTC."""
    return datetime.now(UTC)


def check_text(text: object, *, what: str = "text") -> str:
    """Return `text` when it is storable: a str that is not blank, encodable as UTF-8 and not huge."""
    if not isinstance(text, str):
        cure = (
            ": decode it first, for instance with .decode('utf-8', 'replace')"
            if isinstance(text, bytes)
            else ""
        )
        raise TypeError(f"{what} must be str, not {type(text).__name__}{cure}")
    if not text.strip():
        raise ValueError(f"{what} is empty: give at least one visible character")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(
            f"{what} has {len(text)} characters, more than {MAX_TEXT_CHARACTERS}: split it first"
        )
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"{what} holds a lone surrogate at position {exc.start}: encode it with errors='replace' first"
        ) from exc
    return text


def check_name(name: object, *, what: str) -> str:
    """Return a user id, namespace or id when it is a usable key."""
    if not isinstance(name, str):
        raise TypeError(f"{what} must be str, not {type(name).__name__}")
    if (
        not name
        or len(name) > MAX_NAME_CHARACTERS
        or (not name.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") for c in name))
    ):
        raise ValueError(
            f"{what} must have 1 to {MAX_NAME_CHARACTERS} characters and no control characters, got {name[:40]!r}"
        )
    return name


def check_namespace(namespace: object) -> str:
    """Return the namespace as stored: the empty string for None."""
    return "" if namespace is None else check_name(namespace, what="namespace")


def check_count(count: object, *, what: str = "limit", least: int = 0) -> int:
    """Return `count` when it is an int of at least `least`."""
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"{what} must be int, not {type(count).__name__}")
    if count < least:
        raise ValueError(f"{what} must be at least {least}, got {count}")
    return count


def check_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a JSON-clean copy of `metadata`."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise TypeError("metadata must be a mapping with str keys")
    if all(type(value) is str for value in metadata.values()):  # most are, and need no round trip
        copy: dict[str, Any] = dict(metadata)
        if "".join((*copy, *copy.values())).isascii():
            return copy
    try:
        written = _encode_json(dict(metadata))
        written.encode("utf-8")
        copy = json.loads(written)
    except (TypeError, ValueError, RecursionError) as exc:
        raise ValueError(
            f"metadata must be JSON (str, finite numbers, bool, None, lists, dicts): {exc}"
        ) from exc
    return copy


def check_tags(tags: Iterable[str] | None) -> tuple[str, ...]:
    """Return the tags normalised: lower case, words joined by underscores, each once, in the order given."""
    if tags is None:
        return ()
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise TypeError(f"tags must be a list of str, not one {type(tags).__name__}")
    seen: dict[str, None] = {}
    for tag in tags:
        normal = "_".join(check_text(tag, what="tag").lower().replace("_", " ").split())
        seen[check_name(normal, what="tag")] = None
    return tuple(seen)


def moment(value: Moment, *, what: str) -> datetime:
    """Return a point in time as a datetime; one without a zone stays without.

    Raises
    ------
    ValueError
        Not a date, or outside the years 1 to 9999 of UTC.
    """
    try:
        if isinstance(value, datetime):
            result = value
        elif isinstance(value, date):
            result = datetime.combine(value, time())
        elif isinstance(value, str):
            result = datetime.fromisoformat(value.strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            result = _EPOCH + timedelta(seconds=value)
        else:
            raise TypeError(
                f"{what} must be a datetime, a date, an ISO 8601 string or seconds since 1970, not {type(value).__name__}"
            )
        from_micros(to_micros(result))  # its zone may carry it over the edge
    except (ValueError, OverflowError) as exc:
        raise ValueError(
            f"{what} {value!r} is not a date between the years 1 and 9999 (ISO 8601: 2023-05-08T13:56)"
        ) from exc
    return result


def expiry(value: Moment | timedelta, *, now: datetime) -> datetime:
    """Return the moment at which something expires: a point in time, or so long from now."""
    if not isinstance(value, timedelta):
        return moment(value, what="expires")
    try:
        return now + value
    except OverflowError as exc:
        raise ValueError(
            f"expires {value!r} from now is beyond the year 9999: leave it out for never"
        ) from exc


def to_micros(value: datetime) -> int:
    """Return microseconds since 1970 UTC; naive times count as UTC."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return (aware - _EPOCH) // _MICROSECOND


def from_micros(micros: int, offset_minutes: int | None = 0) -> datetime:
    """Return the datetime; `offset_minutes` None gives a naive one."""
    if offset_minutes is None:
        return _NAIVE_EPOCH + timedelta(0, 0, micros)
    utc = _EPOCH + timedelta(0, 0, micros)
    if offset_minutes == 0:
        return utc
    try:
        return utc.astimezone(timezone(timedelta(minutes=offset_minutes)))
    except OverflowError:  # year 1 or 9999, shifted over the edge by its zone
        return utc


Clock = Callable[[], datetime]
