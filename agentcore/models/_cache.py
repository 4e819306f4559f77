"""Where models lie: one folder a model in the user cache, put there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentcore.models._catalogue import Model, find


def cache_directory() -> Path:
    """Return the folder of the models: ``$AGENTCORE_CACHE/models`` or the user cache."""
    override = os.environ.get("AGENTCORE_CACHE")
    if override:
        return Path(override).expanduser() / "models"
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("agentcore")) / "models"


def path_of(name: str) -> Path | None:
    """Return where a pulled model lies, or None when it is not there.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    Path or None
        A language model's GGUF file; an embedder's folder.

    Raises
    ------
    UnknownModelError
        The catalogue does not know the name.
    """
    model = find(name)
    return location(model) if (cache_directory() / model.name / model.entry).is_file() else None


def location(model: Model) -> Path:
    """Return where a model lies or will lie."""
    folder = cache_directory() / model.name
    return folder if model.kind == "embedder" else folder / model.entry


def remove(name: str) -> int:
    """Delete a pulled model and what is left of an unfinished download of it; return the bytes freed.

    Raises
    ------
    UnknownModelError
        The catalogue does not know the name.
    """
    model = find(name)
    folder = cache_directory() / model.name
    freed = folder_bytes(folder)
    if folder.exists():
        # Renamed first: a reader sees the whole model or none.
        doomed = cache_directory() / f".removed-{model.name}-{os.getpid()}"
        folder.rename(doomed)
        shutil.rmtree(doomed)
    part = partial_path(model)
    if part.exists():
        freed += part.stat().st_size
        part.unlink()
    return freed


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder, 0 when it does not exist."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def partial_path(model: Model) -> Path:
    """Return the file that keeps an unfinished download, so that the next pull goes on from there."""
    return cache_directory() / f".partial-{model.name}"


@contextlib.contextmanager
def staging(model: Model) -> Iterator[Path]:
    """Give an empty folder on the cache's disk; if the block succeeds, it becomes the model's folder."""
    root = cache_directory()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".staging-{model.name}-", dir=root) as scratch:
        folder = Path(scratch) / model.name
        folder.mkdir()
        yield folder
        target = root / model.name
        try:
            folder.rename(target)
        except OSError:
            # Another process finished first: its copy passed the same checks.
            if path_of(model.name) is None:
                raise
