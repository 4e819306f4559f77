"""What users of SwiftMem rely on: add, find, change, forget."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentcore.memory import (
    DuplicateRecordError,
    EmbedderMismatchError,
    RecordNotFoundError,
    StoreClosedError,
    StoreUnavailableError,
    SwiftMem,
)
from agentcore.memory.embedding import Encoded, HashEmbedder
from agentcore.memory.ranking import FULL


def test_what_was_added_comes_back(memory: SwiftMem) -> None:
    """A record comes back as it was given: text, times, tags, metadata."""
    when = datetime(2023, 5, 8, 13, 56)
    record_id = memory.add(
        "Ann moved to Lisbon",
        user_id="u",
        timestamp=when,
        role="Ann",
        metadata={"a": [1, {"b": None}]},
        tags=["Home Town"],
    )
    record = memory.get(record_id)
    assert record is not None
    assert (record.text, record.timestamp, record.role, record.tags) == (
        "Ann moved to Lisbon",
        when,
        "Ann",
        ("home_town",),
    )
    assert record.metadata == {"a": [1, {"b": None}]}
    hit = memory.search("Lisbon", user_id="u")[0]
    assert (hit.id, hit.text, hit.timestamp, hit.metadata) == (record_id, record.text, when, record.metadata)
    assert {"dense", "lexical"} <= hit.signals.keys()


def test_best_match_comes_first(memory: SwiftMem) -> None:
    """The record that shares the query's words is first, and scores fall and lie in [0, 1]."""
    for text in (
        "the cat sleeps on the sofa",
        "Bob plays chess",
        "a violin concert in Vienna",
        "chess club on Sunday with Bob",
    ):
        memory.add(text)
    hits = memory.search("chess club", limit=4)
    assert hits[0].text == "chess club on Sunday with Bob"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert len(memory.search("chess", limit=100)) == 4
    assert memory.search("chess", limit=0) == []


def test_users_and_namespaces_are_apart(memory: SwiftMem) -> None:
    """A search sees one user and one namespace, whatever else is stored."""
    memory.add("secret plan", user_id="a")
    memory.add("secret plan", user_id="b")
    memory.add("secret plan", user_id="a", namespace="work")
    for user, space in (("a", None), ("b", None), ("a", "work")):
        hits = memory.search("secret plan", user_id=user, namespace=space)
        assert [(hit.user_id, hit.namespace) for hit in hits] == [(user, space)]
    assert memory.search("secret plan", user_id="c") == []
    assert memory.search("secret plan", user_id="b", namespace="work") == []


def test_delete_says_how_many(memory: SwiftMem) -> None:
    """A deleted record is never found again, and the receipt is a count."""
    keep, gone = memory.add("keep this note"), memory.add("drop this note")
    assert memory.search("note", limit=5)
    assert (memory.delete(gone), memory.delete(gone)) == (1, 0)
    assert [hit.id for hit in memory.search("drop this note", limit=5)] == [keep]
    assert memory.get(gone) is None
    memory.add("another user's", user_id="other")
    assert memory.delete_all(user_id="default") == 1
    assert memory.search("note") == []
    assert len(memory.get_all(user_id="other")) == 1


