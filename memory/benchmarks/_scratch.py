"""A temporary folder that does not outlive the benchmark, however that ends."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["scratch_folder"]

_LOCK = ".in-use"


@contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """Give a temporary folder that is removed when the block ends, by SIGTERM too.

    Nothing can be done at SIGKILL; what it leaves is removed the next time a folder of the kind is asked for. A folder is in use as long as a
    process holds its lock, which ends with the process.
    """
    prefix = f"agentcore-{kind}-"
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_if_left(folder)
    with _terminated_by_exit(), tempfile.TemporaryDirectory(prefix=prefix) as name:
        # locked before it has its name: nobody finds it unlocked
        unnamed = Path(name) / f"{_LOCK}.part"
        with unnamed.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unnamed.rename(Path(name) / _LOCK)
            yield Path(name)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose process is gone."""
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, not ours, or gone meanwhile
        return
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _terminated_by_exit() -> Iterator[None]:
    """Let SIGTERM end the process by an exception, so that blocks are left as they are by an interrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
