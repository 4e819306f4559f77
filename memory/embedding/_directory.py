"""Where the packaged embedder's files live."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["model_directory"]


def model_directory() -> Path:
    """Return the folder of the packaged MiniLM: `models/minilm` in the user cache, or under `AGENTCORE_CACHE`."""
    root = os.environ.get("AGENTCORE_CACHE") or platformdirs.user_cache_dir("agentcore")
    return Path(root) / "models" / "minilm"
