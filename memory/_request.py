"""What a search asks for, checked before anything is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from agentcore.memory._filters import Filter, parse_filters
from agentcore.memory._planner import ROUTES
from agentcore.memory._validation import (
    Moment,
    check_count,
    check_name,
    check_namespace,
    check_text,
    moment,
    to_micros,
)
from agentcore.memory.ranking import Profile, RankingConfig, Reordering, Rerank, profile_config

__all__ = ["Request", "make_request", "time_range"]


class Request(NamedTuple):
    """A checked search. Times in microseconds; `start` and `end` are inclusive."""

    query: str
    user_id: str
    namespace: str
    limit: int
    start: int | None
    end: int | None
    condition: Filter | None
    threshold: float | None
    config: RankingConfig
    now: int
    as_of: int | None
    routes: tuple[str, ...]
    reordering: Reordering | None
    explain: bool

    @property
    def depth(self) -> int:
        """How many hits are looked at."""
        return self.limit if self.reordering is None else self.reordering.pool(self.limit)


def make_request(
    query: str, *, now: datetime, user_id: str, namespace: str | None, limit: int, start: Moment | None, end: Moment | None,
    filters: Mapping[str, Any] | None, threshold: float | None, profile: Profile | RankingConfig,
    as_of: Moment | None, routes: Sequence[str], rerank: Rerank | None, diversity: float, explain: bool,
) -> Request:  # fmt: skip
    """Check the arguments of `SwiftMem.search`."""
    since, until = time_range(start, end)
    if routes is not ROUTES and (unknown := set(routes) - set(ROUTES)):
        raise ValueError(f"unknown routes {sorted(unknown)}: use some of {', '.join(ROUTES)}")
    if threshold is not None and not (isinstance(threshold, (int, float)) and 0 <= threshold <= 1):
        raise ValueError(f"threshold must lie in [0, 1], got {threshold!r}")
    if not (isinstance(diversity, (int, float)) and 0 <= diversity <= 1):
        raise ValueError(f"diversity must lie in [0, 1], got {diversity!r}")
    return Request(
        check_text(query, what="query"), check_name(user_id, what="user_id"), check_namespace(namespace), check_count(limit),
        since, until, parse_filters(filters), threshold, profile_config(profile), to_micros(now),
        None if as_of is None else to_micros(moment(as_of, what="as_of")), tuple(routes),
        Reordering(rerank, diversity) if rerank is not None or diversity else None, explain,
    )  # fmt: skip


def time_range(start: Moment | None, end: Moment | None) -> tuple[int | None, int | None]:
    """Return the inclusive time range in microseconds."""
    since = None if start is None else to_micros(moment(start, what="start"))
    until = None if end is None else to_micros(moment(end, what="end"))
    if since is not None and until is not None and since > until:
        raise ValueError(f"start {start} is after end {end}")
    return since, until
