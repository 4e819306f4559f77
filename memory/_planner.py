"""Which records are worth scoring: decided per query from the sizes of the indexes, before any vector is touched."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from agentcore.memory._collection import LARGE
from agentcore.memory._partition import Partition
from agentcore.memory._terms import words
from agentcore.memory.ranking import Query
from agentcore.memory.tags import TagGraph

__all__ = ["ROUTES", "Route", "choose_route"]

Rows = npt.NDArray[np.intp]

ROUTES = ("temporal", "tags", "ann")
"""What a search may use besides the plain scan; none of them: every record is scored with everything."""

MAX_GATE_SHARE = 0.2
MAX_GATE = 4096
"""A gate that lets more through saves nothing over the vector lists."""

NUM_NEIGHBOURS, NUM_LEXICAL = 512, 768
NUM_BESIDE_GATE = 256
"""Candidates by vector and by words; beside a gate fewer, against what the gate misses."""

MIN_TAG_RECORDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A decision.

    Attributes
    ----------
    name : "exact", "temporal", "tags" or "ann"
    candidates : ndarray, (C,), intp, or None
        None: every record.
    counts : dict
        Sizes of the gates that were looked at.
    notes : list of str
        Why.
    """

    name: str
    candidates: Rows | None
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose_route(
    partition: Partition,
    query: Query,
    *,
    eligible: npt.NDArray[np.bool_] | None,
    graph: TagGraph | None,
    allowed: AnyCollection[str] = ROUTES,
) -> Route:
    """Choose how to search one partition.

    Parameters
    ----------
    eligible : ndarray, (N,), bool, or None
        Records that may be returned; None: all. It is applied inside every index, never afterwards.
    graph : TagGraph or None
        None where the records have no tags yet.
    allowed : collection of str
        The routes that may be taken.
    """
    count = len(partition)
    if count <= LARGE or not allowed:
        return Route("exact", None, notes=[f"{count} records: each is scored"])
    counts, notes = {}, []
    if eligible is not None:
        rows = np.flatnonzero(eligible)
        counts["eligible"] = len(rows)
        if len(rows) <= MAX_GATE:
            notes.append(f"range and filters leave {len(rows)} records: each is scored")
            return Route("exact", rows, counts, notes)
    limit = min(MAX_GATE, int(MAX_GATE_SHARE * count))
    if "temporal" in allowed and query.spans:
        rows = _within(partition.temporal.near(query.spans), eligible)
        counts["temporal"] = len(rows)
        if 0 < len(rows) <= limit:
            return Route(
                "temporal", _joined(rows, _beside(partition, query, eligible, NUM_BESIDE_GATE)), counts, notes
            )
        notes.append(f"the dates named leave {len(rows)} records: no gate")
    if "tags" in allowed and graph is not None:
        tags = _tags_of(graph, query)
        rows = _within(graph.rows(graph.walk(tags)), eligible) if tags else np.zeros(0, dtype=np.intp)
        counts["tags"] = len(rows)
        if MIN_TAG_RECORDS <= len(rows) <= limit:
            notes.append("tags: " + ", ".join(tags))
            lexical = _within(partition.lexical.candidates(query.terms, NUM_LEXICAL), eligible)
            return Route("tags", _joined(rows, lexical), counts, notes)
        notes.append(f"the tags of the query leave {len(rows)} records: no gate")
    if "ann" not in allowed:
        notes.append("no route is left: each record is scored")
        return Route("exact", None, counts, notes)
    near = partition.nearest.nearest(query.pooled, NUM_NEIGHBOURS, eligible=eligible)
    lexical = _within(partition.lexical.candidates(query.terms, NUM_LEXICAL), eligible)
    counts |= {"ann": len(near), "lexical": len(lexical)}
    return Route("ann", _joined(near, lexical), counts, notes)


def _tags_of(graph: TagGraph, query: Query) -> list[str]:
    """Return the tags a query speaks of; those that hold too much to tell anything are left out."""
    most = max(int(graph.num_records * MAX_GATE_SHARE / 10), MIN_TAG_RECORDS)
    seeds = graph.seeds(query.pooled, words(query.text))
    return [tag for tag in seeds if len(graph.postings[tag]) <= most]


def _beside(partition: Partition, query: Query, eligible: npt.NDArray[np.bool_] | None, count: int) -> Rows:
    """Return the best records by words, whatever a gate says."""
    return _within(partition.lexical.candidates(query.terms, count), eligible)


def _within(rows: Rows, eligible: npt.NDArray[np.bool_] | None) -> Rows:
    return rows if eligible is None else rows[eligible[rows]]


def _joined(*parts: Rows) -> Rows:
    return np.unique(np.concatenate(parts))
