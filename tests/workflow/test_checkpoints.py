"""The saver of runs: LangGraph's conformance suite, the file's mode, and many processes at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from agentcore.errors import RunStorageError
from agentcore.workflow.checkpoints import open_checkpoints
from agentcore.workflow.follow_up import Exchange


async def test_the_saver_conforms(tmp_path: Path) -> None:
    """The saver passes LangGraph's conformance suite whole: the five base capabilities and the three extended ones."""
    files = iter(range(10_000))

    @checkpointer_test(name="RunSaver")
    async def saver() -> AsyncIterator[BaseCheckpointSaver[str]]:
        with open_checkpoints(tmp_path / f"{next(files)}.db") as opened:
            yield opened

    report = await validate(saver)
    outcome = {name: result.passed for name, result in report.results.items()}
    assert report.passed_all(), outcome
    assert len(outcome) == 8


def test_the_file_is_its_owners_and_waits_for_others(tmp_path: Path) -> None:
    """The file of checkpoints has mode 0600, a write-ahead log, and a busy timeout."""
    path = tmp_path / "state" / "runs.db"
    with open_checkpoints(path) as saver:
        assert saver.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert saver.conn.execute("PRAGMA busy_timeout").fetchone()[0] >= 5000
        saver.setup()
        beside = [file for file in path.parent.iterdir() if file.name.startswith("runs.db")]
        assert {file.stat().st_mode & 0o777 for file in beside} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_only_plain_values_are_read_back(tmp_path: Path) -> None:
    """An object that somebody put into the file is not brought to life."""
    with open_checkpoints(tmp_path / "runs.db") as saver:
        stored = saver.serde.dumps_typed({"found": Exchange("Who?", "Nobody")})
        assert not isinstance(saver.serde.loads_typed(stored)["found"], Exchange)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    path = tmp_path / "runs.db"
    path.write_text("this is no database, and long enough to be taken for one" * 20)
    with pytest.raises(RunStorageError, match="set another one"), open_checkpoints(path):
        pass
