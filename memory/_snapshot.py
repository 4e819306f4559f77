"""Derived indexes of large collections on disk: written whole, checked when read, thrown away when in doubt.

A snapshot lies beside the memory's file, in `<file>-index/`, one a (user, namespace). It holds no text. Its header names the file it
belongs to and the last change it has taken in; what changed since is applied on top, and where the change log no longer reaches
back, or anything is damaged, the indexes are built anew from the records.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._labels import Labels
from agentcore.memory._partition import Partition
from agentcore.memory._terms import ANALYZER, TERM
from agentcore.memory.index import VectorIndex, Vectors
from agentcore.memory.ranking import LexicalIndex, Structure, TokenIndex
from agentcore.memory.tags import TagGraph

__all__ = ["Snapshot", "SnapshotFolder"]

FORMAT = 5
Key = tuple[str, str]
Arrays = dict[str, npt.NDArray[Any]]
_PLAIN = (
    "seq", "event_time", "expires", "valid_from", "valid_to", "cues", "token_starts", "token_ids", "token_signs", "term_starts",
)  # fmt: skip


class Snapshot:
    """What a snapshot gives back.

    Attributes
    ----------
    body : Partition
        With its indexes.
    graph : TagGraph or None
    change : int
        Number of the last change it has taken in.
    last : int
        Largest sequence number it has taken in.
    """

    def __init__(self, body: Partition, graph: TagGraph | None, *, change: int, last: int) -> None:
        self.body, self.graph, self.change, self.last = body, graph, change, last


class SnapshotFolder:
    """The snapshots of one file.

    Parameters
    ----------
    database_path : Path
    identity : Mapping
        What must be the same when a snapshot is read: the file's own id, the embedder.
    """

    def __init__(self, database_path: Path, identity: Mapping[str, str]) -> None:
        self._folder = database_path.with_name(database_path.name + "-index")
        self._identity = {**identity, "analyzer": ANALYZER, "format": str(FORMAT)}

    def save(self, key: Key, body: Partition, graph: TagGraph | None, *, change: int, last: int) -> None:
        """Write a snapshot; the old one stays until the new one is complete."""
        header = {**self._identity, "change": change, "last": last, "records": len(body)}
        arrays = _pack(body, graph)
        arrays["header"] = _json_array(header)
        self._folder.mkdir(exist_ok=True)
        path = self._path(key)
        partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def load(self, key: Key) -> Snapshot | None:
        """Return a snapshot, or None where there is none, or none that can be trusted."""
        path = self._path(key)
        try:
            # The archive's checksums catch flipped bits and cuts.
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                if {name: header.get(name) for name in self._identity} != self._identity:
                    return None
                body, graph = _unpack({name: file[name] for name in file.files})
            if len(body) != header["records"]:
                return None
        except (
            OSError,
            ValueError,
            KeyError,
            EOFError,
            RuntimeError,
            zipfile.BadZipFile,
            json.JSONDecodeError,
        ):
            return None
        return Snapshot(body, graph, change=int(header["change"]), last=int(header["last"]))

    def remove(self, key: Key | None = None) -> None:
        """Delete the snapshot of one partition, or all."""
        paths = [self._path(key)] if key is not None else list(self._folder.glob("*.npz"))
        for path in paths:
            path.unlink(missing_ok=True)

    def _path(self, key: Key) -> Path:
        name = blake2b(json.dumps(key).encode(), digest_size=16).hexdigest()
        return self._folder / f"{name}.npz"


def _pack(body: Partition, graph: TagGraph | None) -> Arrays:
    """Return everything as plain arrays."""
    arrays: Arrays = {name: getattr(body, name) for name in _PLAIN}
    arrays["terms"] = body.terms.view(np.uint8)
    arrays["session_codes"], arrays["speaker_codes"] = body.sessions.codes, body.speakers.codes
    arrays["vector_codes"], arrays["vector_steps"] = body.vectors.codes, body.vectors.steps
    arrays["names"] = _json_array([body.sessions.names, body.speakers.names])
    arrays["line"], arrays["session"] = body.structure.line, body.structure.session
    arrays |= {f"lexical_{name}": array for name, array in body.lexical.to_arrays().items()}
    arrays |= {f"pieces_{name}": array for name, array in body.tokens.to_arrays().items()}
    arrays["faiss"] = body.nearest.to_bytes()
    if graph is not None:
        rows = [graph.postings[name] for name in graph.names]
        arrays["tag_names"] = _json_array([graph.names, sorted(graph.graph.edges)])
        arrays["tag_rows"] = np.concatenate(rows) if rows else np.zeros(0, np.intp)
        arrays["tag_starts"] = np.cumsum([0, *(len(r) for r in rows)])
        arrays["tag_vectors"] = graph.vectors
    return arrays


def _unpack(arrays: Arrays) -> tuple[Partition, TagGraph | None]:
    """Return the records with their indexes."""
    sessions, speakers = (tuple(names) for names in json.loads(arrays["names"].tobytes()))
    body = Partition(
        **{name: arrays[name] for name in _PLAIN},
        vectors=Vectors(arrays["vector_codes"], arrays["vector_steps"]),
        sessions=Labels(arrays["session_codes"], sessions),
        speakers=Labels(arrays["speaker_codes"], speakers),
        terms=arrays["terms"].view(TERM),
    )
    session = arrays["session"]
    count = int(session.max(initial=-1)) + 1
    derived = body.__dict__  # where cached properties keep what they worked out
    derived["structure"] = Structure(arrays["line"], session, count)
    derived["lexical"] = LexicalIndex.from_arrays(
        _group(arrays, "lexical_"),
        num_records=len(body),
    )
    derived["tokens"] = TokenIndex.from_arrays(_group(arrays, "pieces_"), body.token_signs, body.token_starts)
    derived["nearest"] = VectorIndex.from_bytes(arrays["faiss"])
    if "tag_names" not in arrays:
        return body, None
    names, edges = json.loads(arrays["tag_names"].tobytes())
    postings = np.split(arrays["tag_rows"], arrays["tag_starts"][1:-1]) if names else []
    graph = TagGraph.restored(
        dict(zip(names, postings, strict=True)),
        [(a, b) for a, b in edges],
        arrays["tag_vectors"],
        num_records=len(body),
    )
    return body, graph


def _group(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _json_array(value: object) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
