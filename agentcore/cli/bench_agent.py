"""`agentcore bench agent`: evidence, answers and citations on questions with known answers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="HotpotQA's distractor format, or our own questions with a folder `corpus` beside the file; the examples by default.",
)
@click.option("--backbone", default="local", show_default=True, help="Which model answers.")
@click.option(
    "--model-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file behind a remote backbone: its sha256 is recorded.",
)
@click.option(
    "--compare",
    metavar="NAMES",
    default="single_shot_rag,one_search_rag,random_choice,no_model",
    help="Baselines, separated by commas.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first few questions.")
@click.option("--without-gold/--with-gold-only", default=True, help="Ask again without the gold documents.")
@click.option("--seed", default=0, show_default=True, help="Seed of the lots of random_choice.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document alone.")
def agent(
    data: Path | None,
    backbone: str,
    model_file: Path | None,
    compare: str,
    limit: int | None,
    without_gold: bool,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure the agent beside single-shot retrieval and a random choice."""
    from agentcore.evaluation.agent import Setting, run

    names = tuple(name.strip() for name in compare.split(",") if name.strip())

    def progress(name: str, done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            click.echo(f"{name}: {done} of {total}", err=True)

    setting = Setting(
        backbone=backbone,
        limit=limit,
        without_gold=without_gold,
        seed=seed,
        model_sha256="" if model_file is None else _sha256(model_file),
    )
    result = run(data, out=out, compare=names, json_only=as_json, setting=setting, progress=progress)
    click.echo(json.dumps(result))


def _sha256(file: Path) -> str:
    """Return the hash of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
