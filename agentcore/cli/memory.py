"""`agentcore memory`: what is remembered, by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from agentcore.cli._lazy import LazyCommand, LazyGroup
from agentcore.cli._memory_file import checked, of_partition, open_memory, owner_of

_UPKEEP = "agentcore.cli.memory_upkeep"
_COMMANDS = {
    "stats": LazyCommand(_UPKEEP, "stats", "Count what the file holds."),
    "export": LazyCommand(_UPKEEP, "export", "Write memories with their history as JSON lines."),
    "import": LazyCommand(_UPKEEP, "import_", "Read an export of ours, of mem0 or of a LangGraph store."),
    "consolidate": LazyCommand(
        _UPKEEP, "consolidate", "Tag, merge tags, and lay related records side by side."
    ),
    "vacuum": LazyCommand(_UPKEEP, "vacuum", "Remove what has expired and shrink the file."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def memory() -> None:
    """Add, search, list and move memories."""


@memory.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--at", "timestamp", metavar="TIME", help="When it happened (ISO 8601; default: now).")
@click.option("--role", help="Who said it: user, assistant, …")
@click.option("--tag", "tags", multiple=True, help="May be given several times.")
@click.option("--metadata", metavar="JSON", help="A JSON object.")
@of_partition
def add(
    text: tuple[str, ...],
    timestamp: str | None,
    role: str | None,
    tags: tuple[str, ...],
    metadata: str | None,
    *,
    file: Path | None,
    user: str | None,
    namespace: str | None,
    as_json: bool,
) -> None:
    """Remember TEXT (`-` reads stdin) and print its id."""
    words = sys.stdin.read() if text == ("-",) else " ".join(text)
    owner = owner_of(user)
    with open_memory(file) as store:
        record_id = checked(
            lambda: store.add(
                words,
                user_id=owner,
                namespace=namespace,
                timestamp=timestamp,
                role=role,
                tags=tags or None,
                metadata=_object(metadata),
            )
        )
    click.echo(json.dumps({"id": record_id}) if as_json else record_id)


@memory.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@click.option("--start", metavar="TIME", help="Not older than this.")
@click.option("--end", metavar="TIME", help="Not newer than this.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Only hits at least this sure.")
@click.option("--explain", is_flag=True, help="Say how the hits were found.")
@click.option(
    "--words", is_flag=True, help="By words alone: needs no model, whatever state the indexes are in."
)
@click.option("--everyone", is_flag=True, help="With --words: of every user.")
@of_partition
def search(
    query: tuple[str, ...],
    limit: int,
    start: str | None,
    end: str | None,
    threshold: float | None,
    explain: bool,
    words: bool,
    everyone: bool,
    *,
    file: Path | None,
    user: str | None,
    namespace: str | None,
    as_json: bool,
) -> None:
    """Find memories by meaning, words and time, best first."""
    if everyone and not words:
        raise click.UsageError("--everyone needs --words: meaning is searched within one user")
    if words and (start or end or explain or threshold is not None):
        raise click.UsageError("--words goes with --limit, --user and --namespace only")
    owner = owner_of(user)
    with open_memory(file, must_exist=True) as store:
        hits = checked(
            lambda: (
                store.search_text(
                    " ".join(query), user_id=None if everyone else owner, namespace=namespace, limit=limit
                )
                if words
                else store.search(
                    " ".join(query),
                    user_id=owner,
                    namespace=namespace,
                    limit=limit,
                    start=start,
                    end=end,
                    threshold=threshold,
                    explain=explain,
                )
            )
        )
    if as_json:
        rows = [{"id": hit.id, "score": hit.score, **_row(hit)} for hit in hits]
        plan = {"route": hits.plan.route, "counts": dict(hits.plan.counts)} if hits.plan else None
        click.echo(
            json.dumps({"hits": rows, "plan": plan} if explain else rows, indent=2, ensure_ascii=False)
        )
        return
    for hit in hits:
        click.echo(f"{hit.score:.2f}  {hit.timestamp:%Y-%m-%d %H:%M}  {_one_line(hit.text)}  [{hit.id}]")
    if hits.plan:
        stages = ", ".join(f"{name} {spent:.2f} ms" for name, spent in hits.plan.milliseconds.items())
        click.echo(f"route {hits.plan.route}; {stages}", err=True)
    if not hits:
        click.echo("nothing found", err=True)


@memory.command(name="list")
@click.option("--limit", type=click.IntRange(1), help="Only the newest so many.")
@of_partition
def list_(
    limit: int | None, *, file: Path | None, user: str | None, namespace: str | None, as_json: bool
) -> None:
    """Show memories in the order of their time."""
    with open_memory(file, must_exist=True) as store:
        records = store.get_all(user_id=owner_of(user), namespace=namespace)
    records = records[-limit:] if limit else records
    if as_json:
        click.echo(
            json.dumps(
                [{"id": record.id, **_row(record)} for record in records], indent=2, ensure_ascii=False
            )
        )
        return
    for record in records:
        click.echo(f"{record.timestamp:%Y-%m-%d %H:%M}  {_one_line(record.text)}  [{record.id}]")


@memory.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every memory of the user.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@of_partition
def delete(
    ids: tuple[str, ...],
    everything: bool,
    yes: bool,
    *,
    file: Path | None,
    user: str | None,
    namespace: str | None,
    as_json: bool,
) -> None:
    """Forget memories for good, by id or all of a user."""
    if bool(ids) == everything:
        raise click.UsageError("name ids, or --all")
    owner = owner_of(user)
    if everything and not yes:
        click.confirm(f"forget everything of user {owner!r}?", abort=True, err=True)
    with open_memory(file, must_exist=True) as store:
        if everything:
            count = store.delete_all(user_id=owner, namespace=namespace)
        else:
            count = store.delete(ids, user_id=owner)
    if not count and ids:
        raise click.UsageError(
            f"no memory has the id {ids[0]!r} for user {owner!r}: `agentcore memory list` shows the ids"
        )
    click.echo(json.dumps({"deleted": count}) if as_json else f"{count} forgotten")


def _object(text: str | None) -> dict[str, Any] | None:
    """Read a JSON object."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as exc:
        raise click.UsageError(f"--metadata is no valid JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise click.UsageError("--metadata must be a JSON object")
    return value


def _row(record: Any) -> dict[str, Any]:
    """Return what a record and a hit have in common as JSON values."""
    return {
        "text": record.text,
        "timestamp": record.timestamp.isoformat(),
        "tags": list(record.tags),
        "metadata": dict(record.metadata),
        "user_id": record.user_id,
        "namespace": record.namespace,
    }


def _one_line(text: str, *, width: int = 100) -> str:
    """Return a text's beginning on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
