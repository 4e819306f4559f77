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

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_namespace = click.option("--namespace", help="A partition under the user.")
_user = click.option("--user", help="Whose memory (default: the setting `user`).")
_file = click.option(
    "--memory",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The memory file (default: the setting `memory`).",
)


def of_file(command: Command) -> Command:
    """Add the options of a sub-command about the whole file."""
    return _file(_json(command))


def of_user(command: Command) -> Command:
    """Add the options of a sub-command about one user's memories."""
    return _file(_user(_json(command)))


def of_partition(command: Command) -> Command:
    """Add the options of a sub-command about one user's memories in one namespace."""
    return _file(_user(_namespace(_json(command))))


def open_memory(file: Path | None, *, must_exist: bool = False) -> AbstractContextManager[SwiftMem]:
    """Open the memory file of the option or the settings."""
    from agentcore.config import load_settings, make_folder
    from agentcore.memory import SwiftMem

    path = load_settings({"memory": file}).settings.memory
    if must_exist and not path.exists():
        raise click.UsageError(f"no memory file at {path}: `agentcore memory add TEXT` makes one")
    make_folder("memory", path)
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
