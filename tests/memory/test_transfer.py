"""Memories moved from file to file: whatever order, author or owner the lines have, nothing stored is harmed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentcore.memory import SwiftMem
from agentcore.memory.embedding import HashEmbedder


def written(path: Path, *lines: Any) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_versions_are_put_in_order_whatever_order_they_come_in(
    memory: SwiftMem, clock: Any, embedder: HashEmbedder, tmp_path: Path
) -> None:
    """Of a memory imported newest version first, in one file or two, the newest stays the current one."""
    record_id = memory.add("Ann lives in Paris")
    for town in ("Rome", "Oslo"):
        clock.time += timedelta(days=1)
        memory.update(record_id, f"Ann lives in {town}")
    path = tmp_path / "out.jsonl"
    memory.export(path)
    header, *versions = map(json.loads, path.read_text().splitlines())
    backwards = written(tmp_path / "backwards.jsonl", header, *reversed(versions))
    newest = written(tmp_path / "newest.jsonl", header, versions[-1])
    for files in ([backwards], [newest, path]):
        with SwiftMem(None, embedder=embedder, now=clock) as copy:
            assert sum(copy.import_(file) for file in files) == 3
            assert copy.history(record_id) == memory.history(record_id)
            assert [hit.text for hit in copy.search("Ann")] == ["Ann lives in Oslo"]


def test_an_id_of_another_user_is_not_touched(memory: SwiftMem, tmp_path: Path) -> None:
    """An imported memory whose id another user has becomes one of its own, the same one when imported again."""
    memory.add("Ann's secret", id="1", user_id="ann")
    theirs = written(
        tmp_path / "bob.jsonl", {"id": "1", "version": 2, "text": "Bob's note", "user_id": "bob"}
    )
    memory.export(tmp_path / "ann.jsonl", user_id="ann")
    for new in (1, 0):
        assert memory.import_(theirs) == new
        assert memory.import_(tmp_path / "ann.jsonl", user_id="cleo") == new
    for user, text in {"ann": "Ann's secret", "bob": "Bob's note", "cleo": "Ann's secret"}.items():
        assert [record.text for record in memory.get_all(user_id=user)] == [text]
    assert [version.user_id for version in memory.history("1")] == ["ann"]


def test_importing_twice_changes_nothing_even_without_ids(memory: SwiftMem, tmp_path: Path) -> None:
    """Lines without ids are known again, equal ones are told apart, and ids that stand twice count once."""
    said = {"text": "yes", "timestamp": "2024-01-01"}
    item = {"namespace": ["u", "facts"], "key": "k", "value": {"text": "has a dog"}}
    joined = {"format": "swiftmem-1"}
    twice = {"id": "m1", "text": "likes tea"}
    path = written(tmp_path / "plain.jsonl", joined, said, said, item, joined, twice, twice)
    assert (memory.import_(path), memory.import_(path)) == (4, 0)
    assert [record.text for record in memory.get_all()].count("yes") == 2


@pytest.mark.parametrize(
    "line",
    [
        {"text": "x", "role": 5},
        {"text": "x", "agent": ["a"]},
        {"text": "x", "version": 0},
        {"text": "x", "version": 10**30},
        {"text": "x", "valid_from": "2024-01-02", "valid_to": "2024-01-01"},
        {"text": "x", "timestamp": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_a_line_with_an_impossible_field_is_named(
    memory: SwiftMem, tmp_path: Path, line: dict[str, Any]
) -> None:
    """A field of the wrong kind or without sense is an error that names the line, and nothing is stored."""
    path = written(tmp_path / "bad.jsonl", {"text": "fine"}, line)
    with pytest.raises(ValueError, match=r"bad\.jsonl' line 2"):
        memory.import_(path)
    assert memory.stats()["versions"] == 0


def test_files_as_other_programs_write_them(memory: SwiftMem, tmp_path: Path) -> None:
    """A byte order mark, Windows line ends and a row of a LangGraph store's table are read."""
    row = json.dumps({"prefix": "u.facts", "key": "k", "value": {"text": "has a dog"}})
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n" + b'{"text": "likes tea"}\r\n')
    assert memory.import_(path) == 2
    assert [record.text for record in memory.get_all(namespace="u/facts")] == ["has a dog"]


def test_an_export_never_overwrites_the_memory_itself(tmp_path: Path, embedder: HashEmbedder) -> None:
    """The memory's own file as the target is refused, and a failed export leaves no half file behind."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=embedder) as memory:
        memory.add("precious")
        with pytest.raises(ValueError, match="is the memory itself"):
            memory.export(tmp_path / "." / "memory.db")
        (tmp_path / "folder").mkdir()
        with pytest.raises(OSError, match="folder"):
            memory.export(tmp_path / "folder")
    assert not list(tmp_path.glob("*.part"))
    with SwiftMem(path, embedder=embedder) as memory:
        assert [record.text for record in memory.get_all()] == ["precious"]
