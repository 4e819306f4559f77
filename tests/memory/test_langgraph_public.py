"""LangGraph's own public store tests, run on SwiftMemStore.

They come with the source distribution of langgraph-checkpoint-sqlite and are not copied here: `-m network` fetches them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SOURCE = "langgraph-checkpoint-sqlite==3.1.2"
INTERNAL = (
    "test_vector_store_initialization",  # opens SqliteStore's connection (the synchronous one of the two)
    "test_sql_injection_vulnerability",  # SqliteStore refuses keys that would be SQL; ours never become SQL
    "test_escape_glob_literal",
    "test_namespace_match_pattern",
    "test_list_namespaces_prefix_uses_indexable_condition",
    "test_no_running_loop",  # AsyncSqliteStore cannot be called synchronously, ours can
)
"""Tests of what SqliteStore is made of, not of what a store does."""


@pytest.mark.network
@pytest.mark.timeout(900)
def test_langgraphs_store_tests_hold(tmp_path: Path) -> None:
    """Every test that LangGraph publishes for a SQLite store, but those of its insides, holds for ours."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*command, "--dest", str(tmp_path), SOURCE], check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nmarkers =\n    flaky: theirs\n")
    ran = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "_sqlite_store_shim", "-q", "--tb=short",
            "-k", " and ".join(f"not {name}" for name in INTERNAL),
            "tests/test_store.py", "tests/test_async_store.py", "tests/test_ttl.py",
        ],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed and int(passed[1]) >= 140, ran.stdout[-400:]
