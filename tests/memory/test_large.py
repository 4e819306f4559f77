"""Large memories: the indexes change the speed, never what may be returned."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from agentcore.memory import SwiftMem, _collection, _planner
from agentcore.memory.embedding import HashEmbedder
from agentcore.memory.tags import KeyphraseTagger

TOPICS = {
    "garden": ["tomato", "compost", "seedling", "trowel", "greenhouse", "pruning"],
    "music": ["violin", "concert", "rehearsal", "sonata", "orchestra", "melody"],
    "travel": ["passport", "harbour", "itinerary", "hostel", "ferry", "glacier"],
    "cooking": ["saffron", "dumpling", "oven", "marinade", "noodle", "recipe"],
    "sport": ["marathon", "racket", "referee", "sprint", "goalkeeper", "medal"],
}
WORDS = [word for topic in TOPICS.values() for word in topic]
NUM_RECORDS = 3000


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let indexes begin at 300 records instead of 20,000, so that a test can afford them."""
    monkeypatch.setattr(_collection, "LARGE", 300)
    monkeypatch.setattr(_planner, "LARGE", 300)


def messages() -> list[dict[str, Any]]:
    rng = random.Random(7)
    result = []
    for number in range(NUM_RECORDS):
        topic = rng.choice(sorted(TOPICS))
        said = " ".join([*rng.sample(TOPICS[topic], 2), *rng.sample(WORDS, 2), f"item{number}"])
        result.append(
            {
                "content": f"{topic} note: {said}",
                "id": f"r{number}",
                "timestamp": datetime(2022, 1, 1) + timedelta(hours=6 * number),
                "metadata": {
                    "session": f"s{number // 12}",
                    "speaker": ("Ann", "Bob")[number % 2],
                    "topic": topic,
                    "n": number,
                },
            }
        )
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "large.db"


@pytest.fixture
def large(path: Path, embedder: HashEmbedder, clock: Any) -> Iterator[SwiftMem]:
    with SwiftMem(path, embedder=embedder, now=clock) as memory:
        memory.add_messages(messages())
        yield memory


QUERIES = [
    "violin concert item17",
    "which ferry to the glacier item402",
    "saffron dumpling",
    "goalkeeper medal item88",
    "compost greenhouse",
]


def ids(hits: Any) -> list[str]:
    return [hit.id for hit in hits]


def test_vector_route_finds_what_the_scan_finds(large: SwiftMem) -> None:
    """The planned search returns nearly all of what scoring every record returns, and looks at fewer records."""
    shared = 0.0
    for query in QUERIES:
        planned = large.search(query, explain=True)
        everything = large.search(query, routes=(), explain=True)
        assert planned.plan is not None and everything.plan is not None
        assert planned.plan.route == "ann" and not planned.plan.exact and everything.plan.exact
        assert planned.plan.counts["scored"] < everything.plan.counts["scored"] == NUM_RECORDS
        shared += len(set(ids(planned)) & set(ids(everything))) / 10
    assert shared / len(QUERIES) >= 0.8


def test_filter_is_pushed_into_the_index(large: SwiftMem) -> None:
    """A filter that few records pass still fills the list, with none that fails it."""
    for filters, size in (({"n": {"$lt": 40}}, 40), ({"topic": "music", "n": {"$gte": 10}}, None)):
        hits = large.search("saffron dumpling recipe", filters=filters, limit=30, explain=True)
        assert len(hits) == 30
        for hit in hits:
            assert (
                hit.metadata["n"] < 40
                if size
                else hit.metadata["topic"] == "music" and hit.metadata["n"] >= 10
            )
    few = large.search("violin", filters={"n": {"$in": [3, 700]}}, limit=10)
    assert {hit.metadata["n"] for hit in few} == {3, 700}


def test_named_date_takes_the_temporal_route(large: SwiftMem) -> None:
    """A date in the query opens a gate in time; a time word alone does not."""
    hits = large.search("What did Ann note on 3 March 2023?", explain=True)
    assert hits.plan is not None and hits.plan.route == "temporal"
    assert abs(hits[0].timestamp - datetime(2023, 3, 3)) < timedelta(days=32)
    assert hits.plan.counts["temporal"] <= 0.2 * NUM_RECORDS
    unsure = large.search("When did Ann note the violin?", explain=True)
    assert unsure.plan is not None and unsure.plan.route == "ann"


def test_limit_beyond_the_candidates_is_filled(large: SwiftMem) -> None:
    """Whoever asks for everything gets everything."""
    assert sorted(ids(large.search("violin", limit=10_000))) == sorted(f"r{n}" for n in range(NUM_RECORDS))


