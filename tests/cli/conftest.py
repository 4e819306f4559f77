"""Running the real command in a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """Return an environment with an empty home; pulled models stay where they are."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AGENTCORE_", "XDG_", "OPENAI_"))
    }
    cache = os.environ.get("AGENTCORE_CACHE") or platformdirs.user_cache_dir("agentcore")
    return {**kept, "HOME": str(home), "AGENTCORE_CACHE": cache, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Return a function that runs `agentcore` with arguments and gives what it printed."""

    def call(
        *arguments: str, stdin: str = "", cwd: Path | None = None, timeout: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agentcore.cli", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd or tmp_path,
            env={**environment, **variables},
            timeout=timeout,
            check=False,
        )

    return call
