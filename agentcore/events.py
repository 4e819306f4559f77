"""The events of a run: typed, numbered, with the path of the agent that sent them.

======================  =====================================================================
type                    what it says
======================  =====================================================================
``run_started``         the question, the model and its mode
``plan``                the tasks of a round
``seeker_started``      a sub-agent begins a task
``draft``               a piece of an answer that the model writes, not checked yet
``token``               a piece of the statement, once it is checked
``thinking``            a piece of an agent's reasoning, or a decision in words
``tool_call``           a tool is called
``tool_result``         what it gave back, shortened
``memory_hits``         what was recalled before planning
``trim``                reasoning was cut short
``route``               a precision tier was chosen
``answer``              the final answer with its citations
``error``               something failed and the run goes on, or ends
``run_finished``        status and usage
======================  =====================================================================

The keys of each one's data are in ``docs/events.md``.

``path`` names the agent: ``()`` is the parent itself, ``("seeker-1-2",)`` a sub-agent of it. A reader that
shows only events whose path is ``()`` never shows a sub-agent's tokens as the parent's.
"""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["EVENT_TYPES", "Event", "EventLog", "EventType"]

EventType = Literal[
    "run_started",
    "plan",
    "seeker_started",
    "draft",
    "token",
    "thinking",
    "tool_call",
    "tool_result",
    "memory_hits",
    "trim",
    "route",
    "answer",
    "error",
    "run_finished",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a run.

    Attributes
    ----------
    seq : int
        Position in the run, counted from 1 without gaps, over all agents of the tree.
    time : float
        Seconds since the epoch.
    type : EventType
        What happened.
    path : tuple of str
        The agent it happened to; ``()`` is the parent.
    data : mapping
        JSON values; which keys, the table of ``docs/events.md`` says.
    tokens : int
        Tokens that the whole tree had read and written when it happened.
    """

    seq: int
    time: float
    type: EventType
    path: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the event as one JSON object."""
        return {
            "seq": self.seq,
            "time": self.time,
            "type": self.type,
            "path": list(self.path),
            "tokens": self.tokens,
            "data": dict(self.data),
        }


class EventLog:
    """Numbers the events of one run and hands each to whoever listens; safe from several threads.

    Parameters
    ----------
    listener : callable, optional
        Called with each event in the order of ``seq``, under the log's lock: it must be quick.
    first : int
        Number of the first event (a resumed run goes on counting).
    tokens : callable
        Returns the tokens that were used so far.
    """

    def __init__(
        self,
        listener: Callable[[Event], None] | None = None,
        *,
        first: int = 1,
        tokens: Callable[[], int] = lambda: 0,
    ) -> None:
        self._listener = listener
        self._tokens = tokens
        self._next = first
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def emit(self, type: EventType, /, *, path: tuple[str, ...] = (), **data: Any) -> Event:  # noqa: A002
        """Record an event and return it."""
        if type not in EVENT_TYPES:
            raise ValueError(f"unknown event type {type!r}: use one of {', '.join(EVENT_TYPES)}")
        with self._lock:
            event = Event(self._next, clock.time(), type, path, data, self._tokens())
            self._next += 1
            self._events.append(event)
            if self._listener is not None:
                self._listener(event)
        return event

    @property
    def events(self) -> tuple[Event, ...]:
        """All events so far, in order."""
        with self._lock:
            return tuple(self._events)
