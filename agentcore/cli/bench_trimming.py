"""`agentcore bench trimming`: how much of recorded reasoning traces can be cut without losing the answer."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option(
    "--compare",
    metavar="NAMES",
    default="",
    help="Baselines, separated by commas; verifier_rule, verifier_embedding, verifier_llm, verifier_cascade and deer_95 only when named.",
)
@click.option(
    "--model",
    "models",
    metavar="SPEC",
    multiple=True,
    help="For verifier_llm, verifier_cascade and deer_95: local, gguf:/path or openai:model@base_url; may be given again.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Finished traces that verifiers see; 0 for all.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document alone.")
def trimming(
    data: Path, compare: str, models: tuple[str, ...], sample: int, out: Path | None, as_json: bool
) -> None:
    """Measure how much recorded reasoning can be cut."""
    from agentcore.evaluation.trimming import Setting, run

    names = [name.strip() for name in compare.split(",") if name.strip()]
    result = run(
        data, out=out, compare=names, models=models, json_only=as_json, setting=Setting(sample=sample)
    )
    click.echo(json.dumps(result))
