"""Crashes, rivals and broken files: each ends in right results or a clear error."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentcore.memory import ReadOnlyStoreError, StoreUnavailableError, SwiftMem
from agentcore.memory.embedding import HashEmbedder

WORKER = Path(__file__).with_name("_crash_worker.py")


def start_worker(path: Path, seed: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(WORKER), str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def replay(lines: list[str]) -> tuple[dict[str, str], set[str]]:
    """Return what must be stored, and which deletion was under way when the lights went out."""
    expected: dict[str, str] = {}
    unsure: set[str] = set()
    for line in lines:
        verb, *rest = line.split()
        if verb == "add":
            expected |= {name: f"note {name} first" for name in rest}
        elif verb == "update":
            expected[rest[0]] = f"note {rest[0]} changed {rest[1]}"
        elif verb == "deleting":
            unsure = {rest[0]}
        elif verb == "delete":
            expected.pop(rest[0], None)
            unsure = set()
    return expected, unsure


def kill_round(
    path: Path, seed: int, expected: dict[str, str], seconds: float, log: list[str] | None = None
) -> dict[str, str]:
    """Run a worker, kill it, and check the file against what it said; return what is stored now."""
    process = start_worker(path, seed)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    said = process.stdout.read()
    process.wait()
    process.stdout.close()
    complete = [line for line in said.splitlines(keepends=True) if line.endswith("\n")]
    if log is not None:
        log.extend(line.split()[0] for line in complete)
    acknowledged, unsure = replay(complete)
    expected = expected | acknowledged
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        stored = {record.id: record.text for record in memory.get_all()}
        for name, text in expected.items():
            if name in unsure and name not in stored:
                continue
            assert name in stored, f"{name} was acknowledged and is gone"
            # one more update may have landed before it could be acknowledged
            assert stored[name] == text or stored[name].startswith(f"note {name} changed")
        for record_id in stored:
            versions = memory.history(record_id)
            assert [version.version for version in versions] == list(range(1, len(versions) + 1))
            assert sum(version.superseded_at is None for version in versions) == 1
        found = memory.search("note first", limit=len(stored) + 10)
        assert {hit.id: hit.text for hit in found} == stored
        assert {hit.id for hit in memory.search_text("note", limit=len(stored) + 10)} == stored.keys()
        assert memory._database._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        orphans = "SELECT count(*) FROM features WHERE seq NOT IN (SELECT seq FROM records)"
        assert memory._database._connection.execute(orphans).fetchone() == (0,)
    return stored


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    """After kill -9 at a random moment everything acknowledged is there and nothing is half there."""
    rng = random.Random(1)
    stored: dict[str, str] = {}
    for seed in range(5):
        stored = kill_round(tmp_path / "memory.db", seed, stored, rng.uniform(0.1, 0.9))
    assert stored


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_two_hundred_kills(tmp_path: Path) -> None:
    """The same, two hundred times."""
    rng = random.Random(2)
    log: list[str] = []
    for file in range(20):
        stored: dict[str, str] = {}
        for seed in range(10):
            stored = kill_round(
                tmp_path / f"memory{file}.db", 1000 + 10 * file + seed, stored, rng.uniform(0.05, 1.0), log
            )
        print(
            f"file {file}: {10 * file + 10} kills, {len(stored)} records, acknowledged so far {dict(Counter(log))}"
        )


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    """Another process's acknowledged deletes and adds are in the very next search, and both may write at once."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        memory.search("warm up the index")
        process = start_worker(path, 77)
        assert process.stdout is not None
        lines: list[str] = []
        mine: list[str] = []
        try:
            for number in range(40):
                line = process.stdout.readline()
                lines.append(line)
                if line.startswith("delete "):
                    name = line.split()[1]
                    assert name not in {hit.id for hit in memory.search(f"note {name} first", limit=10_000)}
                mine.append(memory.add(f"note of the parent {number}"))
        finally:
            process.kill()
            rest = process.stdout.read()
            process.wait()
            process.stdout.close()
        lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        expected, unsure = replay(lines)
        found = {hit.id for hit in memory.search("note", limit=100_000)}
        assert set(mine) <= found
        assert expected.keys() - unsure <= found


