"""The terminal: progress bars and tables, only where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from agentcore.models import Progress


def stderr_console() -> Console:
    """Return a console on stderr; rich honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Draw a bar on stderr while the block runs; without a terminal, one line a stage.

    Yields
    ------
    Progress
        Call it with (stage, done, total).
    """
    console = stderr_console()
    if not console.is_terminal:
        yield _stage_lines(console, title)
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(title, total=None)

        def draw(stage: str, done: int, total: int | None) -> None:
            bars.update(task, description=f"{title}: {stage}", completed=done, total=total)

        yield draw


def _stage_lines(console: Console, title: str) -> Progress:
    """Return a progress that says each stage once."""
    seen: set[str] = set()

    def say(stage: str, done: int, total: int | None) -> None:
        del done, total
        if stage not in seen:
            seen.add(stage)
            console.print(f"{title}: {stage}", markup=False)

    return say
