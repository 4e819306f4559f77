"""`agentcore memory stats | export | import | consolidate | vacuum`: the file as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from agentcore.cli._memory_file import checked, of_file, of_partition, of_user, open_memory, owner_of

_PATH = click.Path(dir_okay=False, path_type=Path)
_EXISTING = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command()
@of_file
def stats(*, file: Path | None, as_json: bool) -> None:
    """Count what the file holds."""
    with open_memory(file, must_exist=True) as store:
        counts = store.stats()
    if as_json:
        click.echo(json.dumps(counts, indent=2))
        return
    for name, value in counts.items():
        click.echo(f"{name:12} {value}")


@click.command()
@click.argument("target", type=_PATH)
@click.option("--all", "everyone", is_flag=True, help="Of every user, indexed documents included.")
@click.option("--force", is_flag=True, help="Overwrite the target.")
@of_user
def export(
    target: Path, everyone: bool, force: bool, *, file: Path | None, user: str | None, as_json: bool
) -> None:
    """Write memories with their history as JSON lines into TARGET."""
    if target.exists() and not force:
        raise click.ClickException(f"{target} exists: choose another name, or --force")
    if not target.parent.is_dir():
        raise click.UsageError(f"there is no folder {target.parent}: make it, or choose another place")
    with open_memory(file, must_exist=True) as store:
        count = checked(lambda: store.export(target, user_id=None if everyone else owner_of(user)))
    click.echo(json.dumps({"exported": count}) if as_json else f"{count} versions written to {target}")


@click.command(name="import")
@click.argument("source", type=_EXISTING)
@of_user
def import_(source: Path, *, file: Path | None, user: str | None, as_json: bool) -> None:
    """Read an export of ours, of mem0 or of a LangGraph store; all of it or nothing, and twice changes nothing.

    With --user, everything in it becomes that user's.
    """
    with open_memory(file) as store:
        count = checked(lambda: store.import_(source, user_id=user))
    click.echo(json.dumps({"imported": count}) if as_json else f"{count} versions were new")


@click.command()
@of_partition
def consolidate(*, file: Path | None, user: str | None, namespace: str | None, as_json: bool) -> None:
    """Tag, merge tags, and lay related records side by side; what a search returns stays the same."""
    with open_memory(file, must_exist=True) as store:
        reports = store.consolidate(user_id=user, namespace=namespace)
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2))
        return
    for report in reports:
        partition = f"{report.user_id}/{report.namespace}" if report.namespace else report.user_id
        click.echo(
            f"{partition}: {report.records} records, {report.newly_tagged} newly tagged, {report.tags} tags "
            f"({report.merged_tags} merged), {report.clusters} clusters"
        )


@click.command()
@of_file
def vacuum(*, file: Path | None, as_json: bool) -> None:
    """Remove what has expired and shrink the file."""
    with open_memory(file, must_exist=True) as store:
        before = store.stats()["bytes"]
        count = store.vacuum()
        after = store.stats()["bytes"]
    if as_json:
        click.echo(json.dumps({"removed": count, "bytes_before": before, "bytes_after": after}))
        return
    click.echo(f"{count} expired memories removed, {before / 1e6:.2f} MB -> {after / 1e6:.2f} MB")
