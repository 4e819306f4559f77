"""Functions called in processes of their own."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from agentcore.memory.benchmarks._apart import EndedError, run_apart

PARENT = """
import os, sys, time
from pathlib import Path
from agentcore.memory.benchmarks._apart import run_apart

def compute(path):
    partial = Path(path + ".part")
    partial.write_text(str(os.getpid()))
    partial.rename(path)
    while True:
        pass

if __name__ == "__main__":
    run_apart(compute, sys.argv[1])
"""


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """Whoever is killed while a process computes for him leaves none behind that keeps a core busy."""
    script, told = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script), str(told)])
    deadline = time.monotonic() + 60
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(told.read_text())
    assert is_running(child)
    parent.kill()
    parent.wait()
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def test_answers_deaths_and_delays() -> None:
    """The answer comes back; a process that dies and one that takes too long are told apart."""
    assert run_apart(math.factorial, 5) == 120
    with pytest.raises(EndedError, match="code 3"):
        run_apart(os._exit, 3)
    with pytest.raises(TimeoutError):
        run_apart(time.sleep, 60, seconds=0.2)
