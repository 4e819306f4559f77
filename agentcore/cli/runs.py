"""`agentcore runs`: what was asked, how it went, going on with what was interrupted, and trying it otherwise."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agentcore.cli._session import kept_settings, session_options, settings_from


@click.group()
def runs() -> None:
    """List, show, go on with and fork runs."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What the folder of a run says.

    Attributes
    ----------
    events : tuple of dict
        In the order in which they happened.
    """

    name: str
    question: str
    started: float
    events: tuple[dict[str, Any], ...]

    @property
    def finished(self) -> Mapping[str, Any]:
        """The data of the last ``run_finished``, empty while there is none."""
        ends = [event["data"] for event in self.events if event["type"] == "run_finished"]
        return ends[-1] if ends else {}

    @property
    def status(self) -> str:
        """How it ended, or ``interrupted``."""
        if self.finished.get("reason") == "cancelled":
            return "interrupted"
        return str(self.finished.get("status", "interrupted"))


@runs.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(limit: int, as_json: bool) -> None:
    """Show the latest runs."""
    recorded = list(_recorded(_folder()))[:limit]
    if as_json:
        rows = [
            {"run_id": run.name, "question": run.question, "started": run.started, "status": run.status}
            for run in recorded
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for run in recorded:
        moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        click.echo(f"{run.name:25}  {moment}  {run.status:11}  {_one_line(run.question)}")
    if not recorded:
        click.echo("no runs yet", err=True)


@runs.command()
@click.argument("run_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: the events.")
def show(run_id: str, as_json: bool) -> None:
    """Show a run as a tree of its agents, with milliseconds and tokens."""
    run = _load(run_id)
    if as_json:
        click.echo(json.dumps([dict(event) for event in run.events], indent=2, ensure_ascii=False))
        return
    from agentcore.cli._render import made_by

    click.echo(f"{run.name}  {run.status}  {_one_line(run.question)}")
    for line in _tree(run):
        click.echo(line)
    if run.finished:
        click.echo(f"answer: {run.finished.get('answer', '')}")
        click.echo(made_by(run.finished))
    elif run.status == "interrupted":
        click.echo(f"interrupted: `agentcore runs resume {run.name}` goes on")


@runs.command(short_help="Go on with an interrupted run.")
@click.argument("run_id")
@session_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def resume(run_id: str, as_json: bool, quiet: bool, **options: Any) -> int:
    """Go on with an interrupted run, with its own model, corpus and memory; finished seekers are not run again."""
    from agentcore.cli.ask import execute

    run = _load(run_id)
    given = {name: value for name, value in options.items() if value is not None}
    return execute(
        run.question,
        settings_from({**kept_settings(_folder() / run.name), **given}),
        lambda agent, **hooks: agent.resume(run.name, **hooks),
        as_json=as_json,
        quiet=quiet,
    )


@runs.command(short_help="Continue a run from one of its steps as another run.")
@click.argument("run_id")
@click.option(
    "--step",
    type=click.Choice(["recall", "plan", "seeker", "reflect", "write"]),
    help="The step to continue with; by default the last one before the answer that no limit had cut short.",
)
@click.option("--question", help="Ask something else of what was found.")
@session_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def fork(run_id: str, step: Any, question: str | None, as_json: bool, quiet: bool, **options: Any) -> int:
    """Continue a run from one of its steps as a run of its own: with another model, limit or question.

    What was found before that step is taken over; the earlier run stays as it is.
    """
    from agentcore.cli.ask import execute

    run = _load(run_id)
    given = {name: value for name, value in options.items() if value is not None}
    return execute(
        question or run.question,
        settings_from({**kept_settings(_folder() / run.name), **given}),
        lambda agent, **hooks: agent.fork(run.name, step=step, question=question, **hooks),
        as_json=as_json,
        quiet=quiet,
    )


def _tree(run: RecordedRun) -> Iterator[str]:
    """Yield a line an event, indented by its agent's depth, with the milliseconds and tokens since the one before."""
    from agentcore.cli._render import event_line

    before, counted = (run.events[0]["time"], 0) if run.events else (0.0, 0)
    yield f"{'ms':>8}{'tokens':>8}"
    for event in run.events:
        took, tokens = (event["time"] - before) * 1000, max(0, event.get("tokens", 0) - counted)
        line = event_line(event["type"], tuple(event["path"]), event["data"])
        if event["type"] in {"run_started", "answer", "run_finished"}:
            line = event["type"].replace("_", " ") + _detail(event)
        if line is not None:  # what is not shown, as the words of a draft, counts with the next line
            before, counted = event["time"], max(counted, event.get("tokens", 0))
            branch = "│  " * len(event["path"]) + "├─ "
            yield f"{took:8.0f}{tokens or '':>8}  {branch}{line.strip()}"


def _detail(event: Mapping[str, Any]) -> str:
    """Return what a milestone adds to its name."""
    data = event["data"]
    match event["type"]:
        case "run_started":
            origin = f", forked from {data['forked_from']}" if data.get("forked_from") else ""
            return f": {data.get('model', '')}, {data.get('mode', '')} mode{origin}"
        case "answer":
            return f": {_one_line(str(data.get('answer', '')))} ({len(data.get('citations', ()))} citations)"
        case _:
            usage = data.get("usage") or {}
            counts = ", ".join(f"{name} {value:g}" for name, value in usage.items())
            return f": {data.get('status', '')} ({counts})"


def _folder() -> Path:
    """Return the folder that holds a folder for each run."""
    from agentcore.config import load_settings

    return load_settings().settings.runs.with_suffix("")


def _recorded(folder: Path) -> Iterator[RecordedRun]:
    """Yield the runs, the latest first."""
    if not folder.is_dir():
        return
    loaded = (_read(path) for path in folder.iterdir() if path.is_dir())
    yield from sorted((run for run in loaded if run is not None), key=lambda run: run.started, reverse=True)


def _load(run_id: str) -> RecordedRun:
    """Return one run, or say that there is none.

    Raises
    ------
    RunNotFoundError
        No run of this name is recorded.
    """
    from agentcore.errors import RunNotFoundError

    path = _folder() / run_id
    is_name = run_id == path.name and "\0" not in run_id
    run = _read(path) if is_name and path.is_dir() else None
    if run is None:
        raise RunNotFoundError(run_id)
    return run


def _read(folder: Path) -> RecordedRun | None:
    """Read a run's folder; a last line cut off by a crash is left out."""
    try:
        head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        question, started = str(head["question"]), float(head["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    events = []
    record = folder / "events.jsonl"
    # Not splitlines: texts hold line separators of their own, which JSON leaves as they are.
    lines = record.read_text(encoding="utf-8", errors="replace").split("\n") if record.exists() else []
    for line in lines:
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return RecordedRun(folder.name, question, started, tuple(events))


def _one_line(text: str, *, width: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
