"""`agentcore config`: the settings in use."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--show-origin", is_flag=True, help="Say where each value comes from.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def config(show_origin: bool, as_json: bool) -> None:
    """Show the settings in use.

    --option beats AGENTCORE_* beats ./agentcore.toml beats config.toml in the user's configuration folder.
    Keys are read from the environment only and never shown.
    """
    from agentcore.config import load_settings

    sourced = load_settings()
    values = sourced.settings.as_dict()
    if as_json:
        rows = {name: {"value": value, "origin": sourced.origins[name]} for name, value in values.items()}
        click.echo(json.dumps(rows if show_origin else values, indent=2))
        return
    for name, value in values.items():
        line = f"{name} = {json.dumps(value)}"
        click.echo(f"{line:60}  # {sourced.origins[name]}" if show_origin else line)