def test_threads_share_one_memory(tmp_path: Path) -> None:
    """Threads that add, search and delete at once lose nothing and see no ghosts."""
    errors: list[BaseException] = []
    with SwiftMem(tmp_path / "memory.db", embedder=HashEmbedder(32)) as memory:

        def work(name: int) -> None:
            try:
                for number in range(25):
                    kept = memory.add(f"thread {name} note {number}")
                    gone = memory.add(f"thread {name} drop {number}")
                    memory.delete(gone)
                    ids = {hit.id for hit in memory.search(f"thread {name} note {number}", limit=1000)}
                    assert kept in ids and gone not in ids
            except BaseException as exc:
                errors.append(exc)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(memory.get_all()) == 100


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """When the file cannot grow the error says so, nothing is half written, and there is a way on."""
    with SwiftMem(tmp_path / "memory.db", embedder=HashEmbedder(32)) as memory:
        memory.add("the first note", id="first")
        connection = memory._database._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(
            f"PRAGMA max_page_count = {pages + 4}"
        )  # what SQLite reports when no page can be had
        with pytest.raises(StoreUnavailableError, match="disk is full"):
            memory.add_messages([{"content": f"filler {n} " + "long " * 2000} for n in range(50)])
        assert [record.id for record in memory.get_all()] == ["first"]
        assert [hit.id for hit in memory.search("filler", limit=50)] == ["first"]
        connection.execute("PRAGMA max_page_count = 1000000")
        memory.add("room again", id="second")
        assert len(memory.search("note", limit=5)) == 2


def test_only_the_owner_can_read_a_new_file(tmp_path: Path) -> None:
    """What is remembered is private: the file and its write-ahead log are opened with mode 0600."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder()) as memory:
        memory.add("a secret")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("memory.db*")}
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only files")
def test_read_only_file(tmp_path: Path) -> None:
    """A file that may not be written is refused with the cure."""
    path = tmp_path / "memory.db"
    SwiftMem(path, embedder=HashEmbedder(32)).close()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreUnavailableError), SwiftMem(path, embedder=HashEmbedder(32)) as memory:
            memory.add("x")
    finally:
        tmp_path.chmod(0o755)


def test_read_only_mode_of_sqlite_is_named(tmp_path: Path) -> None:
    """When SQLite says the file is read-only, so does the error, with the cure."""
    with SwiftMem(tmp_path / "memory.db", embedder=HashEmbedder(32)) as memory:
        memory.add("kept")
        memory._database._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(ReadOnlyStoreError, match="write permission"):
            memory.add("x")
        memory._database._connection.execute("PRAGMA query_only = 0")
        assert len(memory.search("kept")) == 1


def test_erasing_needs_no_embedder(tmp_path: Path) -> None:
    """Whoever lacks the file's embedder can still erase a user, and no byte of the text is left."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        memory.add("the harpsichord is sold", user_id="ann")
    with SwiftMem(path) as memory:
        assert memory.delete_all(user_id="ann") == 1
        everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert b"harpsichord" not in everything


def test_erasing_says_when_a_reader_keeps_the_log(tmp_path: Path) -> None:
    """Where another process reads the log, the user is gone but the call says that bytes stay, and vacuum cures it."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        memory._database._connection.execute("PRAGMA busy_timeout = 50")
        memory.add("the harpsichord is sold", user_id="ann")
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM records").fetchone()
        with pytest.raises(StoreUnavailableError, match="vacuum"):
            memory.delete_all(user_id="ann")
        assert memory.get_all(user_id="ann") == []
        reader.close()
        memory.vacuum()
        everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        assert b"harpsichord" not in everything


def test_truncated_database_is_an_error(tmp_path: Path) -> None:
    """A file cut in the middle gives a clear error or right records, never wrong ones."""
    path = tmp_path / "memory.db"
    texts = {f"note number {n} about the sea" for n in range(200)}
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        memory.add_messages([{"content": text} for text in sorted(texts)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    try:
        with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
            assert {hit.text for hit in memory.search("sea", limit=300)} <= texts
    except StoreUnavailableError as exc:
        assert "restore it" in str(exc) or "sound" in str(exc)


def test_a_delete_between_ranking_and_reading_is_honoured(tmp_path: Path) -> None:
    """Hits are read from the file last, so a record deleted a moment ago by someone else is not among them."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(32)) as one, SwiftMem(path, embedder=HashEmbedder(32)) as two:
        record_id = one.add("the note to delete")
        one.add("the note to keep", id="keep")
        assert len(two.search("note")) == 2
        original = two._resources.partitions().get

        def late(*args: Any, **kwargs: Any) -> Any:
            collection = original(*args, **kwargs)
            one.delete(record_id)  # after the index was brought up to date
            return collection

        two._resources.partitions().get = late  # type: ignore[method-assign]
        assert [hit.id for hit in two.search("note")] == ["keep"]


