"""What every `agentcore memory` command shares: the options, the file, and mistakes as wrong usage."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from agentcore.memory import SwiftMem

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)


def common(command: Command) -> Command:
    """Add the options that every sub-command shares."""
    options: list[Callable[[Command], Command]] = [
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option("--namespace", help="A partition under the user."),
        click.option("--user", help="Whose memory (default: the setting `user`)."),
        click.option("--memory", "file", type=_FILE, help="The memory file (default: the setting `memory`)."),
    ]
    for option in options:
        command = option(command)
    return command


def open_memory(file: Path | None, *, must_exist: bool = False) -> AbstractContextManager[SwiftMem]:
    """Open the memory file of the option or the settings."""
    from agentcore.config import load_settings
    from agentcore.memory import SwiftMem

    path = load_settings({"memory": file}).settings.memory
    if must_exist and not path.exists():
        raise click.ClickException(f"no memory file at {path}: `agentcore memory add TEXT` makes one")
    path.parent.mkdir(parents=True, exist_ok=True)
    return SwiftMem(path)


def owner_of(user: str | None) -> str:
    from agentcore.config import load_settings

    return load_settings({"user": user}).settings.user


Result = TypeVar("Result")


def checked(call: Callable[[], Result]) -> Result:
    """Run a call; what it refuses about its arguments is wrong usage."""
    try:
        return call()
    except (ValueError, TypeError) as exc:
        raise click.UsageError(str(exc)) from exc
