"""`agentcore bench decoding`: speculative decoding on agent traffic, beside plain decoding and llama.cpp."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command()
@click.option(
    "--data",
    type=_FILE,
    help="A traffic log, or a file of questions to record an agent over; by default the log of the example corpus.",
)
@click.option("--model", type=_FILE, help="A GGUF file; by default the embedded model.")
@click.option(
    "--tiers", callback=_names, metavar="NAMES", help="Of int4, int8, bf16, fp32; by default the first three."
)
@click.option("--methods", callback=_names, metavar="NAMES", help="Rows of the table; by default all.")
@click.option(
    "--repeats", type=click.IntRange(min=1), default=9, show_default=True, help="Interleaved rounds."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=2, show_default=True, help="Requests of a kind; 0: all."
)
@click.option(
    "--max-new-tokens", type=click.IntRange(min=2), default=40, show_default=True, help="Bound on an answer."
)
@click.option(
    "--judge",
    type=click.FloatRange(min=0),
    help="Threshold of the judge, in nats; by default the tier's own.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch and of llama.cpp.")
@click.option("--device", default="cpu", show_default=True, help="Where to run: cpu or cuda.")
@click.option(
    "--llama-cpp-python", type=_FILE, help="An interpreter with llama-cpp-python, to time llama.cpp beside."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for decoding.json.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document alone.")
def decoding(
    data: Path | None,
    model: Path | None,
    tiers: tuple[str, ...] | None,
    methods: tuple[str, ...] | None,
    repeats: int,
    limit: int,
    max_new_tokens: int,
    judge: float | None,
    threads: int | None,
    device: str,
    llama_cpp_python: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure speculative decoding on agent traffic."""
    from agentcore.evaluation.decoding import Setting, run

    try:
        default = Setting()
        setting = Setting(
            tiers=tiers or default.tiers,
            methods=methods or default.methods,
            repeats=repeats,
            limit=limit,
            max_new_tokens=max_new_tokens,
            judge=judge,
            threads=threads,
            device=device,
        )
        result = run(
            data, model=model, setting=setting, llama_cpp_python=llama_cpp_python, out=out, json_only=as_json
        )
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    click.echo(json.dumps(result))