def test_update_keeps_history(memory: SwiftMem, clock: Any) -> None:
    """An update replaces what is found and keeps what was believed."""
    record_id = memory.add("Ann lives in Paris", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    clock.time += timedelta(days=30)
    memory.update(record_id, "Ann lives in Rome", metadata={"sure": True})
    assert [hit.text for hit in memory.search("Where does Ann live?")] == ["Ann lives in Rome"]
    assert [(v.version, v.text) for v in memory.history(record_id)] == [
        (1, "Ann lives in Paris"),
        (2, "Ann lives in Rome"),
    ]
    assert [hit.text for hit in memory.search("Ann", as_of=datetime(2026, 5, 1))] == ["Ann lives in Paris"]
    assert [hit.text for hit in memory.search("Ann", as_of=clock.time)] == ["Ann lives in Rome"]
    assert memory.search("Ann", as_of=datetime(2025, 5, 1)) == []
    with pytest.raises(RecordNotFoundError, match="get_all"):
        memory.update("nobody", "x")


def test_validity_answers_as_of(memory: SwiftMem) -> None:
    """Facts are found in the time in which they hold, also when all were stored on one day."""
    memory.add("Ann works in Bern", valid_from=datetime(2020, 1, 1), valid_to=datetime(2022, 1, 1))
    memory.add("Ann works in Oslo", valid_from=datetime(2022, 1, 1))
    assert [hit.text for hit in memory.search("Ann works", as_of="2021-03-01")] == ["Ann works in Bern"]
    assert [hit.text for hit in memory.search("Ann works", as_of="2022-01-01")] == ["Ann works in Oslo"]
    assert [hit.text for hit in memory.search("Ann works")] == ["Ann works in Oslo"]


def test_time_range_is_inclusive(memory: SwiftMem) -> None:
    """Start and end are event times, both inclusive."""
    for day in range(1, 6):
        memory.add(f"note of day {day}", timestamp=datetime(2024, 1, day))
    hits = memory.search("note", start=datetime(2024, 1, 2), end=datetime(2024, 1, 4))
    assert {hit.text for hit in hits} == {f"note of day {day}" for day in (2, 3, 4)}
    assert [r.text for r in memory.get_all(start="2024-01-04")] == ["note of day 4", "note of day 5"]


def test_expired_records_are_gone(memory: SwiftMem, clock: Any) -> None:
    """From its expiry on, a record is nowhere to be found, and vacuum removes it from the file."""
    record_id = memory.add("the code is 1234", expires=timedelta(hours=1))
    assert memory.search("code") and memory.get(record_id)
    clock.time += timedelta(hours=1)
    assert memory.search("code") == [] and memory.get(record_id) is None and memory.get_all() == []
    assert memory.search("code", as_of=clock.time) == [] and memory.history(record_id) == []
    with pytest.raises(RecordNotFoundError):
        memory.update(record_id, "the code is 4321")
    assert memory.vacuum() == 1
    assert memory.history(record_id) == []


def test_an_expiry_can_be_taken_back(memory: SwiftMem, clock: Any) -> None:
    """`update(expires="never")` keeps a memory, with its history, beyond the time that it was to end at."""
    kept = memory.add("the key is under the mat", expires=timedelta(hours=1))
    assert memory.update(kept, expires="never").expires is None
    clock.time += timedelta(days=400)
    memory.vacuum()
    assert [hit.id for hit in memory.search("where is the key?")] == [kept]
    assert len(memory.history(kept)) == 2
    assert memory.update(kept, "the key is in the shed").expires is None


async def test_several_memories_are_deleted_at_once(memory: SwiftMem) -> None:
    """`delete` takes ids, counts those that were there, and touches nothing where one of them cannot be an id."""
    ids = [memory.add(f"memory {number}", user_id="ab"[number % 2]) for number in range(6)]
    memory.update(ids[0], "memory zero")
    with pytest.raises(TypeError):
        memory.delete([ids[0], 7])  # type: ignore[list-item]  # the mistake under test
    assert memory.delete([ids[0], ids[1], "none"], user_id="a") == 1
    assert memory.delete([]) == 0
    assert await memory.adelete(ids) == 5
    assert memory.stats()["versions"] == 0


async def test_the_end_of_a_fact_can_be_taken_back(memory: SwiftMem, clock: Any) -> None:
    """`update(valid_to="never")`, and its async twin, make a fact hold again until it is replaced."""
    fact = memory.add("Ann works in Bern", valid_from="2020-01-01", valid_to="2022-01-01")
    assert not memory.search("where does Ann work?", as_of=clock.time)
    assert memory.update(fact, valid_to="never").valid_to is None
    assert [hit.id for hit in memory.search("where does Ann work?", as_of=clock.time)] == [fact]
    memory.update(fact, valid_to="2023-01-01")
    assert (await memory.aupdate(fact, valid_to="never")).valid_to is None
    for name in ("timestamp", "valid_from"):
        with pytest.raises(ValueError, match=name):
            memory.update(fact, **{name: "never"})  # type: ignore[arg-type]  # only an end can be taken back


def test_a_memory_expires_with_its_history(memory: SwiftMem, clock: Any, tmp_path: Path) -> None:
    """The expiry of the current version decides: earlier versions go with it, or stay as long as it lives."""
    gone = memory.add("the code is 1234")
    kept = memory.add("the key is under the mat", expires=timedelta(hours=2))
    clock.time += timedelta(hours=1)
    before = clock.time - timedelta(minutes=30)
    memory.update(gone, expires=timedelta(hours=3))
    memory.update(kept, "the key is in the shed", expires=timedelta(days=9))
    clock.time += timedelta(hours=4)
    for _ in ("stored", "vacuumed"):
        assert "the code is 1234" not in [hit.text for hit in memory.search("code", as_of=before)]
        assert memory.history(gone) == []
        assert [version.version for version in memory.history(kept)] == [1, 2]
        assert memory.export(tmp_path / "out.jsonl") == 2
        memory.vacuum()
    assert memory.stats()["versions"] == 2


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"year": 2020}, {"a"}),
        ({"year": {"$gte": 2020}}, {"a", "b"}),
        ({"year": {"gte": 2020, "lt": 2021}}, {"a"}),
        ({"year": {"$in": [2020, 1999]}}, {"a"}),
        ({"year": {"$nin": [2020]}}, {"b", "c"}),
        ({"year": {"$ne": 2020}}, {"b", "c"}),
        ({"year": {"$exists": False}}, {"c"}),
        ({"year": "*"}, {"a", "b"}),
        ({"$or": [{"year": 2020}, {"kind": "x"}]}, {"a", "c"}),
        ({"AND": [{"year": {"gt": 1}}, {"NOT": [{"year": 2021}]}]}, {"a"}),
        ({"$not": {"year": 2020}}, {"b", "c"}),
        ({"NOT": [{"year": 2020}, {"kind": "xyz"}]}, {"b"}),
        ({"AND": [{"user_id": "default"}, {"year": 2020}]}, {"a"}),
        ({"year": {"$not": {"$gt": 2020}}}, {"a", "c"}),
        ({"deep.key": 1}, {"b"}),
        ({"topics": "art"}, {"a"}),
        ({"topics": {"contains": "art"}}, {"a"}),
        ({"kind": {"icontains": "X"}}, {"c"}),
        ({"kind": None}, {"a", "b"}),
        ({"flag": True}, {"b"}),
        ({"flag": 1}, set()),
        ({"tags": "red"}, {"c"}),
        ({}, {"a", "b", "c"}),
    ],
)
def test_filters(memory: SwiftMem, filters: dict[str, Any], expected: set[str]) -> None:
    """Filters mean what MongoDB's and mem0's operators mean."""
    memory.add("one record", id="a", metadata={"year": 2020, "topics": ["art", "law"]})
    memory.add("two record", id="b", metadata={"year": 2021, "deep": {"key": 1}, "flag": True})
    memory.add("three record", id="c", metadata={"kind": "xyz"}, tags=["red"])
    if filters == {"$or": [{"year": 2020}, {"kind": "x"}]}:
        filters = {"$or": [{"year": 2020}, {"kind": "xyz"}]}
    assert {hit.id for hit in memory.search("record", filters=filters)} == expected


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.add(""), ValueError),
        (lambda m: m.add("  \n"), ValueError),
        (lambda m: m.add(b"bytes"), TypeError),
        (lambda m: m.add("bad \ud800 surrogate"), ValueError),
        (lambda m: m.add("x", timestamp="not a date"), ValueError),
        (lambda m: m.add("x", timestamp=1e30), ValueError),
        (lambda m: m.add("x", timestamp="0001-01-01T00:00:00+14:00"), ValueError),
        (lambda m: m.add("x", timestamp="9999-12-31T23:59:59-12:00"), ValueError),
        (lambda m: m.get(["id"]), TypeError),
        (lambda m: m.history("\ud800"), ValueError),
        (lambda m: m.add("x", metadata={"a": float("nan")}), ValueError),
        (lambda m: m.add("x", metadata={"a": object()}), ValueError),
        (lambda m: m.add("x", user_id=""), ValueError),
        (lambda m: m.add("x", valid_from="2024-01-02", valid_to="2024-01-01"), ValueError),
        (lambda m: m.add("x", duplicates="maybe"), ValueError),
        (lambda m: m.add("x" * 5_000_000), ValueError),
        (lambda m: m.add_messages([{"content": "x", "sender": "y"}]), ValueError),
        (lambda m: m.search(""), ValueError),
        (lambda m: m.search("x", limit=-1), ValueError),
        (lambda m: m.search("x", limit="3"), TypeError),
        (lambda m: m.search("x", start="2024-01-02", end="2024-01-01"), ValueError),
        (lambda m: m.search("x", filters={"a": {"$near": 1}}), ValueError),
        (lambda m: m.search("x", filters={"$nor": []}), ValueError),
        (lambda m: m.search("x", filters={"a": {"$gt": None}}), TypeError),
        (lambda m: m.search("x", filters={"a": {"$in": 1}}), TypeError),
        (lambda m: m.search("x", filters={"$not": []}), TypeError),
        (lambda m: m.search("x", threshold=2), ValueError),
        (lambda m: m.search("x", profile="best"), ValueError),
        (lambda m: m.search("x", threshold="0.5"), ValueError),
        (lambda m: m.search("x", diversity=None), ValueError),
        (lambda m: m.add("x", tags=3), TypeError),
        (lambda m: m.delete(None), TypeError),
        (lambda m: m.search("x", limit=2.5), TypeError),
        (lambda m: m.search("x", profile=replace(FULL, speaker=float("nan"))), ValueError),
        (lambda m: m.search("x", profile=replace(FULL, turn_weights=(1.0, 2.0))), ValueError),
        (lambda m: m.search("x", profile=replace(FULL, token_candidates=0)), ValueError),
        (lambda m: m.search("x", profile=replace(FULL, whole_sessions=1.5)), TypeError),
        (lambda m: m.search("x", profile=replace(FULL, use_tokens=1)), TypeError),
        (lambda m: m.search("x", user_id=7), TypeError),
        (lambda m: m.search("x", threshold=float("nan")), ValueError),
        (lambda m: m.search("x", routes=("shortcut",)), ValueError),
        (lambda m: m.search_text(" "), ValueError),
        (lambda m: m.search_text("x", limit=-1), ValueError),
        (lambda m: m.add("x", timestamp=True), TypeError),
        (lambda m: m.add("x", timestamp=float("nan")), ValueError),
        (lambda m: m.add("x", expires=timedelta.max), ValueError),
        (lambda m: m.add("x", metadata={"deep": nested(5000)}), ValueError),
        (lambda m: m.add("x", user_id="line\nbreak"), ValueError),
        (lambda m: m.add("x", tags="one"), TypeError),
        (lambda m: m.add_messages("text"), TypeError),
    ],
)
def test_bad_input_is_named(memory: SwiftMem, call: Any, error: type[Exception]) -> None:
    """Bad input raises at once with a message, and stores nothing."""
    with pytest.raises(error, match=r"^(?!.*(not supported|not iterable|has no attribute))"):
        call(memory)
    assert memory.stats()["versions"] == 0


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "na\u00efve"}'.encode("latin-1"), "not UTF-8"),
        (b"\x00\xff\xfe", "not UTF-8"),
        (b"null", "no list of memories"),
        (b"5\n", "no list of memories"),
        (b"", "neither JSONL nor JSON"),
        (b'{"text": "fine"}\n{"text": ""}\n', "line 2: text is empty"),
        (b'{"text": "fine"}\nnot json\n', "line 2 is not JSON"),
        (b'{"format": "swiftmem-99"}\n', "swiftmem-99"),
        (b"[1, 2]", "expected an object"),
        (b'{"text": "x", "timestamp": "someday"}', "timestamp 'someday'"),
    ],
)
def test_bad_import_is_named(memory: SwiftMem, tmp_path: Path, content: bytes, message: str) -> None:
    """A file that cannot be read is one error that names it, and nothing of it is stored."""
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        memory.import_(path)
    assert "bad.jsonl" in str(caught.value)
    assert memory.stats()["versions"] == 0