def test_lost_change_log_means_reading_anew(tmp_path: Path) -> None:
    """A process that slept through more changes than the log keeps still sees the truth."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(32)) as one, SwiftMem(path, embedder=HashEmbedder(32)) as two:
        gone = one.add("old note")
        assert len(two.search("note")) == 1
        one.delete(gone)
        one.add("new note", id="new")
        with one._database.write() as connection:
            connection.execute("DELETE FROM changes")
        one.add("newer note", id="newer")
        assert {hit.id for hit in two.search("note")} == {"new", "newer"}


def test_background_tagger_does_not_hold_up_add(tmp_path: Path) -> None:
    """A slow language model tags in the background; flush waits, and its broken answers fall back to keyphrases."""
    answers = iter(
        [
            '{"tags": ["green_tea", "honey", "breakfast"], "relations": [{"parent": "tea", "child": "green_tea"}]}'
        ]
    )
    asked = threading.Event()

    def model(prompt: str) -> str:
        asked.wait(10)
        return next(answers, "I cannot do that")

    with SwiftMem(tmp_path / "memory.db", embedder=HashEmbedder(32), tagger=model) as memory:
        memory.add("Ann likes green tea with honey", id="a")
        memory.add("Bob restores wooden sailing boats", id="b", expires=timedelta(days=1))
        assert len(memory.search("tea")) == 2  # while the model is still thinking
        asked.set()
        memory.flush()
        tags = dict(
            memory._database._connection.execute(
                "SELECT id, group_concat(tag) FROM record_tags JOIN records USING (seq) GROUP BY id"
            )
        )
        assert set(tags["a"].split(",")) == {"green_tea", "honey", "breakfast"}
        assert "boats" in tags["b"]


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("/dev/null", "device or a pipe"),
        ("pipe", "device or a pipe"),
        (".", "folder: name a file"),
        ("", "folder: name a file"),
        ("letter.txt", "not a sound SQLite file .*: name another file"),
        ("missing/memory.db", "check that its folder exists"),
        (":memory:", "give None as the path"),
    ],
)
def test_a_place_that_keeps_no_memory_is_told(
    name: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be no memory is refused with the cure and stays as it was, without any file beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.txt").write_text("Dear Ann, " * 100)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreUnavailableError, match=cure):
        SwiftMem(name, embedder=HashEmbedder())
    assert (
        sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt", "pipe"]
        and not Path("/dev/null-journal").exists()
    )
    assert (tmp_path / "letter.txt").read_text().startswith("Dear Ann")


def test_a_name_like_a_uri_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is called as its path says, also where SQLite could read something else into the name."""
    monkeypatch.chdir(tmp_path)
    with SwiftMem("file:x?mode=memory", embedder=HashEmbedder()) as memory:
        memory.add("kept")
    with SwiftMem("file:x?mode=memory", embedder=HashEmbedder()) as memory:
        assert [record.text for record in memory.get_all()] == ["kept"]


def test_sqlite_file_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    """A SQLite file with other tables keeps them."""
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute("INSERT INTO mine VALUES (1)")
    connection.close()
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        memory.add("beside it")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT x FROM mine").fetchall() == [(1,)]
    connection.close()
