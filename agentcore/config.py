"""Settings and where each comes from: option, environment, project file, user file, default.

``--option`` beats ``AGENTCORE_*`` beats ``./agentcore.toml`` beats ``config.toml`` in the user's configuration
folder. Keys of remote services are no settings: they are read from the environment when a request is made, and
a file that holds one is refused, so that no key ever lies in a project.
"""

from __future__ import annotations

import difflib
import errno
import os
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from agentcore.errors import ConfigurationError

ENVIRONMENT_PREFIX = "AGENTCORE_"
PROJECT_FILE = "agentcore.toml"

__all__ = ["ENVIRONMENT_PREFIX", "PROJECT_FILE", "Settings", "Sourced", "load_settings", "user_config_file"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set.

    Attributes
    ----------
    backbone : str
        Which model answers, as :func:`agentcore.load_backbone` names it.
    memory : Path
        The memory's SQLite file.
    user : str
        Whose memory is read and written.
    corpus : Path or None
        A folder of documents to research.
    runs : Path
        The SQLite file in which runs are recorded.
    max_tokens, max_calls, max_seconds
        Limits of one run, None for no limit.
    trim : bool
        Whether a reasoning model's thinking is cut short once it has its answer.
    """

    backbone: str = "local"
    memory: Path = field(default_factory=lambda: _user_directory("data") / "memory.db")
    user: str = "default"
    corpus: Path | None = None
    runs: Path = field(default_factory=lambda: _user_directory("state") / "runs.db")
    max_tokens: int | None = None
    max_calls: int | None = None
    max_seconds: float | None = None
    trim: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        values = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        return {name: str(value) if isinstance(value, Path) else value for name, value in values}


@dataclass(frozen=True, slots=True)
class Sourced:
    """Settings with the origin of each value.

    Attributes
    ----------
    settings : Settings
        The values in use.
    origins : mapping of str to str
        For each name: "default", a file's path, ``AGENTCORE_…`` or ``--option``.
    """

    settings: Settings
    origins: Mapping[str, str]


def user_config_file() -> Path:
    """Return the user's own file, which need not exist."""
    return _user_directory("config") / "config.toml"


def load_settings(options: Mapping[str, Any] | None = None, *, directory: Path | None = None) -> Sourced:
    """Gather the settings from every layer.

    Parameters
    ----------
    options : mapping, optional
        Values of command-line options; None values count as not given.
    directory : Path, optional
        Where ``agentcore.toml`` is looked for; the working directory by default.

    Raises
    ------
    ConfigurationError
        A file cannot be read, a name is unknown, a value does not fit; the message names its origin.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(_READERS, "default")
    for origin, layer in _layers(options or {}, directory or Path.cwd()):
        for name, value in layer.items():
            origins[name] = origin(name)
            try:
                values[name] = _READERS[name](value)
            except (TypeError, ValueError) as exc:
                raise ConfigurationError(f"{name} = {value!r} from {origins[name]}: {exc}") from None
    return Sourced(settings=Settings(**values), origins=origins)


def make_folder(name: str, path: Path) -> None:
    """Make the folder in which the file of a setting lies.

    Raises
    ------
    ConfigurationError
        It cannot be made there; the message names the setting.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise ConfigurationError(
            f"{name} = {str(path)!r}: its folder cannot be made ({exc.strerror}): choose another place, "
            f"for instance with AGENTCORE_{name.upper()}"
        ) from exc


def is_user(name: Any) -> bool:
    """Tell whether a name can be a user's: the memory takes 1 to 512 characters, none of them a control character."""
    return (
        isinstance(name, str)
        and bool(name.strip())
        and len(name) <= 512
        and not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    )


def _user(value: Any) -> str:
    """Read the name of a user."""
    if not is_user(value):
        raise ValueError("it must be a name of 1 to 512 characters without control characters")
    return str(value)


def _text(value: Any) -> str:
    """Read a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it must be a text that is not empty")
    return value


def _path(value: Any) -> Path:
    """Read a path; ``~`` is the home folder."""
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("it must be a path")
    return Path(value).expanduser()


def _count(value: Any) -> int:
    """Read a whole number above zero."""
    number = _number(value)
    if number != int(number):
        raise ValueError("it must be a whole number")
    return int(number)


def _number(value: Any) -> float:
    """Read a finite number above zero."""
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number < float("inf"):
        raise ValueError("it must be a number above 0")
    return number


def _switch(value: Any) -> bool:
    """Read on or off."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _SWITCH:
        raise ValueError("it must be on or off")
    return _SWITCH[word]


_SWITCH = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}

_READERS: dict[str, Callable[[Any], Any]] = {
    "backbone": _text,
    "memory": _path,
    "user": _user,
    "corpus": _path,
    "runs": _path,
    "max_tokens": _count,
    "max_calls": _count,
    "max_seconds": _number,
    "trim": _switch,
}


def _layers(options: Mapping[str, Any], directory: Path) -> list[tuple[Callable[[str], str], dict[str, Any]]]:
    """Return (origin of a name, values) for each layer, weakest first."""
    layers: list[tuple[Callable[[str], str], dict[str, Any]]] = []
    for file in (user_config_file(), directory / PROJECT_FILE):
        if file.is_file():
            layers.append((_always(str(file)), _read(file)))
    known = _READERS
    environment = {
        name: value for name in known if (value := os.environ.get(ENVIRONMENT_PREFIX + name.upper()))
    }
    layers.append((lambda name: ENVIRONMENT_PREFIX + name.upper(), environment))
    given = {name: value for name, value in options.items() if name in known and value is not None}
    layers.append((lambda name: "--" + name.replace("_", "-"), given))
    return layers


def _always(origin: str) -> Callable[[str], str]:
    """Return a function that names the same origin for every setting."""
    return lambda _: origin


def _read(file: Path) -> dict[str, Any]:
    """Read one file; relative paths in it are relative to it."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc}") from exc
    for name in values:
        if name in _READERS:
            continue
        if any(word in name.lower() for word in ("key", "secret", "password")):
            raise ConfigurationError(
                f"{file} holds {name!r}: keys are read from the environment only, remove it"
            )
        near = difflib.get_close_matches(name, _READERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_READERS)}"
        raise ConfigurationError(f"{file} holds the unknown setting {name!r}: {hint}")
    for name in ("memory", "corpus", "runs"):
        if isinstance(values.get(name), str):
            values[name] = file.parent / Path(values[name]).expanduser()
    return values


def _user_directory(kind: str) -> Path:
    """Return the user's data, state or configuration folder, as the system names it."""
    import platformdirs

    finder = {
        "data": platformdirs.user_data_dir,
        "state": platformdirs.user_state_dir,
        "config": platformdirs.user_config_dir,
    }[kind]
    return Path(finder("agentcore"))
