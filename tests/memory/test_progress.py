"""Long rebuilds say how far they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcore.memory import SwiftMem, _partitions
from agentcore.memory._progress import terminal_bar
from agentcore.memory.embedding import HashEmbedder

Told = list[tuple[str, int, int]]


def test_rebuilding_many_records_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes made from many records are announced step by step; few records, or indexes that are there, are not."""
    monkeypatch.setattr(_partitions, "LONG", 100)
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(16)) as memory:
        memory.add_messages([{"content": f"note {number}"} for number in range(150)], user_id="many")
        memory.add("one", user_id="few")
    told: Told = []
    with SwiftMem(path, embedder=HashEmbedder(16), progress=lambda *step: told.append(step)) as memory:
        memory.search("one", user_id="few")
        assert told == []
        assert memory.search("note 7", user_id="many")
        assert [(done, total) for _, done, total in told] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
        assert told[0][0] == "reading 150 records"
        memory.search("note 8", user_id="many")
        assert len(told) == 5


def test_reembedding_is_told(tmp_path: Path) -> None:
    """A change of embedder counts the versions it has done."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(16)) as memory:
        memory.add_messages([{"content": f"note {number}"} for number in range(25)])
    told: Told = []
    SwiftMem.reembed(path, embedder=HashEmbedder(24), batch=10, progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [0, 10, 20, 25]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """On a terminal the bar names what is done, and ends with the work."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    show = terminal_bar()
    show("indexing words", 1, 2)
    show("indexed", 2, 2)
    assert "index" in capfd.readouterr().err


def test_no_terminal_no_bar(capfd: pytest.CaptureFixture[str]) -> None:
    """Where stderr is no terminal nothing is written."""
    show = terminal_bar()
    show("indexing", 0, 2)
    show("indexed", 2, 2)
    assert capfd.readouterr() == ("", "")
