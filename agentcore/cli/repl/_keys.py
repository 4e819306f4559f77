"""Ctrl-C and Esc while a turn runs, read from the terminal at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit.input import create_input
from prompt_toolkit.keys import Keys

__all__ = ["stop_keys"]


@contextmanager
def stop_keys(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in the running loop on Ctrl-C and Esc while the block runs.

    The terminal is in raw mode meanwhile: Ctrl-C is a key and no signal, and what is typed is not echoed into the
    answer.
    """
    keyboard = create_input()

    def read() -> None:
        # Esc alone arrives only when flushed: it could begin a longer sequence.
        for press in (*keyboard.read_keys(), *keyboard.flush_keys()):
            if press.key in {Keys.ControlC, Keys.Escape}:
                stop()

    try:
        with keyboard.raw_mode(), keyboard.attach(read):
            yield
    finally:
        keyboard.close()
