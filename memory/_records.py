"""The values that go in and come out: records, hits, and the list of hits with its plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agentcore.memory._validation import to_micros

__all__ = ["Duplicates", "Hit", "Plan", "Record", "SearchResult", "is_expired"]

Duplicates = Literal["keep", "merge", "reject"]


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one memory, as stored.

    Attributes
    ----------
    id : str
        Stays the same over updates.
    timestamp : datetime
        Event time: when it was said or happened. Comes back as it was given (a naive one was read as UTC).
    created_at : datetime
        Insert time of this version, UTC.
    valid_from, valid_to : datetime or None
        When the fact holds in the world, as given; open where None.
    superseded_at : datetime or None
        When a later version replaced this one, UTC; None for the current version.
    version : int
        1 for the first.
    """

    id: str
    text: str
    user_id: str
    namespace: str | None
    timestamp: datetime
    created_at: datetime
    role: str | None = None
    agent: str | None = None
    run: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    expires: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    superseded_at: datetime | None = None
    version: int = 1


def is_expired(record: Record, *, now: datetime) -> bool:
    """Return whether a record may no longer be shown."""
    return record.expires is not None and to_micros(record.expires) <= to_micros(now)


@dataclass(slots=True)
class Hit:
    """One search result. Not frozen: that would take twice as long to make, and a search makes ten.

    Attributes
    ----------
    score : float
        In [0, 1]: the calibrated chance that this record answers the query.
    signals : Mapping[str, float]
        What the score is made of: at least `dense` and `lexical`, z-scores over the user's records; `tokens` where the
        token stage ran.
    """

    id: str
    text: str
    score: float
    timestamp: datetime
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    user_id: str
    namespace: str | None
    signals: Mapping[str, float]
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search was carried out.

    Attributes
    ----------
    route : str
        `exact`, `temporal`, `tags` or `ann`; `empty` where the user has no records.
    exact : bool
        Whether the result is what scoring every record would give, by construction.
    counts : Mapping[str, int]
        `records` of the user, `eligible` after time range, filters and expiry, `candidates` given to the scorer, `scored` by the
        token stage, and the size of each gate.
    milliseconds : Mapping[str, float]
        Time per stage: sync, embed, route, score, tokens, fetch, total.
    notes : tuple of str
        Why a gate was used or not, and every fallback.
    """

    route: str
    exact: bool
    counts: Mapping[str, int]
    milliseconds: Mapping[str, float]
    notes: tuple[str, ...] = ()


class SearchResult(list[Hit]):
    """Hits, best first; `plan` tells how they were found (None unless `explain=True`)."""

    def __init__(self, hits: Iterable[Hit] = (), *, plan: Plan | None = None) -> None:
        super().__init__(hits)
        self.plan = plan
