"""A thread that does what must not make an `add` wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Background"]

Key = tuple[str, str]


class Background:
    """Runs one function over keys, each at most once at a time, in one daemon thread that starts when first needed.

    Parameters
    ----------
    work : callable
        Called with a key.
    """

    def __init__(self, work: Callable[[Key], object]) -> None:
        self._work = work
        self._waiting: dict[Key, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._stopping = False
        self._error: BaseException | None = None

    def put(self, key: Key) -> None:
        """Ask for a key to be worked on."""
        with self._changed:
            if self._stopping:
                return
            self._waiting[key] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="swiftmem-background", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until nothing is waiting; raise what the work raised since the last time."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or not (self._waiting or self._busy))
            error, self._error = self._error, None
        if error is not None:
            raise error

    def stop(self) -> None:
        """Finish the key in hand, leave the rest, and end the thread."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._stopping)
                if self._stopping:
                    return
                key = next(iter(self._waiting))
                del self._waiting[key]
                self._busy = True
            error: BaseException | None = None
            try:
                self._work(key)
            except Exception as exc:  # noqa: BLE001 - handed to the next flush, or lost with the process
                error = exc
            with self._changed:
                self._busy = False
                self._error = self._error or error
                self._changed.notify_all()
