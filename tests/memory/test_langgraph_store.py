"""SwiftMemStore beside LangGraph's own InMemoryStore: what holds for the one holds for the other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from agentcore.memory import EmbedderMismatchError
from agentcore.memory.embedding import HashEmbedder
from agentcore.memory.langgraph_store import SwiftMemStore

DIMS = 64


class Letters(Embeddings):
    """Character frequencies, projected by a seed: similar strings, similar vectors, of any length but one."""

    def __init__(self) -> None:
        self._projection = np.random.default_rng(7).standard_normal((256, DIMS))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        counts = np.bincount(np.frombuffer(text.encode(), np.uint8), minlength=256)
        return (3 * counts @ self._projection).tolist()


Make = Callable[..., BaseStore]


@pytest.fixture(params=["reference", "ours-in-memory", "ours-file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return a maker of stores; `index=None` gives ours its own ranking and the reference none."""
    opened: list[SwiftMemStore] = []

    def build(*, index: Any = None) -> BaseStore:
        if request.param == "reference":
            return InMemoryStore(index=index)
        path = None if request.param == "ours-in-memory" else tmp_path / f"store-{len(opened)}.db"
        store = SwiftMemStore(path, index=index, embedder=None if index else HashEmbedder(128))
        opened.append(store)
        return store

    yield build
    for store in opened:
        store.close()


def index(*fields: str) -> dict[str, Any]:
    return {"dims": DIMS, "embed": Letters(), **({"fields": list(fields)} if fields else {})}


# -- items ----------------------------------------------------------------------------------------------------------------


def test_put_get_update_delete(make: Make) -> None:
    """A value comes back as it was put; a second put replaces it and keeps its creation time; a delete removes it."""
    store, space = make(), ("users", "ann")
    value = {"text": "hello", "nested": {"list": [1, 2.5, None, True, "x"]}, "中": "文"}
    store.put(space, "k", value)
    first = store.get(space, "k")
    assert first is not None
    assert (first.value, first.key, first.namespace) == (value, "k", space)
    time.sleep(0.002)
    store.put(space, "k", {"text": "other"})
    second = store.get(space, "k")
    assert second is not None
    assert second.value == {"text": "other"}
    assert second.updated_at > first.updated_at
    assert second.updated_at.tzinfo is not None
    if isinstance(store, SwiftMemStore):
        assert second.created_at == first.created_at
    assert store.get(("users", "other"), "k") is None
    store.delete(space, "k")
    store.delete(space, "never there")
    assert store.get(space, "k") is None
    assert store.search(space) == []


def test_namespaces_are_validated(make: Make) -> None:
    """Empty namespaces, dots, empty labels and the reserved root are refused by put, and dots by a raw batch too."""
    store = make()
    for bad in ((), ("a", "b.c"), ("a", ""), ("langgraph", "x")):
        with pytest.raises(InvalidNamespaceError):
            store.put(bad, "k", {})
    store.batch([PutOp(("langgraph", "x"), "k", {"a": 1})])
    item = store.get(("langgraph", "x"), "k")
    assert item is not None
    if isinstance(store, SwiftMemStore):
        with pytest.raises(InvalidNamespaceError):
            store.batch([PutOp(("a.b",), "k", {"a": 1})])


def test_batch_keeps_the_order_of_operations(make: Make) -> None:
    """Results stand in the order of the operations; reads see the state before the batch; the last put of a key wins."""
    store = make()
    store.put(("t", "foo"), "k1", {"data": "v1"})
    store.put(("t", "bar"), "k2", {"data": "v2"})
    results = store.batch(
        [
            GetOp(("t", "foo"), "k1"),
            PutOp(("t", "bar"), "k2", {"data": "new"}),
            SearchOp(("t",), filter={"data": "v1"}),
            PutOp(("t", "bar"), "k2", {"data": "newest"}),
            ListNamespacesOp(limit=10),
            GetOp(("t",), "absent"),
            GetOp(("t", "bar"), "k2"),
        ]
    )
    assert results[0].value == {"data": "v1"}  # type: ignore[union-attr]
    assert results[1] is results[3] is results[5] is None
    assert [item.key for item in results[2]] == ["k1"]  # type: ignore[union-attr]
    assert set(results[4]) == {("t", "foo"), ("t", "bar")}  # type: ignore[arg-type]
    assert results[6].value == {"data": "v2"}  # type: ignore[union-attr]
    assert store.get(("t", "bar"), "k2").value == {"data": "newest"}  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"[Uu]nknown operation"):
        store.batch(["nonsense"])  # type: ignore[list-item]


