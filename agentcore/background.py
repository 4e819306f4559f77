"""Work in a thread of its own, so that Ctrl-C and a deadline take effect at once, whatever the work waits for."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Background", "DeadlineError", "in_thread"]

Result = TypeVar("Result")


class DeadlineError(Exception):
    """The work was not done in time; its thread goes on."""


class Background(Generic[Result]):
    """One piece of work in a daemon thread, with the context variables of whoever starts it.

    Parameters
    ----------
    work : callable
        What to do; what it raises is raised by :meth:`wait`.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._done = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name="agentcore-run", daemon=True
        )
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> Result:
        """Return the work's result.

        Raises
        ------
        DeadlineError
            It is not there after `timeout_s` seconds.
        KeyboardInterrupt
            At once, while the work goes on.
        """
        if not self._done.wait(timeout_s):
            raise DeadlineError
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as exc:  # noqa: BLE001 -- handed to whoever waits
            self._error = exc
        finally:
            self._done.set()


async def in_thread(call: Callable[[], Result]) -> Result:
    """Run a call in a daemon thread of its own and wait for it; cancelled, nobody waits any longer.

    Not ``asyncio.to_thread``: its few threads are shared, so that a handful of calls that never return would leave
    none for anything else.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():  # else it was cancelled
            set_outcome(outcome)

    def work() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = (future.set_result, call())
        except BaseException as exc:  # noqa: BLE001 -- handed to whoever waits
            outcome = (future.set_exception, exc)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, *outcome)

    Background(work)
    return await future
