"""Fetching one file from the public model hub, going on where an earlier try stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from agentcore.models._cache import partial_path
from agentcore.models._catalogue import HubFile, Model
from agentcore.models._progress import Progress
from agentcore.models.errors import DownloadError

_CURE = "what has arrived is kept: pull again to go on from there"
_DEFAULT_HUB = "https://huggingface.co"


def hub_url(source: HubFile) -> str:
    """Return the file's address; ``HF_ENDPOINT`` names a mirror."""
    hub = os.environ.get("HF_ENDPOINT", _DEFAULT_HUB).rstrip("/")
    return f"{hub}/{source.repository}/resolve/{source.revision}/{source.filename}"


def fetch_hub_file(model: Model, source: HubFile, *, into: Path, progress: Progress) -> None:
    """Download the file into the staging folder, resuming a partial one.

    Raises
    ------
    DownloadError
        The hub cannot be reached, refuses, or another pull of the same model is running.
    """
    import httpx

    part = partial_path(model)
    with _locked(part, model) as file:
        try:
            with httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30.0)) as client:
                _stream(client, hub_url(source), file, model, progress)
        except httpx.HTTPError as exc:
            raise DownloadError(model.name, f"{type(exc).__name__} {exc}".strip(), cure=_CURE) from exc
    part.rename(into / source.name)


def _stream(client: object, url: str, file: BinaryIO, model: Model, progress: Progress) -> None:
    """Append the missing bytes to the partial file."""
    import httpx

    assert isinstance(client, httpx.Client)
    have = file.seek(0, os.SEEK_END)
    if have >= model.size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code >= 400:
            raise DownloadError(
                model.name, f"the hub answers {response.status_code} for {url}", cure="see HF_ENDPOINT"
            )
        if have and response.status_code != 206:  # the server ignored the range: start anew
            have = 0
            file.seek(0)
            file.truncate()
        for block in response.iter_raw():
            file.write(block)
            have += len(block)
            progress("download", have, model.size_bytes)
    file.flush()
    if have < model.size_bytes:
        raise DownloadError(
            model.name, f"the connection ended at {have} of {model.size_bytes} bytes", cure=_CURE
        )


@contextmanager
def _locked(part: Path, model: Model) -> Iterator[BinaryIO]:
    """Open the partial file for appending, for one process at a time."""
    with part.open("ab") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such locks on this system: two pulls at once are the user's own doing
            pass
        except OSError as exc:
            raise DownloadError(
                model.name, "another pull of it is running", cure="wait for that one"
            ) from exc
        yield file