def test_odd_input_is_fine(memory: SwiftMem) -> None:
    """Huge limits, a long text, old dates, other scripts and a zone are stored and found."""
    memory.add("word " * 200_000, id="long")
    memory.add("in the year one", id="old", timestamp=datetime(1, 1, 1))
    memory.add("安娜搬到了里斯本", id="cjk", timestamp=datetime(9999, 12, 31, 23, 59))
    memory.add("!!!", id="marks")
    assert memory.search("里斯本", limit=10**9)[0].id == "cjk"
    assert {hit.id for hit in memory.search("???", limit=10**9)} == {"long", "old", "cjk", "marks"}
    old, cjk = memory.get("old"), memory.get("cjk")
    assert old is not None and old.timestamp == datetime(1, 1, 1)
    assert cjk is not None and cjk.timestamp == datetime(9999, 12, 31, 23, 59)


def test_batch_is_all_or_nothing(memory: SwiftMem) -> None:
    """One bad message keeps the whole batch out."""
    with pytest.raises(ValueError, match="empty"):
        memory.add_messages([{"content": "fine"}, {"content": " "}])
    memory.add("there", id="taken")
    with pytest.raises(DuplicateRecordError, match="taken"):
        memory.add_messages([{"content": "fine"}, {"content": "clash", "id": "taken"}])
    assert len(memory.get_all()) == 1


