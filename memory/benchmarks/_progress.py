"""A progress bar on stderr, so that stdout stays a table and one line of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from agentcore.memory.benchmarks._harness import Progress

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(title: str, *, visible: bool) -> Iterator[Progress]:
    """Yield a `Progress` that moves a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not visible) as bar:
        task = bar.add_task(title, total=None)

        def report(what: str, done: int, steps: int) -> None:
            bar.update(task, description=f"{title}: {what}", completed=done, total=steps)

        yield report
