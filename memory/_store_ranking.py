"""Who comes first in a search of the LangGraph store: by cosine where an index was asked for, else as SwiftMem ranks.

Both give item ids best first, lazily, so that a filter can be applied before a limit is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from agentcore.memory._store_items import ItemTable, StoredItem, encode_namespace
from agentcore.memory._swiftmem import SwiftMem
from agentcore.memory._validation import check_namespace
from agentcore.memory.embedding import Embedder

__all__ = ["CosineRanking", "SwiftMemRanking", "text_leaves"]

_USER = "langgraph-store"
_PAGE = 64


class CosineRanking:
    """Exact cosine over every vector below a prefix; an item counts by its best path.

    Vectors of a namespace stay in RAM until it changes, in this process or another.

    Parameters
    ----------
    items : ItemTable
    dimension : int
        Length of the vectors.
    """

    def __init__(self, items: ItemTable, *, dimension: int) -> None:
        self._items = items
        self._dimension = dimension
        self._lock = Lock()
        self._kept: dict[str, tuple[int, npt.NDArray[np.int64], npt.NDArray[np.float32]]] = {}

    def unit(self, vectors: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
        """Return the vectors at unit length (zero vectors stay zero), checked against the dimension."""
        array = np.asarray(vectors, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self._dimension:
            raise ValueError(
                f"index['embed'] returned vectors of shape {array.shape[1:]}, index['dims'] is {self._dimension}"
            )
        norms = np.linalg.norm(array, axis=1, keepdims=True)
        result: npt.NDArray[np.float32] = np.divide(array, norms, out=np.zeros_like(array), where=norms > 0)
        return result

    def ranked(self, prefix: Sequence[str], query: Sequence[float]) -> Iterator[tuple[StoredItem, float]]:
        """Yield (item, cosine), best first."""
        parts = [self._namespace(name, number) for name, number in self._items.generations(prefix).items()]
        owners = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
        if not len(owners):
            return
        target = self.unit([query])[0]
        scores = np.concatenate([part[1] @ target for part in parts])
        order = np.argsort(-scores, kind="stable")
        _, first = np.unique(owners[order], return_index=True)  # an item's best vector
        places = order[np.sort(first)]
        for start in range(0, len(places), _PAGE):
            page = places[start : start + _PAGE]
            found = self._items.by_id(owners[page].tolist())
            for place in page:
                item = found.get(int(owners[place]))
                if item is not None:
                    yield item, float(scores[place])

    def _namespace(self, name: str, generation: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        with self._lock:
            kept = self._kept.get(name)
        if kept is None or kept[0] != generation:
            owners, blobs = self._items.vectors(name)
            matrix = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, self._dimension)
            kept = (generation, owners, matrix)
            with self._lock:
                self._kept[name] = kept
        return kept[1], kept[2]


class SwiftMemRanking:
    """SwiftMem's own ranking; every namespace of the store is a partition of one reserved user.

    Parameters
    ----------
    items : ItemTable
    path : Path or None
        The file that the items are in.
    embedder : Embedder or None
        The packaged one when not given.
    """

    def __init__(self, items: ItemTable, path: Path | None, *, embedder: Embedder | None) -> None:
        self._items = items
        self._memory = SwiftMem(path, embedder=embedder)
        # What another process is writing at this moment is younger than that.
        self.forget(items.orphans(_USER, older_than=timedelta(minutes=10)) if path is not None else [])

    def remember(self, entries: Sequence[tuple[tuple[str, ...], str]]) -> list[str]:
        """Store (namespace, text) and return the ids of the records."""
        ids = [uuid4().hex for _ in entries]
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for identity, (namespace, text) in zip(ids, entries, strict=True):
            groups.setdefault(namespace, []).append({"id": identity, "content": text})
        for namespace, messages in groups.items():
            self._memory.add_messages(messages, user_id=_USER, namespace=_partition(namespace))
        return ids

    def forget(self, records: Sequence[str]) -> None:
        """Delete records."""
        for record in records:
            self._memory.delete(record)

    def ranked(self, prefix: Sequence[str], query: str) -> Iterator[tuple[StoredItem, float]]:
        """Yield (item, score in [0, 1]), best first; below a prefix the namespaces are merged by score."""
        namespaces = self._items.namespaces(prefix)
        limit = _PAGE
        seen: set[str] = set()
        while True:
            hits = [
                hit
                for namespace in namespaces
                for hit in self._memory.search(
                    query, user_id=_USER, namespace=_partition(namespace), limit=limit
                )
            ]
            hits.sort(key=lambda hit: -hit.score)
            fresh = [hit for hit in hits if hit.id not in seen][: limit if len(namespaces) > 1 else None]
            found = self._items.by_record([hit.id for hit in fresh])
            for hit in fresh:
                seen.add(hit.id)
                if hit.id in found:
                    yield found[hit.id], hit.score
            if not fresh:
                return
            limit *= 4

    def close(self) -> None:
        """Close the file."""
        self._memory.close()


def text_leaves(value: Any) -> list[str]:
    """Return every non-empty string inside a JSON value, in order."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in text_leaves(inner)]
    if isinstance(value, (list, tuple)):
        return [leaf for inner in value for leaf in text_leaves(inner)]
    return []


def _partition(namespace: Sequence[str]) -> str:
    """Return the partition's name: the labels where they are usable, else their digest."""
    from hashlib import blake2b

    name = encode_namespace(namespace)
    try:
        return check_namespace(name)
    except ValueError:
        return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