def test_search_stops_at_label_boundaries_and_pages(make: Make) -> None:
    """A prefix takes whole labels only; limit and offset page through without repeats."""
    store = make()
    for number in range(5):
        store.put(("users", "1"), f"k{number}", {"n": number})
    store.put(("users", "12"), "other", {"n": 9})
    assert len(store.search(("users", "1"), limit=10)) == 5
    assert len(store.search((), limit=10)) == 6
    pages = [store.search(("users", "1"), limit=2, offset=offset) for offset in (0, 2, 4)]
    keys = [item.key for page in pages for item in page]
    assert sorted(keys) == [f"k{number}" for number in range(5)]
    assert store.search(("users", "1"), limit=0) == []


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ({"color": "red"}, "ab"),
        ({"color": {"$ne": "red"}}, "cd"),
        ({"score": {"$gt": 3.5}}, "ac"),
        ({"score": {"$gte": 3.5}}, "acd"),
        ({"score": {"$lt": 3.5}}, "b"),
        ({"score": {"$lte": 3.5, "$gt": 3}}, "d"),
        ({"score": {"$eq": 4}}, "c"),
        ({"tags": ["x", "y"]}, "a"),
        ({"tags": ["y"]}, ""),
        ({"inner": {"deep": 1}}, "a"),
        ({"on": True}, "a"),
        ({"color": "red", "score": {"$lt": 4}}, "b"),
        ({"color": "red' OR '1'='1"}, ""),
        ({"absent": None}, "abcd"),
    ],
)
def test_filters(make: Make, condition: dict[str, Any], keys: str) -> None:
    """Filters compare fields exactly or by operator, nested values by their parts."""
    store = make()
    store.put(
        ("t",),
        "a",
        {"color": "red", "score": 4.5, "tags": ["x", "y"], "inner": {"deep": 1, "b": 2}, "on": True},
    )
    store.put(("t",), "b", {"color": "red", "score": 3, "on": False})
    store.put(("t",), "c", {"color": "green", "score": 4.0})
    store.put(("t",), "d", {"color": "blue", "score": 3.5})
    assert "".join(sorted(item.key for item in store.search(("t",), filter=condition))) == keys


def test_filter_by_path_and_unknown_operator() -> None:
    """A dotted key reaches into a value, fields that cannot be compared do not match, unknown operators are refused."""
    with SwiftMemStore(None, embedder=HashEmbedder()) as store:
        store.put(("t",), "a", {"user": {"access-level": "nested"}, "mixed": "text"})
        assert len(store.search(("t",), filter={"user.access-level": "nested"})) == 1
        assert store.search(("t",), filter={"user.other": "nested"}) == []
        assert store.search(("t",), filter={"mixed": {"$gt": 3}}) == []
        with pytest.raises(ValueError, match=r"\$near"):
            store.search(("t",), filter={"a": {"$near": 3}})
        with pytest.raises(ValueError, match="negative"):
            store.search(("t",), limit=-1)


def test_list_namespaces(make: Make) -> None:
    """Prefix, suffix, wildcards, depth, limit and offset choose namespaces, sorted; an emptied one is gone."""
    store = make()
    spaces = [
        ("a", "b", "c"),
        ("a", "b", "d", "e"),
        ("a", "b", "d", "i"),
        ("a", "b", "f"),
        ("a", "c", "f"),
        ("b", "a", "f"),
    ]
    for space in spaces:
        store.put(space, "k", {"x": 1})
    assert store.list_namespaces() == sorted(spaces)
    assert store.list_namespaces(prefix=("a", "b")) == spaces[:4]
    assert store.list_namespaces(suffix=("f",)) == [spaces[3], spaces[4], spaces[5]]
    assert store.list_namespaces(prefix=("a",), suffix=("f",)) == [spaces[3], spaces[4]]
    assert store.list_namespaces(prefix=("a", "*", "f")) == [spaces[3], spaces[4]]
    assert store.list_namespaces(suffix=("*", "f")) == [spaces[3], spaces[4], spaces[5]]
    assert store.list_namespaces(prefix=("a", "b"), max_depth=3) == [
        ("a", "b", "c"),
        ("a", "b", "d"),
        ("a", "b", "f"),
    ]
    assert store.list_namespaces(prefix=("a", "b"), limit=2, offset=1) == spaces[1:3]
    assert store.list_namespaces(prefix=("none",)) == []
    if isinstance(store, SwiftMemStore):
        store.delete(("b", "a", "f"), "k")
        assert ("b", "a", "f") not in store.list_namespaces()
        with pytest.raises(ValueError, match="match_type"):
            store.batch([ListNamespacesOp((MatchCondition("middle", ("a",)),))])  # type: ignore[arg-type]


