"""`agentcore bench locomo`, `longmemeval` and `memory-scale` from the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentcore.memory.embedding import model_directory

Run = Callable[..., subprocess.CompletedProcess[str]]


def write_conversation(path: Path) -> Path:
    turns = [
        {"speaker": speaker, "dia_id": f"D1:{number}", "text": text}
        for number, (speaker, text) in enumerate(
            [("Ann", "I adopted a greyhound called Pepper."), ("Bob", "My telescope arrived.")], start=1
        )
    ]
    conversation = {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": turns}
    qa = [
        {
            "question": "What is Ann's greyhound called?",
            "answer": "Pepper",
            "evidence": ["D1:1"],
            "category": 4,
        }
    ]
    path.write_text(json.dumps([{"sample_id": "one", "conversation": conversation, "qa": qa}]))
    return path


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("locomo",), "--data"),
        (("locomo", "--data", "absent.json"), "absent.json"),
        (("locomo", "--data", "FILE", "--compare", "pinecone"), "pinecone"),
        (("locomo", "--data", "FILE", "--answers", "3"), "--answer"),
        (("memory-scale", "--n", "many"), "many"),
        (("memory-scale", "--data", "FILE", "--n", "1"), "at least 2"),
        (("longmemeval", "--data", "FILE", "--roles", "nobody"), "nobody"),
    ],
)
def test_wrong_usage_is_one_line(run: Run, tmp_path: Path, arguments: tuple[str, ...], part: str) -> None:
    """A missing file, an unknown engine or a size that cannot be is exit code 2 and one line that names it."""
    if "1" in arguments and not (model_directory() / "model.onnx").is_file():
        pytest.skip("the embedding model is not pulled")
    file = write_conversation(tmp_path / "small.json")
    done = run("bench", *(str(file) if each == "FILE" else each for each in arguments))
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_of_another_format_fails_clearly(run: Run, tmp_path: Path) -> None:
    """A data file that is no benchmark file is exit code 2 and one line that names it."""
    path = tmp_path / "other.json"
    path.write_text("{}")
    done = run("bench", "locomo", "--data", str(path))
    assert done.returncode == 2
    assert "other.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_last_line_is_the_result(run: Run, tmp_path: Path) -> None:
    """A run prints its tables and, as the last line of stdout, one JSON object; with --json that line alone."""
    if not (model_directory() / "model.onnx").is_file():
        pytest.skip("the embedding model is not pulled")
    file = write_conversation(tmp_path / "small.json")
    for options in ((), ("--json",)):
        done = run(
            "bench",
            "locomo",
            "--data",
            str(file),
            "--compare",
            "faiss",
            "--out",
            str(tmp_path / "out"),
            *options,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.strip().splitlines()
        result = json.loads(lines[-1])
        assert result["metrics"]["recall_at_5"] == 1.0
        assert set(result["baselines"]) == {"faiss"}
        assert (len(lines) == 1) == bool(options)
