"""Settings and where each comes from: option, environment, project file, user file, default.

``--option`` beats ``AGENTCORE_*`` beats ``./agentcore.toml`` beats ``config.toml`` in the user's configuration
folder. Keys of remote services are no settings: they are read from the environment when a request is made, and
a file that holds one is refused, so that no key ever lies in a project.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentcore.errors import ConfigurationError

ENVIRONMENT_PREFIX = "AGENTCORE_"
PROJECT_FILE = "agentcore.toml"

__all__ = ["ENVIRONMENT_PREFIX", "PROJECT_FILE", "Settings", "Sourced", "load_settings", "user_config_file"]


class Settings(BaseModel):
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = Field(default="local", min_length=1)
    memory: Path = Field(default_factory=lambda: _user_directory("data") / "memory.db")
    user: str = Field(default="default", min_length=1)
    corpus: Path | None = None
    runs: Path = Field(default_factory=lambda: _user_directory("state") / "runs.db")
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_calls: Annotated[int, Field(gt=0)] | None = None
    max_seconds: Annotated[float, Field(gt=0)] | None = None


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
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in _layers(options or {}, directory or Path.cwd()):
        values.update(layer)
        origins.update({name: origin(name) for name in layer})
    try:
        return Sourced(settings=Settings.model_validate(values), origins=origins)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        raise ConfigurationError(
            f"{name} = {first['input']!r} from {origins[name]}: {first['msg'].lower()}"
        ) from exc


def _layers(options: Mapping[str, Any], directory: Path) -> list[tuple[Any, dict[str, Any]]]:
    """Return (origin of a name, values) for each layer, weakest first."""
    layers: list[tuple[Any, dict[str, Any]]] = []
    for file in (user_config_file(), directory / PROJECT_FILE):
        if file.is_file():
            layers.append((lambda _, file=file: str(file), _read(file)))
    known = Settings.model_fields
    environment = {
        name: value for name in known if (value := os.environ.get(ENVIRONMENT_PREFIX + name.upper()))
    }
    layers.append((lambda name: ENVIRONMENT_PREFIX + name.upper(), environment))
    given = {name: value for name, value in options.items() if name in known and value is not None}
    layers.append((lambda name: "--" + name.replace("_", "-"), given))
    return layers


def _read(file: Path) -> dict[str, Any]:
    """Read one file; relative paths in it are relative to it."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc}") from exc
    for name in values:
        if name in Settings.model_fields:
            continue
        if any(word in name.lower() for word in ("key", "secret", "password")):
            raise ConfigurationError(
                f"{file} holds {name!r}: keys are read from the environment only, remove it"
            )
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(Settings.model_fields)}"
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