def test_duplicates(memory: SwiftMem) -> None:
    """Exact and near duplicates are kept, merged or rejected as asked; numbers and negations make a difference."""
    first = memory.add("Ann likes green tea with honey in the morning", tags=["tea"])
    assert (
        memory.add("ann likes green tea with honey, in the morning!", duplicates="merge", tags=["honey"])
        == first
    )
    assert memory.add("Ann likes some green tea with honey in the morning", duplicates="merge") == first
    record = memory.get(first)
    assert record is not None and record.tags == ("tea", "honey")
    with pytest.raises(DuplicateRecordError):
        memory.add("Ann likes green tea with honey in the morning", duplicates="reject")
    for other in ("Ann never likes green tea with honey in the morning", "Bob repairs old clocks"):
        assert memory.add(other, duplicates="merge") != first
    memory.add("Ann likes green tea with honey in the morning", user_id="other", duplicates="reject")
    assert memory.add("Ann likes green tea with honey in the morning") != first


def test_a_new_memory_never_vanishes_into_a_duplicate_that_is_not_found(memory: SwiftMem, clock: Any) -> None:
    """What has expired or holds at other times is no duplicate, and a merged memory lives as long as either would have."""
    text = "Ann lives in Paris"
    past = memory.add(text, valid_from="2020-01-01", valid_to="2021-01-01")
    now = memory.add(text, expires=timedelta(hours=1), duplicates="reject")
    assert memory.add(text, expires=timedelta(hours=3), duplicates="merge") == now != past
    clock.time += timedelta(hours=2)
    assert [hit.id for hit in memory.search("Paris")] == [now]
    clock.time += timedelta(hours=2)
    later = memory.add(text, expires=timedelta(hours=1), duplicates="reject")
    assert memory.add(text, duplicates="merge") == later
    clock.time += timedelta(hours=2)
    assert [hit.id for hit in memory.search("Paris")] == [later]


