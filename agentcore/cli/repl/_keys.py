"""Ctrl-C and Esc while a turn runs: read from the terminal at once, without waiting for the turn."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["stop_keys"]


@contextmanager
def stop_keys(stop: Callable[[], None], *, terminal: bool) -> Iterator[None]:
    """Call `stop` on Ctrl-C, on Esc, or on SIGINT from anywhere, while the block runs in the running loop.

    Parameters
    ----------
    stop : callable
        Called in the loop's thread.
    terminal : bool
        Whether keys can be read from the terminal; the signal is watched in any case.
    """
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # no signal handlers in this loop (another thread, another system)
        loop.add_signal_handler(signal.SIGINT, stop)
    try:
        if terminal:
            with _watched_terminal(stop):
                yield
        else:
            yield
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _watched_terminal(stop: Callable[[], None]) -> Iterator[None]:
    """Read keys in raw mode, where Ctrl-C is a key and typed text is not echoed into the answer."""
    from prompt_toolkit.input import create_input
    from prompt_toolkit.keys import Keys

    keyboard = create_input()

    def read() -> None:
        # Esc alone arrives only when flushed: it could begin a longer sequence.
        for press in (*keyboard.read_keys(), *keyboard.flush_keys()):
            if press.key in {Keys.ControlC, Keys.Escape}:
                stop()

    with keyboard.raw_mode(), keyboard.attach(read):
        yield
    keyboard.close()
