"""`agentcore bench locomo`, `longmemeval` and `memory-scale`: what the memory finds and how fast, beside named baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agentcore.memory.benchmarks import Answering, BenchResult

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
_answer = click.option(
    "--answer", metavar="BACKBONE", help="Also answer from what is found, with this backbone."
)
_judge = click.option("--judge", metavar="BACKBONE", help="Let this backbone judge the answers.")
_most = click.option("--answers", type=click.IntRange(min=1), help="Answer so many questions only.")


@click.command()
@click.option("--data", type=_DATA, required=True, help="LoCoMo's official file.")
@_granularity
@_compare
@click.option("--ablate", is_flag=True, help="Also run SwiftMem with one part missing at a time.")
@_answer
@_judge
@_most
@_json
@_out
def locomo(
    data: Path,
    granularity: str | None,
    compare: tuple[str, ...],
    ablate: bool,
    answer: str | None,
    judge: str | None,
    answers: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Measure which turns of long conversations are found (LoCoMo)."""
    from agentcore.memory.benchmarks import ABLATIONS, LocomoConfig, run_locomo

    config = LocomoConfig(
        data,
        granularity="session" if granularity == "session" else "turn",
        compare=(*compare, *ABLATIONS) if ablate else compare,
        out=out,
        show_progress=not as_json,
        answering=_answering(answer, judge, answers),
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
@_answer
@_judge
@_most
@_json
@_out
def longmemeval(
    data: Path,
    granularity: str | None,
    roles: str,
    questions: int | None,
    compare: tuple[str, ...],
    answer: str | None,
    judge: str | None,
    answers: int | None,
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
        answering=_answering(answer, judge, answers),
    )
    _show(run_longmemeval(config), as_json=as_json)


def _answering(answer: str | None, judge: str | None, answers: int | None) -> Answering | None:
    """Load the backbones that were named."""
    if answer is None:
        if judge is not None or answers is not None:
            raise click.UsageError("--judge and --answers need --answer BACKBONE")
        return None
    from agentcore.backbones import load_backbone
    from agentcore.evaluation.memory_answers import answering

    reader = load_backbone(answer, max_tokens=64, temperature=0.0)
    verdicts = load_backbone(judge, max_tokens=8, temperature=0.0) if judge else None
    return answering(reader, judge=verdicts, most=answers)


def _sizes(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[int, ...]:
    """Read `10000,100000`."""
    try:
        sizes = tuple(int(part.replace("_", "")) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of numbers such as 10000,100000") from None
    if not sizes:
        raise click.BadParameter("name at least one size")
    return sizes


@click.command(name="memory-scale")
@click.option(
    "--data", type=_DATA, help="A LoCoMo file: the real turns and the questions.  [default: shipped text]"
)
@click.option(
    "--n", "sizes", default="10000,100000", show_default=True, callback=_sizes, help="Records, by commas."
)
@click.option(
    "--compare",
    default="faiss,faiss-hnsw,faiss-ivf,rrf,sqlite-vec,chroma,lancedb",
    show_default=True,
    callback=_names,
    help="Engines beside SwiftMem; above 500,000 records only FAISS and sqlite-vec.",
)
@click.option("--workload", type=click.Choice(["many_users", "heavy_user"]), help="Only one of the two.")
@click.option(
    "--engine-seconds",
    default=300.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Longest time of an engine at one size.",
)
@click.option(
    "--queries", default=100, show_default=True, type=click.IntRange(min=5), help="Questions asked."
)
@_json
@_out
def memory_scale(
    data: Path | None,
    sizes: tuple[int, ...],
    compare: tuple[str, ...],
    workload: str | None,
    engine_seconds: float,
    queries: int,
    as_json: bool,
    out: Path | None,
) -> None:
    """Measure search time, recall and memory as a store grows."""
    from agentcore.memory.benchmarks import MemoryScaleConfig, print_scale_table, run_memory_scale

    config = MemoryScaleConfig(
        data,
        records=sizes,
        workloads=(workload,) if workload else ("many_users", "heavy_user"),
        engines=compare,
        engine_seconds=engine_seconds,
        queries=queries,
        out=out,
        show_progress=not as_json,
    )
    try:
        result = run_memory_scale(config)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    if not as_json:
        print_scale_table(result)
    click.echo(result.json_line())


def _show(result: BenchResult, *, as_json: bool) -> None:
    """Print the tables, unless only JSON is wanted, and the JSON line."""
    from agentcore.memory.benchmarks import print_tables

    if not as_json:
        print_tables(result)
    click.echo(result.json_line())
