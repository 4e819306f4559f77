"""Loaded models, one per process and file, shared by every chat model that names it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentcore.errors import ConfigurationError, MissingExtraError, MissingModelError

if TYPE_CHECKING:
    from agentcore.decoding import LanguageModel

__all__ = ["resolve_path", "shared_engine"]

Weights = Literal["auto", "int4", "int8", "bf16", "fp32", "fp64"]

_ENGINES: dict[tuple[Path, str, str], LanguageModel] = {}
_LOCK = threading.Lock()


def resolve_path(model: str) -> Path:
    """Return the file behind ``gguf:/path`` or a catalogue name.

    Raises
    ------
    MissingModelError
        If a catalogue model was not pulled yet.
    ConfigurationError
        If a path does not exist, or the catalogue has no such language model.
    """
    if model.startswith("gguf:"):
        path = Path(model.removeprefix("gguf:")).expanduser()
        if not path.is_file():
            raise ConfigurationError(f"no model file at {str(path)!r}: check the path after 'gguf:'")
        return path.resolve()
    from agentcore.models import path_of

    found = path_of(model)
    if found is None:
        raise MissingModelError(model)
    if not found.is_file():
        raise ConfigurationError(f"{model!r} is no language model: see `agentcore models list`")
    return found.resolve()


def shared_engine(
    path: Path, *, weights: Weights = "auto", threads: int | None = None, device: str = "cpu"
) -> LanguageModel:
    """Return the model of a file, loading it on first use.

    Raises
    ------
    MissingExtraError
        If torch or the file reader is not installed.
    ConfigurationError
        If this machine has no such device.
    """
    key = path, weights, device
    with _LOCK:
        found = _ENGINES.get(key)
        if found is None:
            try:
                from agentcore.decoding import load_gguf
            except ModuleNotFoundError as exc:
                raise MissingExtraError("local", what=f"a local model ({exc.name})") from exc
            try:
                found = _ENGINES[key] = load_gguf(path, weights=weights, threads=threads, device=device)
            except ValueError as exc:
                raise ConfigurationError(str(exc)) from exc
        return found
