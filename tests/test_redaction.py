"""No key is written anywhere: not in logs, not in records, not in messages."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path

import pytest
from scripted_local import ScriptedLocal, small_corpus

from agentcore import Agent
from agentcore.cli._logging import start_logging
from agentcore.memory.embedding import HashEmbedder
from agentcore.redaction import redacted
from agentcore.workflow.reading.settings import ReaderSettings

KEY = "a-key-that-nobody-may-see"


@pytest.mark.parametrize(
    "text",
    [
        f"wrong key {KEY}",
        "sk-proj-abcdefgh12345678 is wrong",
        "Authorization: Bearer abc.def-ghi/jkl=",
        "hf_abcdefgh12345",
    ],
)
def test_keys_are_taken_out(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The environment's own keys, and what looks like one, are replaced."""
    monkeypatch.setenv("SOME_API_KEY", KEY)
    assert "[redacted]" in redacted(text)
    assert KEY not in redacted(text) and "abcdefgh" not in redacted(text) and "jkl" not in redacted(text)


@pytest.mark.parametrize("text", ["", "the key to the city", "Bearer of news", "skill-based", "sk-1"])
def test_ordinary_words_stay(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A short value of a variable and words that only resemble keys are left alone."""
    monkeypatch.setenv("SHORT_KEY", "the")
    assert redacted(text) == text


def test_the_log_of_a_run_holds_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that echoes the key in its error brings it neither into the log nor into the record."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    start_logging("debug")

    def echo(_: str) -> None:
        raise ConnectionError(f"401: incorrect key {KEY}")

    try:
        with small_corpus() as corpus:
            agent = Agent(
                ScriptedLocal(before=echo),
                corpus=corpus,
                runs=tmp_path / "runs.db",
                embedder=HashEmbedder(),
                reading=ReaderSettings(found_threshold=0.0),
            )
            result = agent.run("In which city was the inventor of the piano born?", run_id="mine")
    finally:
        root.handlers[:], root.level = before, level
    assert "incorrect key [redacted]" in stream.getvalue() and "run_finished" in stream.getvalue()
    assert KEY not in stream.getvalue() + repr(result)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