def test_duplicates_within_one_batch(memory: SwiftMem) -> None:
    """Messages of one call are compared with each other as with what is stored."""
    near = "Ann likes some green tea with honey in the morning"
    texts = [
        "Ann likes green tea with honey in the morning",
        near,
        "Ann never likes green tea with honey in the morning",
    ]
    messages = [{"content": text, "metadata": {str(number): 1}} for number, text in enumerate(texts)]
    first, second, third = memory.add_messages(messages, duplicates="merge")
    assert first == second != third
    assert [dict(record.metadata) for record in memory.get_all()] == [{"0": 1, "1": 1}, {"2": 1}]
    with pytest.raises(DuplicateRecordError):
        memory.add_messages([{"content": text} for text in texts[:2]], user_id="other", duplicates="reject")
    assert memory.get_all(user_id="other") == []
    assert len(set(memory.add_messages([{"content": text} for text in texts[:2]], user_id="other"))) == 2


def test_export_round_trips(memory: SwiftMem, clock: Any, embedder: HashEmbedder, tmp_path: Path) -> None:
    """An export read into an empty memory gives the same records, versions and results."""
    record_id = memory.add(
        "Ann lives in Paris", timestamp=datetime(2023, 1, 1), metadata={"session": "1"}, tags=["home"]
    )
    clock.time += timedelta(days=1)
    memory.update(record_id, "Ann lives in Rome")
    memory.add("Bob has a dog", user_id="b", namespace="pets", expires=timedelta(days=9))
    path = tmp_path / "out.jsonl"
    assert memory.export(path) == 3
    with SwiftMem(tmp_path / "copy.db", embedder=embedder, now=clock) as copy:
        assert (copy.import_(path), copy.import_(path)) == (3, 0)
        assert copy.history(record_id) == memory.history(record_id)
        assert copy.get_all(user_id="b", namespace="pets") == memory.get_all(user_id="b", namespace="pets")
        assert copy.search("Ann") == memory.search("Ann")
        assert copy.search("Ann", as_of="2026-06-01T13:00") == memory.search("Ann", as_of="2026-06-01T13:00")


