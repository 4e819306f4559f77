"""Columns of metadata, built for the fields a filter names: each distinct value is judged once, whatever the number of records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._filters import MISSING, And, Field, Filter, Not, Or

__all__ = ["MetadataColumns", "fields_of"]

_OWN_FIELDS = {
    "role": "role",
    "agent": "agent",
    "agent_id": "agent",
    "run": "run",
    "run_id": "run",
    "tags": "tags",
    "user_id": "user_id",
}
"""Filter names that mean a record's own field; `metadata.role` reaches a metadata key of the same name."""


def fields_of(condition: Filter) -> set[str]:
    """Return the names of the fields a filter looks at."""
    if isinstance(condition, Field):
        return {condition.name}
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return set().union(*(fields_of(part) for part in parts))


class MetadataColumns:
    """Dictionary-encoded columns over the records of one partition.

    Parameters
    ----------
    seq : ndarray, (N,), int64
        The records.
    """

    def __init__(self, seq: npt.NDArray[np.int64]) -> None:
        self._seq = seq
        self._columns: dict[str, tuple[npt.NDArray[np.int32], list[Any]]] = {}

    def mask(
        self, connection: sqlite3.Connection, condition: Filter, *, user_id: str, namespace: str
    ) -> npt.NDArray[np.bool_]:
        """Return which records satisfy the filter, (N,) bool; all are of this user and namespace."""
        missing = fields_of(condition) - self._columns.keys()
        if missing:
            self._load(connection, missing, (user_id, namespace))
        return self._evaluate(condition)

    def _evaluate(self, condition: Filter) -> npt.NDArray[np.bool_]:
        if isinstance(condition, Field):
            codes, values = self._columns[condition.name]
            table = np.fromiter(
                (condition.predicate(value) for value in values), dtype=np.bool_, count=len(values)
            )
            return np.take(table, codes)
        if isinstance(condition, Not):
            return ~self._evaluate(condition.part)
        parts = [self._evaluate(part) for part in condition.parts]
        if isinstance(condition, And):
            return np.logical_and.reduce(parts) if parts else np.ones(len(self._seq), dtype=np.bool_)
        assert isinstance(condition, Or)
        any_of: npt.NDArray[np.bool_] = np.logical_or.reduce(parts)
        return any_of

    def _load(self, connection: sqlite3.Connection, names: set[str], key: tuple[str, str]) -> None:
        """Read the fields of every record; the codes of a field number its distinct values."""
        columns: dict[str, tuple[npt.NDArray[np.int32], dict[str, int], list[Any]]] = {
            name: (np.zeros(len(self._seq), dtype=np.int32), {"": 0}, [MISSING]) for name in names
        }
        places = {int(seq): place for place, seq in enumerate(self._seq)}
        rows = connection.execute(
            "SELECT seq, metadata, role, agent, run, tags FROM records WHERE user_id = ? AND namespace = ?",
            key,
        )
        for seq, metadata, role, agent, run, tags in rows:
            place = places.get(seq)
            if place is None:
                continue
            own = {
                "role": role, "agent": agent, "run": run, "tags": json.loads(tags), "user_id": key[0],
            }  # fmt: skip
            parsed = json.loads(metadata)
            for name, (codes, known, values) in columns.items():
                value = (
                    own[_OWN_FIELDS[name]]
                    if name in _OWN_FIELDS
                    else reach(parsed, name.removeprefix("metadata."))
                )
                if value is MISSING:
                    continue
                code = known.setdefault(json.dumps(value, sort_keys=True), len(values))
                if code == len(values):
                    values.append(value)
                codes[place] = code
        self._columns.update({name: (codes, values) for name, (codes, _, values) in columns.items()})


def reach(metadata: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field; dots reach into nested objects where no key has the whole name."""
    if name in metadata:
        return metadata[name]
    head, dot, tail = name.partition(".")
    inner = metadata.get(head)
    return reach(inner, tail) if dot and isinstance(inner, Mapping) else MISSING