def test_consolidation_keeps_results(large: SwiftMem) -> None:
    """Results are the same before and after consolidation, and clusters lie together afterwards."""
    before = [
        ids(large.search(query, limit=20, routes=routes)) for query in QUERIES for routes in ((), ("ann",))
    ]
    (report,) = large.consolidate()
    assert report.newly_tagged == NUM_RECORDS and report.tags >= 5
    assert report.fragmentation_after <= report.fragmentation_before
    assert report.fragmentation_after == 0
    after = [
        ids(large.search(query, limit=20, routes=routes)) for query in QUERIES for routes in ((), ("ann",))
    ]
    assert before == after


def test_sessions_stay_whole_in_the_layout(large: SwiftMem) -> None:
    """After consolidation the turns of a session still follow each other, for a search reads them together."""
    large.consolidate()
    body = large._resources.partitions()._cache[("default", "")].body
    assert (np.diff(body.seq) != 1).any()
    assert np.count_nonzero(np.diff(body.sessions.codes)) == NUM_RECORDS // 12 - 1
    within = np.flatnonzero(np.diff(body.sessions.codes) == 0)
    assert (np.diff(body.seq)[within] == 1).all()


def test_a_small_memory_keeps_its_order(embedder: HashEmbedder, clock: Any) -> None:
    """Consolidation tags a memory that is scored whole, and leaves its records where they are read fastest."""
    with SwiftMem(None, embedder=embedder, now=clock) as memory:
        memory.add_messages(messages()[:200])
        (report,) = memory.consolidate()
        assert report.newly_tagged == 200
        memory.search("violin")
        body = memory._resources.partitions()._cache[("default", "")].body
        assert (np.diff(body.seq) == 1).all()


def test_tags_open_a_route(large: SwiftMem) -> None:
    """After consolidation a query that speaks of a narrow tag is searched through it."""
    large.consolidate()
    plans = [
        large.search(query, explain=True, routes=("tags", "ann")).plan
        for query in ("item17", "rehearsal item17", "trowel compost")
    ]
    assert all(plan is not None and "tags" in plan.counts for plan in plans)
    body = large._resources.partitions()._cache[("default", "")].body
    graph = large._resources.partitions()._graphs[body]
    assert nx.is_directed_acyclic_graph(graph.graph)
    assert all(graph.specificity(parent) < graph.specificity(child) for parent, child in graph.graph.edges)


def test_changes_after_the_indexes_are_seen(large: SwiftMem) -> None:
    """Records that come, change and go after the indexes were built are found, found anew, and not found."""
    large.search("violin")
    large.add("a zeppelin over the harbour", id="new", metadata={"n": 5000})
    large.update("r17", "quokka spotted at the harbour")
    large.delete("r88")
    assert ids(large.search("zeppelin", limit=1)) == ["new"]
    assert ids(large.search("quokka", limit=1)) == ["r17"]
    found = ids(large.search("goalkeeper medal item88", limit=10_000))
    assert "r88" not in found and len(found) == len(set(found)) == NUM_RECORDS
    assert ids(large.search("x", filters={"n": {"$gte": 5000}})) == ["new"]


