"""Unchecked text of an answer, told while the model writes it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from agentcore.errors import RunCancelledError
from agentcore.events import EventLog

__all__ = ["Draft"]

# Up to its last white space or letter of another script a text can be told: a key is never split over two events, in
# which no redaction would know it.
_WHOLE = re.compile(r".*[\s\u0080-\U0010ffff]", re.DOTALL)


class Draft:
    """Tells what a model writes as ``draft`` events, a few words each, until the block is left.

    Parameters
    ----------
    events : EventLog
        Where to tell it.
    check_cancelled : callable
        Raises when the run was cancelled: the model's call ends at its next piece.
    """

    def __init__(self, events: EventLog, check_cancelled: Callable[[], None]) -> None:
        self._events = events
        self._check_cancelled = check_cancelled
        self._lock = threading.Lock()
        self._held = ""
        self._has_begun = False
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the rest, unless the call failed; a call that was given up tells nothing more."""
        with self._lock:
            if kind is None:
                self._tell(self._held)
            self._is_closed = True

    def add(self, piece: str) -> None:
        """Take the next piece of the text.

        Raises
        ------
        RunCancelledError
            The run was cancelled, or nobody waits for the text any longer.
        """
        self._check_cancelled()
        with self._lock:
            if self._is_closed:
                raise RunCancelledError("nobody waits for this text any longer")
            self._held += piece
            if whole := _WHOLE.match(self._held):
                self._held = self._held[whole.end() :]
                self._tell(whole.group())

    def _tell(self, text: str) -> None:
        if text:
            self._events.emit("draft", text=text, begins=not self._has_begun)
            self._has_begun = True
