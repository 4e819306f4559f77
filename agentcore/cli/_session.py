"""From settings to an agent: what `ask`, `repl` and `runs` share."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from agentcore import Agent
    from agentcore.config import Settings
    from agentcore.corpus import Corpus

Command = TypeVar("Command", bound=Callable[..., Any])
Progress = Callable[[str, int, int | None], None]
Say = Callable[[str], None]

KEPT = ("backbone", "memory", "corpus", "user", "trim")
_LEAST_SECONDS = 0.001


def session_options(command: Command) -> Command:
    """Add the options that say with which model, memory, corpus and limits to work."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--trim/--no-trim",
            default=None,
            help="Cut a reasoning model's thinking short once it has its answer.",
        ),
        click.option("--max-calls", type=int, help="At most so many model calls in all."),
        click.option("--max-tokens", type=int, help="At most so many tokens read and written in all."),
        click.option("--max-seconds", type=float, help="At most so many seconds, indexing included."),
        click.option("--user", help="Whose memory is read and written."),
        click.option("--memory", type=click.Path(path_type=Path, dir_okay=False), help="The memory file."),
        click.option("--corpus", type=click.Path(path_type=Path), help="A folder of documents to research."),
        click.option(
            "--backbone", help="local, gguf:/path/to/model.gguf or openai:model@base_url (default: local)."
        ),
    ]
    for option in options:
        command = option(command)
    return command


def settings_from(options: dict[str, Any]) -> Settings:
    """Return the settings under these options."""
    from agentcore.config import load_settings

    return load_settings(options).settings


def keep_settings(settings: Settings, run_id: str) -> None:
    """Write into a run's folder what it was run with, so that it can go on with the same. It holds no key."""
    folder = settings.runs.with_suffix("") / run_id
    kept = {name: value for name, value in settings.as_dict().items() if name in KEPT and value is not None}
    if settings.corpus is not None:
        kept["corpus"] = str(settings.corpus.absolute())
    kept["memory"] = str(settings.memory.absolute())
    scratch = folder / f".settings.{os.getpid()}"
    scratch.write_text(json.dumps(kept), encoding="utf-8")
    scratch.chmod(0o600)
    scratch.replace(folder / "settings.json")


def kept_settings(folder: Path) -> dict[str, Any]:
    """Return what :func:`keep_settings` wrote, empty when there is nothing to be read."""
    try:
        kept = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: kept[name] for name in KEPT if name in kept}


@contextmanager
def open_corpus(settings: Settings, progress: Progress, say: Say) -> Iterator[Corpus | None]:
    """Open the corpus of the settings, telling of files that cannot be read."""
    if settings.corpus is None:
        yield None
        return
    from agentcore.config import make_folder
    from agentcore.corpus import Corpus

    make_folder("memory", settings.memory)
    with Corpus.open(settings.corpus, settings.memory, progress=progress) as corpus:
        for line in corpus.report.skipped:
            say(f"skipped: {line}")
        yield corpus


def _nothing() -> None:
    """Close nothing: the backbone holds nothing open."""


@contextmanager
def open_agent(
    settings: Settings, *, progress: Progress, say: Say, started: float | None = None
) -> Iterator[Agent]:
    """Build the agent of the settings; everything it opened is closed with it.

    Parameters
    ----------
    settings : Settings
        What to build it of.
    progress, say : callable
        Told how far indexing is, and lines for the user.
    started : float, optional
        The moment (``time.monotonic``) from which ``max_seconds`` counts; by default the run's own start.
    """
    from agentcore import Agent, Budget, load_backbone
    from agentcore.config import make_folder
    from agentcore.decoding.trimming import TrimmingConfig

    with ExitStack() as stack:
        backbone = load_backbone(settings.backbone)
        stack.callback(getattr(backbone, "close", _nothing))  # remote ones hold connections
        corpus = stack.enter_context(open_corpus(settings, progress, say))
        make_folder("memory", settings.memory)
        make_folder("runs", settings.runs)
        seconds = settings.max_seconds
        if seconds is not None and started is not None:
            seconds = max(_LEAST_SECONDS, seconds - (time.monotonic() - started))
        budget = Budget(settings.max_tokens, settings.max_calls, seconds)
        agent = Agent(
            backbone=backbone,
            memory=settings.memory,
            corpus=corpus,
            budget=budget,
            user_id=settings.user,
            runs=settings.runs,
            trimming=TrimmingConfig() if settings.trim else None,
        )
        yield stack.enter_context(agent)
