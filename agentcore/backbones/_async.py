"""Running a blocking generator beside an event loop, with cancellation both ways."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import TypeVar

__all__ = ["stream_in_thread"]

_T = TypeVar("_T")


async def stream_in_thread(produce: Callable[[threading.Event], Iterator[_T]]) -> AsyncIterator[_T]:
    """Yield what `produce` yields in a thread of its own; leaving early sets the event that it was given.

    Parameters
    ----------
    produce : callable
        Called in the thread with a cancel event, which it must watch.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[str, _T | BaseException | None]] = asyncio.Queue()
    cancel = threading.Event()

    def send(kind: str, value: _T | BaseException | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, (kind, value))

    def work() -> None:
        try:
            for item in produce(cancel):
                send("item", item)
        except BaseException as exc:  # noqa: BLE001 - handed to the awaiting task, which raises it
            send("error", exc)
        else:
            send("end", None)

    context = copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="agentcore-generate", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = await queue.get()
            if kind == "end":
                return
            if kind == "error":
                assert isinstance(value, BaseException)
                raise value
            yield value  # type: ignore[misc]  # an item, by its kind
    finally:
        cancel.set()
