"""Which records are worth scoring: decided per query from the sizes of the indexes, before any vector is touched."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from agentcore.memory._beside import beside
from agentcore.memory._collection import LARGE
from agentcore.memory._partition import Partition
from agentcore.memory._terms import words
from agentcore.memory.index import union
from agentcore.memory.ranking import Query
from agentcore.memory.tags import TagGraph

__all__ = ["ROUTES", "Route", "choose_route"]

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

ROUTES = ("temporal", "tags", "ann")
"""What a search may use besides the plain scan; none of them: every record is scored with everything."""

MAX_GATE_SHARE = 0.2
"""A gate that lets more of the records through tells nothing."""

MAX_WHOLE = 1024
"""Records behind a gate that are all taken; of more the best by vector and by words, searched inside the gate."""

MAX_SCANNED = 4096
"""Where range and filters leave so few records, each of them is scored."""

NUM_NEIGHBOURS, NUM_LEXICAL = 256, 1024
"""Candidates by vector and by words. Of the exhaustive ten over a million recombined turns these find .962, 512 and 1024 no more, 256 and 768
.944: words need more, for of frequent stems only the best postings are read."""

GATED_EFFORT = 0.5
"""Share of that effort spent behind a gate, and on what the gate misses: with a quarter .94 are found, with half .96."""


@dataclass(slots=True, eq=False)
class Route:
    """A decision. Not frozen: a search makes one, and freezing takes as long again.

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
    eligible: Mask | None,
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
        if len(rows) <= MAX_SCANNED:
            notes.append(f"range and filters leave {len(rows)} records: each is scored")
            return Route("exact", rows, counts, notes)
    limit = int(MAX_GATE_SHARE * count)
    if "temporal" in allowed and query.spans:
        rows = _within(partition.temporal.near(query.spans), eligible)
        counts["temporal"] = len(rows)
        if 0 < len(rows) <= limit:
            return Route("temporal", _gated(partition, query, rows, eligible, counts), counts, notes)
        notes.append(f"the dates named leave {counts['temporal']} records: no gate")
    if "tags" in allowed:
        rows, tags = _tagged(partition, query, graph, limit)
        rows = _within(rows, eligible)
        counts["tags"] = len(rows)
        if len(rows):
            notes.append("tags: " + ", ".join(tags))
            return Route("tags", _gated(partition, query, rows, eligible, counts), counts, notes)
        notes.append("no tag of the query tells records apart")
    if "ann" not in allowed:
        notes.append("no route is left: each record is scored")
        return Route("exact", None, counts, notes)
    return Route("ann", union(*_nearby(partition, query, eligible, counts, 1.0)), counts, notes)


def _tagged(partition: Partition, query: Query, graph: TagGraph | None, limit: int) -> tuple[Rows, list[str]]:
    """Return the records that have the tags a query speaks of, and those tags: the one speaker it names, else subjects.

    A speaker of more records than the limit tells nothing; one of fewer tells enough: subjects beside him find nothing more. They are taken
    from the rarest up, as long as the records stay so few that all of them can be scored.
    """
    said = partition.said_by(query.names)
    if 0 < len(said) <= limit:
        return said, [f"@{partition.speakers[said[0]]}"]
    parts: list[Rows] = []
    tags: list[str] = []
    room = MAX_WHOLE
    if graph is not None:
        for tag in _subjects(graph, query):
            room -= len(graph.postings[tag])
            if room < 0:
                break
            parts.append(graph.postings[tag])
            tags.append(tag)
    return union(*parts), tags


def _gated(
    partition: Partition, query: Query, rows: Rows, eligible: Mask | None, counts: dict[str, int]
) -> Rows:
    """Return the records behind a gate, of many the best by vector and by words, and the best of all; ascending."""
    inside: tuple[Rows, ...] = (rows,)
    if len(rows) > MAX_WHOLE:
        gate = np.zeros(len(partition), dtype=np.bool_)
        gate[rows] = True
        if len(rows) > MAX_SCANNED:
            inside = _nearby(partition, query, gate, {}, GATED_EFFORT)
        else:  # to compare each takes less than to look for the nearest in the lists
            inside = (
                partition.codes.nearest(rows, query.pooled, int(NUM_NEIGHBOURS * GATED_EFFORT)),
                partition.lexical.candidates(query.terms, int(NUM_LEXICAL * GATED_EFFORT), eligible=gate),
            )
    return union(*inside, *_nearby(partition, query, eligible, counts, GATED_EFFORT))


def _nearby(
    partition: Partition, query: Query, eligible: Mask | None, counts: dict[str, int], effort: float
) -> tuple[Rows, Rows]:
    """Return the nearest records by vector and by words, and count them."""
    nearest = beside(
        partition.nearest.nearest,
        query.pooled,
        int(NUM_NEIGHBOURS * effort),
        eligible=eligible,
        effort=effort,
    )
    lexical = partition.lexical.candidates(query.terms, int(NUM_LEXICAL * effort), eligible=eligible)
    near = nearest()
    counts |= {"ann": len(near), "lexical": len(lexical)}
    return near, lexical


def _within(rows: Rows, eligible: Mask | None) -> Rows:
    return rows if eligible is None else rows[eligible[rows]]


def _subjects(graph: TagGraph, query: Query) -> list[str]:
    """Return the tags that a query is about and those two steps above and below them, the rarest first."""
    reached = graph.walk(graph.seeds(query.pooled, words(query.text)))
    return sorted(reached, key=lambda tag: (len(graph.postings[tag]), tag))
