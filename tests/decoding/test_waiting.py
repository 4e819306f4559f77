"""How torch's threads wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASK = "import os, agentcore.decoding; from agentcore.decoding import LanguageModel; print(os.environ['OMP_WAIT_POLICY'])"


@pytest.mark.parametrize(("chosen", "expected"), [(None, "passive"), ("active", "active")])
def test_threads_sleep_while_they_wait_unless_told_otherwise(chosen: str | None, expected: str) -> None:
    """The policy stands before torch is loaded, and a user's own choice is left alone."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if chosen is not None:
        environment["OMP_WAIT_POLICY"] = chosen
    found = subprocess.run(
        [sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == expected
