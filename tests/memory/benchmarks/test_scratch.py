"""Temporary folders of benchmarks go with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcore.memory.benchmarks._scratch import scratch_folder

HOLD = (
    "import sys, time; from agentcore.memory.benchmarks._scratch import scratch_folder\n"
    "with scratch_folder('test') as folder:\n"
    "    (folder / 'data').write_bytes(b'x'); print(folder, flush=True); time.sleep(60)"
)


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Return a process that holds a scratch folder, and the folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_terminated_benchmark_leaves_no_folder(holder: tuple[subprocess.Popen[str], Path]) -> None:
    """SIGTERM ends the process with the usual code and removes its folder."""
    process, folder = holder
    assert (folder / "data").exists()
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not folder.exists()


def test_the_folder_of_a_killed_benchmark_goes_at_the_next_start(
    holder: tuple[subprocess.Popen[str], Path],
) -> None:
    """What SIGKILL leaves is removed by the next one; a folder in use stays."""
    process, folder = holder
    with scratch_folder("test") as other:
        assert (folder / "data").exists()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert folder.exists() and other.exists()
    with scratch_folder("test"):
        assert not folder.exists()
    assert not other.exists()