def test_foreign_exports_are_read(memory: SwiftMem, tmp_path: Path) -> None:
    """mem0's results and a LangGraph store's items become records."""
    mem0 = tmp_path / "mem0.json"
    mem0.write_text(
        '{"results": [{"id": "m1", "memory": "Likes tea", "user_id": "u", "created_at": "2024-07-01T10:00:00-07:00",'
        ' "metadata": {"category": "food"}}]}'
    )
    store = tmp_path / "store.jsonl"
    store.write_text('{"namespace": ["u", "facts"], "key": "k", "value": {"text": "Has a dog", "n": 1}}\n')
    assert memory.import_(mem0) == 1 and memory.import_(store, user_id="u") == 1
    assert memory.search("tea", user_id="u")[0].metadata == {"category": "food"}
    assert memory.search("dog", user_id="u", namespace="u/facts")[0].metadata["n"] == 1
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "fine"}\n{"text": ""}\n')
    with pytest.raises(ValueError, match="line 2"):
        memory.import_(bad)
    assert memory.get_all() == []


def test_wrong_embedder_is_refused_and_cured(tmp_path: Path) -> None:
    """A file refuses another embedder, names the cure, and the cure works."""
    path = tmp_path / "memory.db"
    with SwiftMem(path, embedder=HashEmbedder(64)) as memory:
        memory.add("Ann plays the violin", id="a")
        memory.update("a", "Ann plays the cello")
    with pytest.raises(EmbedderMismatchError, match="reembed"):
        SwiftMem(path, embedder=HashEmbedder(32))
    assert SwiftMem.reembed(path, embedder=HashEmbedder(32)) == 2
    with SwiftMem(path, embedder=HashEmbedder(32)) as memory:
        assert memory.search("cello")[0].id == "a"


