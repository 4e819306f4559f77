"""A user's own modules beside their script never stand in for ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import memory, tools
assert memory.MINE and tools.MINE
import agentcore.memory, agentcore.tools, agentcore.tools.corpus
print(agentcore.tools.ToolSpec.__module__, agentcore.memory.SwiftMem.__module__, agentcore.tools.__file__)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return a user's script with a tools.py and a memory.py of its own beside it."""
    for name in ("tools.py", "memory.py", "decoding.py"):
        (tmp_path / name).write_text("MINE = True\n")
    path = tmp_path / "script.py"
    path.write_text(PROGRAM)
    return path


def check(script: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=script.parent,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("agentcore.tools")
    return done.stdout


def test_the_editable_install_keeps_apart_from_a_users_modules(script: Path) -> None:
    """With the editable install, `import tools` is the user's and `agentcore.tools` is ours."""
    check(script)


def test_the_wheel_keeps_apart_from_a_users_modules(script: Path, tmp_path: Path) -> None:
    """The same holds for the files of the built wheel."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target, source = str(tmp_path / "wheel"), str(copy_of_sources(tmp_path / "source"))
    command = [*pip, "--no-build-isolation", "--wheel-dir", target, source]
    subprocess.run(command, check=True, capture_output=True)
    site = tmp_path / "site"
    with zipfile.ZipFile(next((tmp_path / "wheel").glob("*.whl"))) as wheel:
        wheel.extractall(site)
    assert not any((site / name).exists() for name in ("memory", "tools", "decoding"))
    assert str(site) in check(script, PYTHONPATH=str(site))


def copy_of_sources(target: Path) -> Path:
    """Copy what the wheel is made of, so that no build folder appears in the tree."""
    target.mkdir()
    for name in ("agentcore", "memory", "decoding", "tools"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target
