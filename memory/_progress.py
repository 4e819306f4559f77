"""How far a long rebuild is: told to the caller's function, else shown on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["LONG", "Progress", "terminal_bar"]

LONG = 50_000
"""Rebuilding from so many records takes seconds; fewer are not worth a word."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are; the last call has both alike."""


def terminal_bar() -> Progress:
    """Return a progress bar on stderr; where that is no terminal, it stays silent."""
    bar: Bar | None = None
    task: TaskID | None = None

    def show(what: str, done: int, total: int) -> None:
        nonlocal bar, task
        if bar is None or task is None:
            if not sys.stderr.isatty():
                return
            from rich.console import Console  # needed by few, so not on every opening of a memory
            from rich.progress import Progress as Bar

            bar = Bar(console=Console(stderr=True), transient=True)
            bar.start()
            task = bar.add_task(what, total=total)
        bar.update(task, description=what, completed=done, total=total)
        if done >= total:
            bar.stop()
            bar = task = None

    return show
