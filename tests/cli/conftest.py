"""Running the real command with a home of its own: in a process of its own, or here where many calls share imports."""

from __future__ import annotations

import io
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


@pytest.fixture
def here(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Return what `run` returns, by the same entry point in this process: the imports are paid for once."""
    from agentcore.cli import main

    def call(
        *arguments: str, stdin: str = "", cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in {**environment, **variables}.items():
                patch.setenv(name, value)
            patch.chdir(cwd or tmp_path)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            capfd.readouterr()
            try:
                main(list(arguments))
            except SystemExit as exc:
                code = int(exc.code or 0)
            out, errors = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, errors)

    return call
