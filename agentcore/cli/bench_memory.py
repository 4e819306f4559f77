"""`agentcore bench locomo` and `longmemeval`: what the memory finds, beside named baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agentcore.memory.benchmarks import BenchResult

_DATA = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


def _names(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    """Split `a,b,c`; refuse what is no engine."""
    from agentcore.memory.benchmarks import ENGINES

    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if unknown := [name for name in names if name not in ENGINES]:
        raise click.BadParameter(f"no engine is called {unknown[0]!r}: choose from {', '.join(ENGINES)}")
    return names


_granularity = click.option(
    "--granularity", type=click.Choice(["turn", "session"]), help="What counts as found."
)
_compare = click.option(
    "--compare",
    default="faiss,bm25",
    show_default=True,
    callback=_names,
    help="Baselines, separated by commas.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the JSON document alone.")
_out = click.option("--out", type=_FOLDER, help="Folder for the plot and the JSON; makes the run resumable.")


@click.command()
@click.option("--data", type=_DATA, required=True, help="LoCoMo's official file.")
@_granularity
@_compare
@_json
@_out
def locomo(
    data: Path, granularity: str | None, compare: tuple[str, ...], as_json: bool, out: Path | None
) -> None:
    """Measure which turns of long conversations are found (LoCoMo)."""
    from agentcore.memory.benchmarks import LocomoConfig, run_locomo

    config = LocomoConfig(
        data,
        granularity="session" if granularity == "session" else "turn",
        compare=compare,
        out=out,
        show_progress=not as_json,
    )
    _show(run_locomo(config), as_json=as_json)


@click.command()
@click.option("--data", type=_DATA, required=True, help="An official LongMemEval file.")
@_granularity
@click.option(
    "--roles",
    type=click.Choice(["user", "all"]),
    default="user",
    show_default=True,
    help="Whose turns are indexed.",
)
@click.option("--questions", type=click.IntRange(min=1), help="Run the first so many only.")
@_compare
@_json
@_out
def longmemeval(
    data: Path,
    granularity: str | None,
    roles: str,
    questions: int | None,
    compare: tuple[str, ...],
    as_json: bool,
    out: Path | None,
) -> None:
    """Measure which sessions of long histories are found (LongMemEval)."""
    from agentcore.memory.benchmarks import LongMemEvalConfig, run_longmemeval

    config = LongMemEvalConfig(
        data,
        granularity="turn" if granularity == "turn" else "session",
        roles="all" if roles == "all" else "user",
        questions=questions,
        compare=compare,
        out=out,
        show_progress=not as_json,
    )
    _show(run_longmemeval(config), as_json=as_json)


def _show(result: BenchResult, *, as_json: bool) -> None:
    """Print the tables, unless only JSON is wanted, and the JSON line."""
    from agentcore.memory.benchmarks import print_tables

    if not as_json:
        print_tables(result)
    click.echo(result.json_line())
