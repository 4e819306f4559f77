"""`agentcore models`: the weights that can be pulled into the user cache."""

from __future__ import annotations

import json

import click

from agentcore.cli._console import progress_bar


@click.group()
def models() -> None:
    """List, pull, locate and remove models."""


@models.command(name="list", short_help="Show every model of the catalogue.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(as_json: bool) -> None:
    """Show every model of the catalogue, its licence, and whether it is here."""
    from agentcore.models import catalogue, path_of

    rows = [
        {
            "name": model.name,
            "kind": model.kind,
            "licence": model.licence,
            "download_bytes": model.download_bytes,
            "sha256": model.sha256,
            "path": str(path) if (path := path_of(model.name)) else None,
            "description": model.description,
        }
        for model in catalogue()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        state = "here" if row["path"] else f"{int(str(row['download_bytes'])) / 1e6:.0f} MB"
        click.echo(
            f"{row['name']:{width}}  {state:>8}  {row['kind']:8}  {row['licence']:10}  {row['description']}"
        )


@models.command(short_help="Bring models into the cache, checked by their sha256.")
@click.argument("names", nargs=-1, required=True)
def pull(names: tuple[str, ...]) -> None:
    """Bring models into the cache: checked against a pinned sha256, whole or not at all."""
    from agentcore.models import find, path_of
    from agentcore.models import pull as pull_model

    for model in [find(name) for name in names]:  # a wrong name is told before anything is downloaded
        if (there := path_of(model.name)) is None:
            click.echo(
                f"{model.name}: {model.description}; licence {model.licence} ({model.licence_url})", err=True
            )
            with progress_bar(model.name) as progress:
                there = pull_model(model.name, progress=progress)
        click.echo(str(there))


@models.command()
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print where a model lies (without a name: the folder of all)."""
    from agentcore.models import cache_directory, path_of

    if name is None:
        click.echo(str(cache_directory()))
        return
    found = path_of(name)
    if found is None:
        raise click.ClickException(f"{name} is not here: run `agentcore models pull {name}`")
    click.echo(str(found))


@models.command()
@click.argument("names", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> None:
    """Delete models from the cache."""
    from agentcore.models import find
    from agentcore.models import remove as remove_model

    for model in [find(name) for name in names]:
        freed = remove_model(model.name)
        click.echo(
            f"{model.name}: {freed / 1e6:.0f} MB freed" if freed else f"{model.name}: was not here", err=True
        )