# -- vector search with an index of the caller's ----------------------------------------------------------------------------


def test_scores_are_cosines(make: Make) -> None:
    """With an explicit index every score is the cosine between query and text, whatever the vectors' lengths."""
    store, letters = make(index=index("text")), Letters()
    for key, text in {"a": "zany zebra", "b": "something about dogs", "c": "text about birds"}.items():
        store.put(("t",), key, {"text": text})
    found = store.search(("t",), query="zany zebras")
    assert found[0].key == "a"
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    for item in found:
        one, two = (
            np.array(letters.embed_query("zany zebras")),
            np.array(letters.embed_query(item.value["text"])),
        )
        assert item.score == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-5)


def test_update_changes_the_vectors(make: Make) -> None:
    """After an update the old text is no longer found; an item put with index=False has no score."""
    store = make(index=index("text"))
    store.put(("t",), "a", {"text": "zany zebra"})
    before = store.search(("t",), query="zany zebra")[0].score
    store.put(("t",), "a", {"text": "new words about dogs"})
    after = store.search(("t",), query="zany zebra")[0].score
    assert before is not None
    assert after is not None
    assert after < before
    store.put(("t",), "b", {"text": "zany zebra"}, index=False)
    found = store.search(("t",), query="zany zebra")
    assert [(item.key, item.score is None) for item in found] == [("a", False), ("b", True)]
    assert [item.key for item in store.search(("t",), query="zany zebra", limit=1)] == ["a"]


def test_fields_and_paths(make: Make) -> None:
    """Only the fields asked for are searched, each with a vector of its own, and the best one counts."""
    store = make(index=index("key0", "key1", "key3"))
    store.put(("t",), "one", {"key1": "xxx", "key2": "yyy", "key3": "zzz"})
    store.put(("t",), "two", {"key0": "uuu", "key1": "vvv", "key2": "www", "key3": "xxx"})
    scores = {item.key: item.score for item in store.search(("t",), query="xxx")}
    assert scores == {"one": pytest.approx(1), "two": pytest.approx(1)}
    assert store.search(("t",), query="uuu")[0].key == "two"
    assert store.search(("t",), query="zzz")[0].key == "one"
    assert all(item.score is not None and item.score < 0.95 for item in store.search(("t",), query="www"))
    store.put(("t",), "three", {"list": [{"x": "qqq"}, {"x": "ppp"}], "key1": "mmm"}, index=["list[*].x"])
    assert store.search(("t",), query="ppp")[0].key == "three"
    assert store.search(("t",), query="qqq")[0].score == pytest.approx(1)
    assert next(item.score for item in store.search(("t",), query="mmm") if item.key == "three") < 0.95  # type: ignore[operator]


def test_vector_search_with_filter_and_pages(make: Make) -> None:
    """A filter never costs results: the limit counts what is left after it."""
    store = make(index=index("text"))
    for number in range(200):
        store.put(
            ("t", str(number % 3)),
            f"k{number}",
            {"text": f"note {number} {'ab' * (number % 7)}", "even": number % 2 == 0},
        )
    found = store.search(("t",), query="note 7", filter={"even": True}, limit=90)
    assert len(found) == 90
    assert all(item.value["even"] for item in found)
    whole = [item.key for item in store.search(("t",), query="note", limit=200)]
    paged = [
        item.key
        for start in range(0, 200, 50)
        for item in store.search(("t",), query="note", limit=50, offset=start)
    ]
    assert len(set(whole)) == 200
    assert sorted(paged) == sorted(whole)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("query", ["", " \n", None, "test " * 200, "test!@#$%^&*()", "这是中文"])
def test_odd_queries(make: Make, query: str | None, indexed: bool) -> None:
    """No query, a blank one, a long one and one of symbols all return what there is."""
    store = make(index=index("text") if indexed else None)
    store.put(("t",), "k", {"text": "test document"})
    assert len(store.search(("t",), query=query)) == 1


