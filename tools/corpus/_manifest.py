"""Remembering which files were read, so that an unchanged one is not parsed again.

The manifest is a cache: the store says what is indexed. Losing it costs parsing, never a wrong result.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from agentcore.tools.corpus._documents import Document
from agentcore.tools.corpus._folder import read_bytes
from agentcore.tools.errors import UnreadableDocumentError
from agentcore.tools.paths import RootedFolder

__all__ = ["DocumentRef", "Manifest"]

# A file changed within its clock's tick after we looked keeps its time: only older times are trusted.
_SETTLED_NS = 2_000_000_000
_VERSION = 1


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document without its text."""

    source: str
    title: str
    sha256: str

    @classmethod
    def of(cls, document: Document) -> DocumentRef:
        """Return the reference to a document."""
        return cls(source=document.source, title=document.title, sha256=document.sha256)


@dataclass(frozen=True, slots=True)
class _FileState:
    size: int
    modified_ns: int
    seen_ns: int
    digest: str
    documents: tuple[DocumentRef, ...]


class Manifest:
    """What the files of a folder held when they were last read.

    Parameters
    ----------
    path : Path or None
        The JSON file to keep it in; None keeps it nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._files = _load(path)
        self._seen: dict[str, _FileState] = {}

    def unchanged(self, folder: RootedFolder, source: str) -> tuple[DocumentRef, ...] | None:
        """Return the documents of a file that is as it was, None for a new or changed one."""
        known = self._files.get(source)
        if known is None:
            return None
        status = _status(folder, source)
        same_time = (
            status.st_mtime_ns == known.modified_ns and known.modified_ns + _SETTLED_NS < known.seen_ns
        )
        if status.st_size != known.size or (not same_time and _digest(folder, source) != known.digest):
            return None
        self._seen[source] = known
        return known.documents

    def record(self, folder: RootedFolder, source: str, documents: list[Document]) -> None:
        """Remember what a file that was just read holds."""
        status = _status(folder, source)
        self._seen[source] = _FileState(
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            seen_ns=time.time_ns(),
            digest=_digest(folder, source),
            documents=tuple(map(DocumentRef.of, documents)),
        )

    def save(self) -> None:
        """Write what was seen since the manifest was loaded; files not seen are forgotten."""
        self._files = self._seen
        self._seen = {}
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = {"version": _VERSION, "files": {name: asdict(state) for name, state in self._files.items()}}
        scratch = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        scratch.write_text(json.dumps(content), encoding="utf-8")
        scratch.replace(self._path)


def _status(folder: RootedFolder, source: str) -> os.stat_result:
    try:
        return (folder.root / source).lstat()
    except OSError as exc:  # gone since the folder was listed
        raise UnreadableDocumentError(source, str(exc.strerror)) from exc


def _digest(folder: RootedFolder, source: str) -> str:
    return hashlib.sha256(read_bytes(folder, source)).hexdigest()


def _load(path: Path | None) -> dict[str, _FileState]:
    """Read a manifest; a missing, damaged or foreign one is an empty one."""
    if path is None or not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return {}
        return {
            name: _FileState(
                **{**state, "documents": tuple(DocumentRef(**ref) for ref in state["documents"])}
            )
            for name, state in content["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
