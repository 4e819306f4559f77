"""The terminal: progress bars and tables, only where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

    from agentcore.models import Progress


def stderr_console() -> Console:
    """Return a console on stderr; rich honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_text(console: Console, text: str, *, style: str | None = None, end: str = "\n") -> None:
    """Print text as it is, with no markup or emoji names read in it; a terminal's lines are broken between words.

    A pipe's lines are left whole.
    """
    console.print(
        text,
        style=style,
        end=end,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=not console.is_terminal,
    )


@contextmanager
def progress_bar(
    title: str, *, unit: Literal["bytes", "files"] = "bytes", quiet: bool = False
) -> Iterator[Progress]:
    """Draw a bar on stderr while something moves; without a terminal, one line a stage.

    The bar vanishes when a stage is done, so that a run's lines can follow it.

    Yields
    ------
    Progress
        Call it with (stage, done, total).
    """
    console = stderr_console()
    if quiet:
        yield _silent
        return
    if not console.is_terminal:
        yield _stage_lines(console, title)
        return
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    counts = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    bars = RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        counts,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bars.add_task(title, total=None)

    def draw(stage: str, done: int, total: int | None) -> None:
        bars.update(task, description=f"{title}: {stage}", completed=done, total=total)
        if done == total:
            bars.stop()
        elif not bars.live.is_started:
            bars.start()

    try:
        yield draw
    finally:
        bars.stop()


def _silent(stage: str, done: int, total: int | None) -> None:
    """Draw nothing."""


def _stage_lines(console: Console, title: str) -> Progress:
    """Return a progress that says each stage once."""
    seen: set[str] = set()

    def say(stage: str, done: int, total: int | None) -> None:
        del done, total
        if stage not in seen:
            seen.add(stage)
            console.print(f"{title}: {stage}", markup=False)

    return say
