"""The page on the command line tells of every command, setting and exit code, and of no other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click

from agentcore.cli._exit import ExitCode
from agentcore.cli._main import cli
from agentcore.cli.repl._commands import COMMANDS
from agentcore.config import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_command_is_documented() -> None:
    """Each command and sub-command stands in the table."""
    context = click.Context(cli)
    table = PAGE.split("## Exit codes")[0]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        row = "\n".join(line for line in table.splitlines() if line.startswith(f"| `{name}"))
        assert row, name
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                assert re.search(rf"`({name} )?{inner}`", row), f"{name} {inner}"
    named = {words.split()[0] for words in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)}
    assert named == set(cli.list_commands(context))


def test_every_exit_code_and_setting_is_documented() -> None:
    """The tables hold what the code knows."""
    for code in ExitCode:
        assert f"\n| {int(code)} |" in PAGE
    for setting in fields(Settings):
        assert f"`{setting.name}`" in PAGE


def test_every_bench_and_group_can_be_loaded() -> None:
    """No name in a lazy table points at something that is not there."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                loaded = command.get_command(context, inner)
                assert loaded is not None and loaded.get_short_help_str()


def test_the_slash_commands_that_users_are_promised_exist() -> None:
    """Every promised command is there and says what it does."""
    promised = {
        "help",
        "model",
        "memory",
        "corpus",
        "tools",
        "budget",
        "cost",
        "save",
        "trim",
        "resume",
        "why",
        "quit",
    }
    assert promised <= set(COMMANDS)
    assert all(command.help for command in COMMANDS.values())
