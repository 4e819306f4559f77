"""Search by words alone: across users, without an embedder, whatever state the indexes are in."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentcore.memory import SwiftMem
from agentcore.memory.embedding import HashEmbedder


def ids(hits: Any) -> list[str]:
    return [hit.id for hit in hits]


def test_finds_words_of_every_user_or_of_one(memory: SwiftMem) -> None:
    """Without a user every user is searched, and each hit says whose it is; with one, nobody else is."""
    memory.add("Ann keeps bees in the garden", user_id="ann", id="a")
    memory.add("The bee keeper is called Bob", user_id="bob", namespace="work", id="b")
    memory.add("Nothing of the kind", user_id="ann@bob", id="c")
    memory.add("Bees again", user_id="ann bees", id="d")
    found = memory.search_text("keeping bees")
    assert ids(found)[0] == "a" and set(ids(found)) == {"a", "b", "d"}
    assert {hit.id: hit.user_id for hit in found} == {"a": "ann", "b": "bob", "d": "ann bees"}
    assert found[0].score == 1.0 and all(0 < hit.score <= 1 for hit in found)
    assert ids(memory.search_text("bees", user_id="ann")) == ["a"]
    assert ids(memory.search_text("bees", namespace="work")) == ["b"]
    assert (
        ids(memory.search_text("bees", limit=1)) == ids(found)[:1]
        or len(memory.search_text("bees", limit=1)) == 1
    )
    assert memory.search_text("bees", limit=0) == []
    assert memory.search_text("zebra") == []


@pytest.mark.parametrize(
    "query", ['"', "NEAR(", "a AND", "text : bees", "*", "don't", "?!", "-- ; DROP TABLE"]
)
def test_a_query_is_words_and_no_syntax(memory: SwiftMem, query: str) -> None:
    """Whatever signs a query holds, it is read as words."""
    memory.add("bees", id="a")
    assert ids(memory.search_text(query)) in ([], ["a"])


def test_only_what_holds_now(memory: SwiftMem, clock: Any) -> None:
    """Replaced, deleted, expired and not yet valid memories are not found, also when they were indexed before."""
    memory.add("the copper kettle", id="old")
    memory.add("the copper pan", id="gone")
    memory.add("the copper cup", id="short", expires=timedelta(hours=1))
    memory.add("the copper pot", id="later", valid_from=clock.time + timedelta(days=1))
    assert set(ids(memory.search_text("copper"))) == {"old", "gone", "short"}
    memory.update("old", "the silver kettle")
    memory.delete("gone")
    clock.time += timedelta(hours=2)
    assert memory.search_text("copper") == []
    assert ids(memory.search_text("kettle")) == ["old"]
    clock.time += timedelta(days=1)
    assert ids(memory.search_text("copper")) == ["later"]


def test_another_process_is_seen(tmp_path: Path) -> None:
    """What another process adds or deletes is in, or out of, the very next search."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(8)) as one, SwiftMem(path, embedder=HashEmbedder(8)) as two:
        one.add("amber", id="a")
        assert ids(two.search_text("amber")) == ["a"]
        one.add("amber too", id="b")
        one.delete("a")
        assert ids(two.search_text("amber")) == ["b"]


def test_needs_no_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file opens and its words are found where the embedder that made its vectors is missing."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(8)) as memory:
        memory.add("the spare key is under the pot", id="key")
    with SwiftMem(path) as memory:  # another embedder is the default; it is not even loaded
        assert ids(memory.search_text("where is the spare key")) == ["key"]
        assert memory.get("key") is not None


def test_damage_is_mended(tmp_path: Path) -> None:
    """A damaged text index is made anew from the records; damaged vectors do not hinder it."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(8)) as memory:
        memory.add_messages([{"content": f"note {n} on granite", "id": f"n{n}"} for n in range(50)])
        assert len(memory.search_text("granite", limit=100)) == 50
        memory._database._connection.execute("UPDATE records_text_data SET block = x'ff00' WHERE id > 10")
        assert len(memory.search_text("granite", limit=100)) == 50
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE records_text_data SET block = x'00ff00ff00ff'")
        connection.execute("UPDATE features SET vector = x'00', terms = x'01'")
    connection.close()
    with SwiftMem(path) as memory:
        assert len(memory.search_text("granite", limit=100)) == 50
        assert ids(memory.search_text("note 7"))[:1] == ["n7"]


def test_erased_words_leave_the_file(tmp_path: Path) -> None:
    """After delete_all no word of the user is in the file's bytes, nor in the text index; vacuum does it for expired ones."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(8)) as memory:
        memory.add_messages(
            [{"content": f"word{n} xylophonist{n} palindrome{n}"} for n in range(300)], user_id="ann"
        )
        memory.add("bassoonist stays", user_id="bob")
        memory.add("harpsichordist expires", user_id="bob", expires=timedelta(seconds=-1))
        assert len(memory.search_text("palindrome7")) == 1
        assert memory.delete_all(user_id="ann") == 300
        everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        for word in (b"xylophon", b"palindrom", b"ylophonist", b"616e6e"):
            assert word not in everything
        assert b"bassoonist" in everything
        memory.vacuum()
        assert b"arpsichord" not in path.read_bytes()
        assert [hit.user_id for hit in memory.search_text("bassoonist")] == ["bob"]


async def test_async_twin(memory: SwiftMem) -> None:
    """The async twin finds the same."""
    await memory.aadd("granite", id="g")
    assert ids(await memory.asearch_text("granite")) == ["g"]
