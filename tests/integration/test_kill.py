"""Kill -9 at any point: the run resumes to the same answer, and no finished seeker runs again."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agentcore.errors import RunNotFoundError

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from interrupted_run import QUESTION, agent_for  # noqa: E402

ROUNDS = [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 30))]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return agent_for(tmp_path_factory.mktemp("runs") / "runs.db", delay_s=0.0).run(QUESTION).answer


def events_of(runs: Path) -> list[dict[str, object]]:
    """Read what the run recorded; a last line cut by the kill is no event."""
    path = runs.with_suffix("") / "victim" / "events.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1] if line]


def finished_seekers(runs: Path) -> set[str]:
    """Read from the checkpoints which seekers' findings were written down."""
    serializer = JsonPlusSerializer(allowed_msgpack_modules=None)
    with sqlite3.connect(runs) as connection:
        rows = connection.execute(
            "SELECT type, value FROM writes WHERE channel = 'findings' AND checkpoint_ns = ''"
        )
        return {finding["task"] for kind, value in rows for finding in serializer.loads_typed((kind, value))}


@pytest.mark.parametrize("number", ROUNDS)
def test_a_killed_run_goes_on(number: int, tmp_path: Path, undisturbed: str) -> None:
    """After kill -9 at a random moment the run resumes to the same answer without re-running finished seekers."""
    runs = tmp_path / "runs.db"
    process = subprocess.Popen([sys.executable, str(HERE / "interrupted_run.py"), str(runs)])
    try:
        deadline = time.monotonic() + 120
        while not events_of(runs) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(random.Random(number).random() * 1.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished, before = finished_seekers(runs), len(events_of(runs))
    result = agent_for(runs, delay_s=0.0).resume("victim")
    assert result.answer == undisturbed
    assert result.status == "done"
    again = [event for event in events_of(runs)[before:] if event["type"] == "seeker_started"]
    assert not finished & {str(event["path"][0]).removeprefix("seeker-") for event in again}  # type: ignore[index]


def test_a_kill_before_the_first_checkpoint_starts_anew(tmp_path: Path, undisturbed: str) -> None:
    """A run that was recorded but never reached a checkpoint is run from its question."""
    agent = agent_for(tmp_path / "runs.db", delay_s=0.0)
    folder = tmp_path / "runs" / "victim"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"question": QUESTION, "user": "default"}))
    assert agent.resume("victim").answer == undisturbed
    with pytest.raises(RunNotFoundError):
        agent.resume("other")


def test_a_finished_run_gives_its_answer_again(tmp_path: Path) -> None:
    """Resuming a run that is done does nothing but return its answer."""
    agent = agent_for(tmp_path / "runs.db", delay_s=0.0)
    first = agent.run(QUESTION, run_id="victim")
    again = agent.resume("victim")
    assert (again.answer, again.citations, again.status) == (first.answer, first.citations, first.status)
    assert not [event for event in again.trace if event.type == "seeker_started"]


def test_eight_runs_share_one_file(tmp_path: Path, undisturbed: str) -> None:
    """Several runs at once on one runs file do not disturb each other."""
    agent = agent_for(tmp_path / "runs.db", delay_s=0.0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: agent.run(QUESTION).answer, range(8)))
    assert answers == [undisturbed] * 8


@pytest.mark.slow
def test_eight_processes_share_one_file(tmp_path: Path) -> None:
    """Eight processes on one runs file end without an error."""
    script = "import sys, pathlib; sys.path.insert(0, sys.argv[2]); import interrupted_run as r; [r.agent_for(pathlib.Path(sys.argv[1]), delay_s=0.0).run(r.QUESTION) for _ in range(5)]"
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "runs.db"), str(HERE)])
        for _ in range(8)
    ]
    assert [process.wait(timeout=280) for process in processes] == [0] * 8