def test_wrong_length_of_vectors() -> None:
    """An embedding function that does not keep to `dims` is named, and nothing is written."""
    with SwiftMemStore(None, index={"dims": DIMS + 1, "embed": Letters()}) as store:
        with pytest.raises(ValueError, match="dims"):
            store.put(("t",), "k", {"text": "x"})
        assert store.get(("t",), "k") is None
    with pytest.raises(ValueError, match="dims"):
        SwiftMemStore(None, index={"embed": Letters()})  # type: ignore[typeddict-item]


# -- without an index: SwiftMem's ranking -------------------------------------------------------------------------------------


def test_own_ranking_over_every_text_field() -> None:
    """Without an index all strings of a value are searched, scores lie in [0, 1], and namespaces below a prefix are merged."""
    with SwiftMemStore(None, embedder=HashEmbedder(256)) as store:
        store.put(("m", "ann"), "fox", {"title": "Animals", "body": {"lines": ["a red fox", "in the yard"]}})
        store.put(("m", "ann"), "tea", {"text": "green tea with milk"})
        store.put(("m", "ann"), "train", {"text": "old trains rust"})
        store.put(("m", "bob"), "fox", {"text": "the fox ran"})
        store.put(("m", "bob"), "number", {"n": 3})
        found = store.search(("m", "ann"), query="red fox")
        assert found[0].key == "fox"
        assert all(item.score is not None and 0 <= item.score <= 1 for item in found)
        everything = store.search(("m",), query="fox", limit=20)
        assert {(item.namespace[1], item.key) for item in everything[:2]} == {("ann", "fox"), ("bob", "fox")}
        assert everything[-1].key == "number"
        assert everything[-1].score is None
        assert len(everything) == 5
        filtered = store.search(("m",), query="fox", filter={"text": "green tea with milk"})
        assert [item.key for item in filtered] == ["tea"]


def test_replaced_and_deleted_texts_are_gone_from_the_ranking() -> None:
    """A replaced or deleted item is found neither by its old text nor in the records underneath."""
    with SwiftMemStore(None, embedder=HashEmbedder(256)) as store:
        for number in range(30):
            store.put(("m",), f"k{number}", {"text": f"filler about topic {number}"})
        store.put(("m",), "secret", {"text": "the launch code is walrus"})
        store.put(("m",), "secret", {"text": "nothing to see"})
        store.put(("m",), "gone", {"text": "walrus again"})
        store.delete(("m",), "gone")
        found = store.search(("m",), query="walrus launch code", limit=100)
        assert len(found) == 31
        assert not [item for item in found if "walrus" in str(item.value)]
        assert store._swiftmem is not None
        assert store._swiftmem._memory.stats()["records"] == 31


# -- time to live -------------------------------------------------------------------------------------------------------------


def minutes(seconds: float) -> float:
    return seconds / 60


@pytest.mark.parametrize("indexed", [False, True])
def test_expired_items_are_never_returned(indexed: bool) -> None:
    """After its time an item is in no result, swept or not; sweeping counts it; items without a limit stay."""
    options: dict[str, Any] = {"index": index("text")} if indexed else {"embedder": HashEmbedder()}
    with SwiftMemStore(None, ttl={"default_ttl": minutes(0.15)}, **options) as store:
        store.put(("t", "x"), "short", {"text": "apple"})
        store.put(("t", "y"), "kept", {"text": "apple"}, ttl=None)
        store.put(("t", "y"), "long", {"text": "apple"}, ttl=10)
        assert store.get(("t", "x"), "short") is not None
        time.sleep(0.3)
        assert store.get(("t", "x"), "short") is None
        assert {item.key for item in store.search(("t",))} == {"kept", "long"}
        assert {item.key for item in store.search(("t",), query="apple", limit=2)} == {"kept", "long"}
        assert store.list_namespaces() == [("t", "y")]
        assert store.sweep_ttl() == 1
        assert store.sweep_ttl() == 0
        store.put(("t", "x"), "short", {"text": "pear"})
        assert store.get(("t", "x"), "short") is not None


def test_reads_refresh_the_time_to_live() -> None:
    """Get and search start an item's time again unless told not to."""
    with SwiftMemStore(
        None, embedder=HashEmbedder(), ttl={"default_ttl": minutes(0.5), "refresh_on_read": True}
    ) as store:
        for key in ("got", "searched", "left"):
            store.put((key,), "k", {"text": "x"})
        time.sleep(0.3)
        store.get(("got",), "k")
        store.search(("searched",))
        store.get(("left",), "k", refresh_ttl=False)
        time.sleep(0.3)
        assert [bool(store.get((key,), "k")) for key in ("got", "searched", "left")] == [True, True, False]


