"""The files of one run: a folder nobody else can read, and no path out of it."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentcore.errors import RunBusyError, RunStorageError, WorkspaceError

__all__ = ["Workspace"]

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class Workspace:
    """A folder with rooted paths, readable by its owner alone; files appear whole or not at all.

    Parameters
    ----------
    root : path
        Created, with its parents, when absent.

    Raises
    ------
    RunStorageError
        The folder cannot be made.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        with _storage(self.root):
            self.root.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            self.root.chmod(_FOLDER_MODE)

    def path(self, name: str) -> Path:
        """Return the absolute path of a file of the run.

        Raises
        ------
        WorkspaceError
            The name leads outside, by ``..``, an absolute path or a symbolic link.
        """
        if not name or "\0" in name:
            raise WorkspaceError(f"{name!r} is no file name: give a path relative to the run's folder")
        candidate = self.root / name
        if not candidate.resolve().is_relative_to(self.root.resolve()):
            raise WorkspaceError(f"{name!r} leads outside the run's folder: give a path inside it")
        return candidate

    def write(self, name: str, text: str) -> str:
        """Write a file in one step and return its name.

        Raises
        ------
        WorkspaceError, RunStorageError
            A path outside; a disk that is full or read-only.
        """
        target = self.path(name)
        with _storage(target):
            target.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                os.fchmod(handle, _FILE_MODE)
                with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
                    file.write(text)
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        return name

    def write_rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> str:
        """Write one JSON object a line and return the file's name."""
        return self.write(name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def read(self, name: str) -> str:
        """Return a file's text.

        Raises
        ------
        WorkspaceError
            There is no such file, or it lies outside.
        """
        path = self.path(name)
        if not path.is_file():
            raise WorkspaceError(f"the run has no file {name!r}: it has {', '.join(self.files()) or 'none'}")
        return path.read_bytes().decode("utf-8", errors="surrogatepass")

    def read_rows(self, name: str) -> list[dict[str, Any]]:
        """Return the JSON objects of a file."""
        return [json.loads(line) for line in self.read(name).split("\n") if line]

    def files(self) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the run alone; the lease ends with the process that holds it.

        Raises
        ------
        RunBusyError
            Another process (or another call in this one) holds it.
        """
        with _storage(self.root):
            handle = os.open(self.root / ".lease", os.O_RDWR | os.O_CREAT, _FILE_MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise RunBusyError(self.root.name) from exc
            yield
        finally:
            os.close(handle)


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    """Say in one line what the operating system refused."""
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise RunStorageError(
            f"cannot write {path}: {reason}; free space there or set another runs file"
        ) from exc