@pytest.mark.parametrize(
    "vectors",
    [np.ones((2, 63)), np.ones((1, 64)), np.ones(64), np.full((2, 64), np.nan)],
    ids=["width", "count", "flat", "nan"],
)
def test_vectors_that_could_never_be_searched_are_not_stored(
    vectors: Any, embedder: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An embedder, or a caller, that hands over vectors of another shape or no numbers is refused; searches work on."""
    with SwiftMem(None, embedder=embedder) as memory:
        memory.add("kept")
        messages = [{"content": "one"}, {"content": "two"}]
        with pytest.raises(ValueError, match="vectors"):
            memory.add_messages(messages, encoded=Encoded(vectors, None))
        with monkeypatch.context() as patch:
            patch.setattr(embedder, "encode", lambda texts: Encoded(vectors, None))
            with pytest.raises(ValueError, match="vectors"):
                memory.add_messages(messages)
        assert [hit.text for hit in memory.search("kept")] == ["kept"]


def test_closed_memory_says_so(memory: SwiftMem) -> None:
    """After close every call says what to do."""
    memory.close()
    memory.close()
    with pytest.raises(StoreClosedError, match="open it again"):
        memory.search("x")
    with pytest.raises(StoreClosedError):
        memory.add("x")


def test_not_a_database(tmp_path: Path) -> None:
    """A file that is no database is refused in one line, and stays as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("just some notes " * 100)
    with pytest.raises(StoreUnavailableError, match="not a sound SQLite file"):
        SwiftMem(path)
    assert path.read_text().startswith("just some notes")
    with pytest.raises(StoreUnavailableError, match="folder exists"):
        SwiftMem(tmp_path / "missing" / "memory.db")


async def test_async_twins(memory: SwiftMem) -> None:
    """Every verb has an async twin that does the same."""
    record_id = await memory.aadd("Ann likes chess")
    await memory.aadd_messages([{"role": "user", "content": "Bob likes go"}])
    assert [hit.id for hit in await memory.asearch("chess", limit=1)] == [record_id]
    await memory.aupdate(record_id, "Ann likes shogi")
    assert len(await memory.ahistory(record_id)) == 2
    assert len(await memory.aget_all()) == 2
    assert (await memory.astats())["records"] == 2
    assert await memory.adelete(record_id) == 1
    assert await memory.aget(record_id) is None
    assert await memory.adelete_all(user_id="default") == 1
    await memory.aclose()


async def test_a_memory_is_an_asynchronous_context_too(embedder: HashEmbedder) -> None:
    """`async with` closes the memory without blocking the loop, whatever ends the block."""
    with pytest.raises(ZeroDivisionError):
        async with SwiftMem(None, embedder=embedder) as memory:
            await memory.aadd("the key is under the mat")
            raise ZeroDivisionError
    with pytest.raises(StoreClosedError):
        memory.add("too late")


async def test_a_call_beside_closing_is_done_or_told(embedder: HashEmbedder) -> None:
    """What is asked while the memory closes is either done or refused with the memory's own error."""
    for _ in range(20):
        memory = SwiftMem(None, embedder=embedder)
        await memory.aadd("early")
        late = asyncio.create_task(memory.aadd("late"))
        await memory.aclose()
        (outcome,) = await asyncio.gather(late, return_exceptions=True)
        assert isinstance(outcome, (str, StoreClosedError))


def test_threshold_abstains(memory: SwiftMem) -> None:
    """With a threshold nothing comes back when nothing fits, and the fitting ones do when something does."""
    for text in (
        "the cat sleeps on the red sofa",
        "Bob plays chess on Sundays",
        "a violin concert in Vienna",
    ):
        memory.add(text)
    assert [hit.text for hit in memory.search("the violin concert in Vienna", threshold=0.5)][:1] == [
        "a violin concert in Vienna"
    ]
    assert memory.search("quarterly tax declaration of a submarine", threshold=0.5) == []
    assert len(memory.search("quarterly tax declaration of a submarine")) == 3
    everything = memory.search("violin", threshold=0.0)
    assert len(everything) == 3


def test_speaker_and_neighbours_count(memory: SwiftMem) -> None:
    """A question about one speaker prefers that speaker's turns, and an answer is found beside its question."""
    turns = [
        ("Ann", "What instrument do you play, Bob?"),
        ("Bob", "The cello, since I was six."),
        ("Ann", "I play the flute."),
        ("Bob", "The weather was grey."),
        ("Ann", "We went to the lake."),
    ]
    memory.add_messages(
        [{"content": text, "name": name, "metadata": {"session": "1"}} for name, text in turns]
    )
    hits = memory.search("Which instrument does Bob play?")
    assert hits[0].text == "The cello, since I was six."
    assert hits[0].metadata["speaker"] == "Bob"


def test_fast_profile_needs_no_tokens(memory: SwiftMem) -> None:
    """The fast profile leaves the token stage out and says so in the signals."""
    memory.add("Ann likes green tea")
    assert "tokens" in memory.search("tea")[0].signals
    assert "tokens" not in memory.search("tea", profile="fast")[0].signals


def test_another_users_id_is_nothing(memory: SwiftMem) -> None:
    """Whoever names their user cannot read, change or delete another user's memory by its id."""
    record_id = memory.add("private", user_id="a")
    assert memory.get(record_id, user_id="b") is None
    assert memory.history(record_id, user_id="b") == []
    assert memory.delete(record_id, user_id="b") == 0
    with pytest.raises(RecordNotFoundError):
        memory.update(record_id, "stolen", user_id="b")
    assert memory.get(record_id, user_id="a") is not None
    assert memory.delete(record_id, user_id="a") == 1
