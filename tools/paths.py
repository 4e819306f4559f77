"""A folder that nothing leads out of: no `..`, no absolute path, no symbolic link, no NUL."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from agentcore.tools.errors import PathOutsideError

__all__ = ["RootedFolder"]

_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK: opening a named pipe must not hang before it is seen to be one.
_FILE_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class RootedFolder:
    """Read files below one folder, and only there.

    Every component is opened relative to its parent's descriptor without following symbolic links, so that a
    link, or a folder swapped for one between the check and the opening, is refused. The root itself may be a link.

    Parameters
    ----------
    root : Path
        An existing folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def files(self, *, on_error: Callable[[OSError], None] | None = None) -> Iterator[str]:
        """Yield the relative POSIX paths of the regular files, sorted; hidden ones and links are left out.

        Parameters
        ----------
        on_error : callable, optional
            Told of each folder that cannot be listed, which is then passed over.
        """
        for folder, names, files in os.walk(self.root, onerror=on_error):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                path = Path(folder) / name
                if not name.startswith(".") and _is_regular(path):
                    yield path.relative_to(self.root).as_posix()

    def open(self, path: str) -> BinaryIO:
        """Open a file below the root for reading.

        Raises
        ------
        PathOutsideError
            The path is absolute, climbs, holds a NUL, or passes a symbolic link or something that is no file.
        FileNotFoundError
            There is no such file.
        """
        parts = _checked_parts(path)
        folder = os.open(self.root, os.O_RDONLY)
        try:
            for part in parts[:-1]:
                folder = _step(folder, part, _FOLDER_FLAGS, path)
            file = _step(folder, parts[-1], _FILE_FLAGS, path, keep=True)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise PathOutsideError(path, "it is no regular file")
        return os.fdopen(file, "rb")


def _is_regular(path: Path) -> bool:
    """Tell whether a path is a file; one that vanished since it was listed is none, one that may not be asked says so when opened."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _checked_parts(path: str) -> tuple[str, ...]:
    """Split a relative path, refusing what could leave the root."""
    if not path or "\0" in path:
        raise PathOutsideError(path, "it is empty or holds a NUL")
    pure = PurePosixPath(path)
    if pure.is_absolute() or path.startswith(("~", "\\")) or (len(path) > 1 and path[1] == ":"):
        raise PathOutsideError(path, "it is not relative")
    if ".." in pure.parts or not pure.parts:
        raise PathOutsideError(path, "it climbs out or names no file")
    return pure.parts


def _step(folder: int, part: str, flags: int, path: str, *, keep: bool = False) -> int:
    """Open one component inside an open folder; the folder's descriptor is closed unless `keep`."""
    try:
        opened = os.open(part, flags, dir_fd=folder)
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such file", path) from None
    except OSError as exc:  # ELOOP or ENOTDIR: a symbolic link, or a file where a folder should be
        raise PathOutsideError(path, f"{part!r} is a link or cannot be opened ({exc.strerror})") from exc
    if not keep:
        os.close(folder)
    return opened