# -- files, threads, async ------------------------------------------------------------------------------------------------------


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    """Items, vectors and rankings are there after reopening; another length of vectors is refused with both named."""
    path = tmp_path / "store.db"
    with SwiftMemStore(path, index=index("text")) as store:
        store.put(("t",), "k", {"text": "zany zebra"})
    with SwiftMemStore(path, index=index("text")) as store:
        assert store.search(("t",), query="zany zebra")[0].score == pytest.approx(1)
    with pytest.raises(EmbedderMismatchError, match=r"64.*32"):
        SwiftMemStore(path, index={"dims": 32, "embed": Letters()})


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    """What one process puts or deletes is in, or out of, the very next search of the other."""
    path = tmp_path / "store.db"
    for options in ({"index": index("text")}, {"embedder": HashEmbedder(128)}):
        with SwiftMemStore(path, **options) as one, SwiftMemStore(path, **options) as two:  # type: ignore[arg-type]
            one.put(("t",), "k", {"text": "zany zebra"})
            assert [item.key for item in two.search(("t",), query="zany zebra")] == ["k"]
            two.put(("t",), "j", {"text": "zebra crossing"})
            assert {item.key for item in one.search(("t",), query="zebra")} == {"j", "k"}
            one.delete(("t",), "k")
            one.delete(("t",), "j")
            assert two.search(("t",), query="zebra") == []


def test_death_between_record_and_item_leaves_no_ghost(tmp_path: Path) -> None:
    """A process killed in the middle of a put leaves either the whole item or nothing that a search returns."""
    path = tmp_path / "store.db"
    script = (
        "import os, sys; from agentcore.memory.langgraph_store import SwiftMemStore;"
        "from agentcore.memory.embedding import HashEmbedder;"
        "s = SwiftMemStore(sys.argv[1], embedder=HashEmbedder());"
        "s.put(('t',), 'whole', {'text': 'apple'});"
        "s._items.apply = lambda new: os._exit(9);"
        "s.put(('t',), 'half', {'text': 'apple'})"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False, timeout=60)
    assert done.returncode == 9
    with SwiftMemStore(path, embedder=HashEmbedder()) as store:
        assert [item.key for item in store.search(("t",), query="apple")] == ["whole"]
        assert store._swiftmem is not None
        assert store._swiftmem._memory.stats()["records"] == 2
        from datetime import timedelta

        orphans = store._items.orphans("langgraph-store", older_than=timedelta(0))
        assert len(orphans) == 1
        store._swiftmem.forget(orphans)
        assert store._swiftmem._memory.stats()["records"] == 1


def test_many_threads(tmp_path: Path) -> None:
    """Puts and searches from eight threads lose nothing."""
    with SwiftMemStore(tmp_path / "store.db", index=index("text")) as store:
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for step in range(10):
                    store.put(("t", str(number)), f"k{step}", {"text": f"thread {number} step {step}"})
                    store.search(("t",), query="thread", limit=3)
            except BaseException as exc:
                errors.append(exc)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(store.search(("t",), limit=1000)) == 80


async def test_async_twins_and_async_embedding(make: Make) -> None:
    """Every operation has its asynchronous twin, concurrent calls do not disturb each other, async embedders are awaited."""
    letters = Letters()

    async def embed(texts: list[str]) -> list[list[float]]:
        await asyncio.sleep(0)
        return letters.embed_documents(list(texts))

    store = make(index={"dims": DIMS, "embed": embed, "fields": ["text"]})
    await asyncio.gather(*(store.aput(("t", str(n)), "k", {"text": f"note {n}", "n": n}) for n in range(12)))
    assert (await store.aget(("t", "3"), "k")).value["n"] == 3  # type: ignore[union-attr]
    found = await store.asearch(("t",), query="note 3", limit=12)
    assert len(found) == 12
    assert all(item.score is not None for item in found)
    assert await store.alist_namespaces(prefix=("t", "3")) == [("t", "3")]
    await store.adelete(("t", "3"), "k")
    assert await store.aget(("t", "3"), "k") is None


def test_reached_through_the_package_lazily() -> None:
    """`agentcore.memory` offers SwiftMemStore without loading LangGraph until it is asked for."""
    script = (
        "import sys, agentcore.memory as m; assert 'langgraph' not in sys.modules and 'torch' not in sys.modules;"
        "m.SwiftMemStore; assert 'langgraph' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
