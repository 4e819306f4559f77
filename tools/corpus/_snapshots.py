"""Keeping the text of every document as it was read, so that a citation can be checked for ever."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Protocol

from agentcore.tools.corpus._documents import text_digest
from agentcore.tools.errors import SnapshotMissingError

__all__ = ["FolderSnapshots", "MemorySnapshots", "SnapshotStore"]


class SnapshotStore(Protocol):
    """Texts under their sha256."""

    def put(self, text: str) -> str:
        """Keep a text and return its sha256."""

    def get(self, sha256: str) -> str:
        """Return a kept text, checked against its sha256.

        Raises
        ------
        SnapshotMissingError
            It is not there, or is no longer what it was.
        """

    def __contains__(self, sha256: object) -> bool:
        """Tell whether a text is kept."""


class MemorySnapshots:
    """Snapshots that live as long as the object."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def put(self, text: str) -> str:
        """Keep a text and return its sha256."""
        sha256 = text_digest(text)
        self._texts[sha256] = text
        return sha256

    def get(self, sha256: str) -> str:
        """Return a kept text."""
        try:
            return self._texts[sha256]
        except KeyError:
            raise SnapshotMissingError(sha256) from None

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._texts


class FolderSnapshots:
    """Snapshots as one UTF-8 file each, named by their sha256; readable by their owner only.

    A file appears whole or not at all, and is never changed, so any number of processes may share the folder.

    Parameters
    ----------
    folder : Path
        Made when the first snapshot is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, text: str) -> str:
        """Keep a text and return its sha256."""
        sha256 = text_digest(text)
        target = self._path(sha256)
        if not _holds(target, text):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=".writing-")  # mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(text.encode("utf-8"))
                Path(scratch).replace(target)
            except BaseException:
                Path(scratch).unlink(missing_ok=True)
                raise
        return sha256

    def get(self, sha256: str) -> str:
        """Return a kept text, checked against its sha256; a damaged one is removed, so that the next reading keeps it anew."""
        if len(sha256) != 64 or not all(character in "0123456789abcdef" for character in sha256):
            raise SnapshotMissingError(sha256)
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError as exc:
            raise SnapshotMissingError(sha256) from exc
        if hashlib.sha256(content).hexdigest() != sha256:
            with contextlib.suppress(OSError):
                self._path(sha256).unlink()
            raise SnapshotMissingError(sha256)
        return content.decode("utf-8")

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and self._path(sha256).exists()

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.txt"


def _holds(path: Path, text: str) -> bool:
    """Tell whether a file is there and holds this text, not what a crash of the machine left of it."""
    try:
        return path.read_bytes() == text.encode("utf-8")
    except OSError:
        return False
