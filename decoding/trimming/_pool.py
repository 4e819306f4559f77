"""Where verifiers run: an event loop on a thread of its own, so that no decode loop ever shares it or waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agentcore.decoding._numbers import check_count, check_number
from agentcore.decoding.trimming._verdicts import Verdict

Job = Callable[[], Awaitable[Verdict | None]]


@dataclass(frozen=True, slots=True)
class Look:
    """How one look at a stream ended.

    Attributes
    ----------
    verdict : Verdict | None
        What the verifier says; None also when it failed.
    milliseconds : float
        From being taken up to the end.
    failure : str
        Why there is no opinion: a time-out or an error; empty when all went well.
    """

    verdict: Verdict | None
    milliseconds: float
    failure: str = ""


CANCELLED = Look(None, 0.0, "cancelled")
"""The end of a look that the pool's stop cut off."""


class VerifierPool:
    """Runs looks concurrently, each with a time-out; may be stopped and started again at any time.

    Parameters
    ----------
    workers : int
        Looks at the same time; more wait in the pool.
    timeout_s : float
        Seconds after which a look is given up: no trimming, nothing else.
    """

    def __init__(self, *, workers: int = 16, timeout_s: float = 30.0) -> None:
        check_count("workers", workers, least=1)
        check_number("timeout_s", timeout_s)
        if timeout_s <= 0:
            raise ValueError(f"timeout_s is {timeout_s!r}: use a number above 0")
        self._workers = workers
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[Look]] = set()
        self._switch = threading.Lock()

    @property
    def timeout_s(self) -> float:
        """Seconds after which a look is given up."""
        return self._timeout_s

    @property
    def is_running(self) -> bool:
        """Whether looks are taken up."""
        return self._loop is not None

    @property
    def num_tasks(self) -> int:
        """Looks that have not ended; 0 after `stop`."""
        return len(self._tasks)

    def start(self) -> None:
        """Start the thread; does nothing when it runs."""
        with self._switch:
            if self._loop is not None:
                return
            loop, ready = asyncio.new_event_loop(), threading.Event()
            self._slots = asyncio.Semaphore(self._workers)
            self._thread = threading.Thread(
                target=self._run, args=(loop, ready), name="thought-verifiers", daemon=True
            )
            self._thread.start()
            ready.wait()
            self._loop = loop

    def stop(self) -> None:
        """Cancel every look, end the thread and wait for it."""
        with self._switch:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def submit(self, job: Job, done: Callable[[Look], None]) -> bool:
        """Hand over a look without waiting; `done` is called on the pool's thread. False when the pool is stopped."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(self._begin, loop, job, done)
        except RuntimeError:  # stopped between the two lines
            return False
        return True

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        """Run the loop until it is stopped, then clear up every task."""
        asyncio.set_event_loop(loop)
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(asyncio.sleep(0))  # looks handed over but not begun
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def _begin(self, loop: asyncio.AbstractEventLoop, job: Job, done: Callable[[Look], None]) -> None:
        task = loop.create_task(self._look(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda ended: done(CANCELLED if ended.cancelled() else ended.result()))

    async def _look(self, job: Job) -> Look:
        """Run one look; whatever goes wrong in a verifier means only that there is no verdict."""
        async with self._slots:
            started = time.perf_counter()
            try:
                verdict = await asyncio.wait_for(job(), self._timeout_s)
            except TimeoutError:
                return Look(None, _since(started), f"no verdict within {self._timeout_s:g} s")
            except Exception as exc:  # noqa: BLE001 - the edge to somebody's verifier
                return Look(None, _since(started), f"{type(exc).__name__}: {exc}"[:200])
            return Look(verdict, _since(started))


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0