def test_snapshot_is_used_and_brought_up_to_date(
    large: SwiftMem, path: Path, embedder: HashEmbedder, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second opening reads the indexes from disk and still sees what was written since."""
    large.consolidate()
    expected = [ids(large.search(query)) for query in QUERIES]
    large.close()
    with SwiftMem(path, embedder=embedder, now=clock) as writer:
        writer.add("a zeppelin over the harbour", id="new")
        writer.delete("r88")
    from agentcore.memory._partition import Partition

    built: list[int] = []
    original = Partition.build.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Partition,
        "build",
        classmethod(lambda cls, rows, **kw: built.append(len(rows)) or original(cls, rows, **kw)),
    )
    with SwiftMem(path, embedder=embedder, now=clock) as memory:
        assert ids(memory.search("zeppelin", limit=1)) == ["new"]
        assert max(built) == 1  # only the new record was read, not the 900
        assert "r88" not in ids(memory.search("item88", limit=10_000))
        same = [ids(memory.search(query)) == hits for query, hits in zip(QUERIES, expected, strict=True)]
        assert sum(same) >= len(QUERIES) - 1  # r88 was among one query's hits


@pytest.mark.parametrize("damage", ["truncate", "flip", "garbage", "empty", "stale"])
def test_damaged_snapshot_is_rebuilt(
    large: SwiftMem, path: Path, embedder: HashEmbedder, clock: Any, damage: str
) -> None:
    """Whatever happened to an index file, results are those of the records."""
    expected = [ids(large.search(query)) for query in QUERIES]
    large.close()
    (file,) = path.with_name("large.db-index").glob("*.npz")
    data = bytearray(file.read_bytes())
    if damage == "truncate":
        data = data[: len(data) // 2]
    elif damage == "flip":
        for place in range(1000, len(data), len(data) // 50):
            data[place] ^= 0xFF
    elif damage == "garbage":
        data = bytearray(b"not an archive")
    elif damage == "empty":
        data = bytearray()
    else:  # of another file
        other = path.with_name("other.db")
        with SwiftMem(other, embedder=embedder, now=clock) as memory:
            memory.add_messages(
                [{**message, "content": "other " + message["content"]} for message in messages()]
            )
            memory.search("x")
        (foreign,) = other.with_name("other.db-index").glob("*.npz")
        data = bytearray(foreign.read_bytes())
    file.write_bytes(bytes(data))
    with SwiftMem(path, embedder=embedder, now=clock) as memory:
        assert [ids(memory.search(query)) for query in QUERIES] == expected


def test_erased_text_is_in_no_file(large: SwiftMem, path: Path) -> None:
    """After delete_all neither the file, nor its log, nor an index holds the text."""
    large.add("another user stays", user_id="other")
    large.add(
        "the codeword is xylophonist",
        user_id="default",
        metadata={"where": "vault-seventeen"},
        tags=["hidden tag"],
    )
    large.consolidate()
    large.update("r5", "the codeword was bassoonist")
    assert large.delete_all(user_id="default") == NUM_RECORDS + 1
    everything = b"".join(file.read_bytes() for file in path.parent.rglob("*") if file.is_file())
    assert b"another user stays" in everything
    for word in (b"xylophonist", b"bassoonist", b"vault-seventeen", b"hidden_tag", b"garden note"):
        assert word not in everything
    assert large.search("codeword") == []


def test_background_consolidation(path: Path, embedder: HashEmbedder, clock: Any) -> None:
    """With a tagger given, a large memory gets its tags and layout by itself, without an add waiting for it."""
    with SwiftMem(path, embedder=embedder, now=clock, tagger=KeyphraseTagger()) as memory:
        memory.add_messages(messages())
        before = [ids(memory.search(query, routes=())) for query in QUERIES]
        memory.flush()
        plan = memory.search("violin", explain=True).plan
        assert plan is not None and "tags" in plan.counts
        assert [ids(memory.search(query, routes=())) for query in QUERIES] == before


def test_exhaustive_and_planned_scores_are_the_same(large: SwiftMem) -> None:
    """A record has the same signals whether everything was scored or candidates only, so planning loses records but never misjudges them."""
    for query in QUERIES:
        planned = {hit.id: hit.signals for hit in large.search(query)}
        everything = {hit.id: hit.signals for hit in large.search(query, routes=(), limit=20)}
        shared = planned.keys() & everything.keys()
        assert shared
        for name in shared:
            assert planned[name] == pytest.approx(everything[name], abs=1e-3)


def test_a_named_speaker_is_a_tag(large: SwiftMem) -> None:
    """A question about one of many people goes to that person's records, and to the best of the others beside them."""
    large.add_messages(
        [
            {
                "content": f"Zoe keeps the {word}",
                "metadata": {"speaker": "Zoe", "session": f"z{place}"},
                "id": f"z{place}",
            }
            for place, word in enumerate(WORDS)
        ]
    )
    large.consolidate()
    hits = large.search("What does Zoe say of the violin?", explain=True)
    assert hits.plan is not None and hits.plan.route == "tags" and "@Zoe" in hits.plan.notes[-1]
    assert hits[0].id == f"z{WORDS.index('violin')}"
    without = large.search("What does Zoe say of the violin?", routes=("ann",), explain=True)
    assert without.plan is not None and without.plan.route == "ann"


def test_records_read_in_slices_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user read from the file in slices answers as one read at once, to the last bit of the score."""
    texts = [f"note {n} about {('tea', 'rain', 'chess')[n % 3]} and {n % 17}" for n in range(100)]
    found = []
    for size in (1_000, 25, 7):
        monkeypatch.setattr("agentcore.memory._partitions._SLICE", size)
        with SwiftMem(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
            if not found:
                memory.add_messages(
                    [
                        {"content": text, "timestamp": datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number),
                         "metadata": {"session": f"s{number // 9}", "speaker": ("Ann", "Bo")[number % 2]}}
                        for number, text in enumerate(texts)
                    ],
                    user_id="u",
                )  # fmt: skip
        with SwiftMem(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
            found.append(
                [(hit.text, hit.score) for hit in memory.search("what did Ann say of chess", user_id="u")]
            )
    assert len(found[0]) == 10
    assert found[0] == found[1] == found[2]
