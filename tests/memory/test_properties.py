"""What holds for any input: indexes equal brute force, tags stay acyclic, exports round-trip."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcore.memory import SwiftMem
from agentcore.memory._filters import MISSING, parse_filters
from agentcore.memory._labels import Labels
from agentcore.memory._terms import TERM, pack_terms, stems, term_hash
from agentcore.memory.embedding import HashEmbedder
from agentcore.memory.index import TemporalIndex, VectorCodes, VectorIndex, Vectors
from agentcore.memory.ranking import FULL, LexicalIndex, QueryTokens, Structure, TokenIndex, sign_words
from agentcore.memory.ranking._dates import date_fit
from agentcore.memory.ranking._lexical import _best_by_gains
from agentcore.memory.tags import TagGraph
from agentcore.memory.temporal import Span, merge_intervals

QUICK = settings(max_examples=60, deadline=None)
SLOWER = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EMBEDDER = HashEmbedder(32)
intervals = st.lists(st.tuples(st.integers(-(10**13), 10**13), st.integers(-(10**13), 10**13)), max_size=6)
some_words = st.lists(
    st.sampled_from(["red", "green", "blue", "tea", "cup", "dog", "cat", "Ann", "Bob", "7", "2023", "river"]),
    min_size=1,
    max_size=8,
)
texts = st.lists(some_words.map(" ".join), min_size=1, max_size=12)


@QUICK
@given(intervals)
def test_merging_intervals_is_idempotent_and_keeps_every_point(
    given_intervals: list[tuple[int, int]],
) -> None:
    """Merged intervals are sorted, apart, the same when merged again, and cover the same points."""
    merged = merge_intervals(given_intervals)
    assert merge_intervals(merged) == merged
    assert all(a[1] + 1 < b[0] for a, b in pairwise(merged))
    points = [p for pair in given_intervals for p in (pair[0] - 1, *pair, pair[1] + 1)]
    for point in points:
        assert any(a <= point <= b for a, b in merged) == any(a <= point <= b for a, b in given_intervals)


@QUICK
@given(st.lists(st.integers(-(10**13), 10**13), max_size=40), intervals)
def test_temporal_index_equals_a_filter(times: list[int], wanted: list[tuple[int, int]]) -> None:
    """The temporal index returns exactly the records inside the intervals, by time, and of equals the first."""
    rows = TemporalIndex(np.array(times, dtype=np.int64)).between(wanted)
    inside = [i for i, t in enumerate(times) if any(a <= t <= b for a, b in wanted)]
    assert rows.tolist() == sorted(inside, key=lambda i: times[i])


@QUICK
@given(
    st.lists(st.tuples(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(["day", "month", "year"])), max_size=3),
    st.lists(st.integers(-800, 800), max_size=20),
)  # fmt: skip
def test_the_fit_of_a_date_is_told_by_days_and_months(named: list[tuple[date, str]], away: list[int]) -> None:
    """A record on the day fits best, less so in the week, the fortnight and the month after it and in the week before; a month fits by calendar months."""
    dates = [datetime(each.year, each.month, each.day) for each, _ in named]
    spans = [
        {"day": Span.day(day), "month": Span.month(day.year, day.month), "year": Span.year(day.year)}[kind]
        for day, (_, kind) in zip(dates, named, strict=True)
    ]
    times = [(dates[0] if dates else datetime(2000, 1, 1)) + timedelta(days=days, hours=23) for days in away]
    expected = []
    for time in times:
        fits = [0.0]
        for day, (_, kind) in zip(dates, named, strict=True):
            days, months = (time - day).days, 12 * (time.year - day.year) + time.month - day.month
            if kind == "day":
                tiers = ((0, 0, 1.0), (1, 7, 0.8), (8, 14, 0.5), (-7, -1, 0.4), (15, 31, 0.2))
                fits += [fit for low, high, fit in tiers if low <= days <= high]
            elif kind == "month":
                fits.append({0: 1.0, 1: 0.6, -1: 0.25}.get(months, 0.0))
            else:
                fits.append(0.3 * (time.year == day.year))
        expected.append(max(fits))
    found = date_fit(spans, np.array(times, dtype="datetime64[us]").astype(np.int64))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@QUICK
@given(
    st.integers(0, 99), st.integers(0, 40), st.sampled_from([1, 5, 384]), st.sampled_from([1e-3, 1.0, 40.0])
)
def test_vectors_keep_their_inner_products(seed: int, count: int, dimension: int, length: float) -> None:
    """Whatever the length of the vectors, a product is off by a hundred-thousandth of the lengths' product at most some times over, and zero stays zero."""
    rng = np.random.default_rng(seed)
    floats = (length * rng.standard_normal((count, dimension))).astype(np.float32)
    floats[rng.random(count) < 0.1] = 0
    query = rng.standard_normal(dimension).astype(np.float32)
    vectors = Vectors.of(floats)
    assert vectors.shape == floats.shape
    lengths = np.linalg.norm(floats, axis=1)
    np.testing.assert_allclose(vectors[:], floats, atol=max(lengths.max(initial=0), 1e-9) / 32_767)
    found, expected = vectors.products(query), floats @ query
    assert (np.abs(found - expected) <= 1e-4 * lengths * np.linalg.norm(query)).all()
    rows = np.flatnonzero(rng.random(count) < 0.5)
    np.testing.assert_array_equal(vectors.products_at(rows, query), found[rows])
    again = Vectors.joined((vectors.take(rows), vectors))
    np.testing.assert_array_equal(again.products(query), np.concatenate((found[rows], found)))


def test_products_of_the_longest_codes_do_not_overflow() -> None:
    """A vector in one direction, and one spread over all dimensions, have the product with themselves that they should."""
    for dimension in (1, 2, 384, 4096):
        for floats in (np.eye(1, dimension, dtype=np.float32), np.ones((1, dimension), dtype=np.float32)):
            for sign in (1, -1):
                found = Vectors.of(floats).products(sign * floats[0])
                np.testing.assert_allclose(found, sign * (floats @ floats[0]), rtol=1e-3)


@QUICK
@given(st.integers(0, 99), st.integers(1, 40), st.integers(1, 12), st.integers(0, 50))
def test_byte_codes_find_what_the_vectors_find(seed: int, count: int, dimension: int, wanted: int) -> None:
    """Inner products of codes are off by no more than half a step a dimension, and the nearest are those of a full sort by them."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, dimension)).astype(np.float32)
    query = rng.standard_normal(dimension).astype(np.float32)
    codes = VectorCodes(vectors)
    rows = np.flatnonzero(rng.random(count) < 0.7)
    found = codes.inner_products(rows, query)
    step = np.abs(vectors).max() / 127
    assert (np.abs(found - vectors[rows] @ query) <= np.abs(query).sum() * step / 2 + 1e-4).all()
    best = codes.nearest(rows, query, wanted)
    assert set(best.tolist()) <= set(rows.tolist())
    np.testing.assert_allclose(
        np.sort(codes.inner_products(best, query)), np.sort(found)[max(len(found) - wanted, 0) :], rtol=1e-6
    )


@QUICK
@given(
    st.integers(0, 99),
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=5),
    st.integers(1, 700),
)
def test_best_by_words_are_those_of_all_totals(
    seed: int, stems_given: list[tuple[int, bool]], count: int
) -> None:
    """However many postings there are, and wherever they lie, the records kept are the best by the sum of their gains."""
    rng = np.random.default_rng(seed)
    num_records = 20_000
    lists = [
        (
            np.flatnonzero(rng.random(num_records) < 0.05 * share).astype(np.int32),
            is_apart,
            rng.integers(1, 5, num_records).astype(np.float32),
        )
        for share, is_apart in sorted(stems_given, key=lambda given: given[1])
    ]
    idf = rng.integers(1, 4, len(lists)).astype(np.float32)
    totals = np.zeros(num_records, dtype=np.float32)
    for (records, _, weights), worth in zip(lists, idf, strict=True):
        totals[records] += worth * weights[: len(records)]
    whole = [(records, weights[: len(records)]) for records, is_apart, weights in lists if not is_apart]
    apart = [(records, weights[: len(records)]) for records, is_apart, weights in lists if is_apart]
    ends = np.cumsum([0, *(len(records) for records, _ in whole)])
    none = (np.zeros(0, np.int32), np.zeros(0, np.float32))
    best = _best_by_gains(
        *(np.concatenate(column) for column in zip(none, *whole, strict=True)),
        np.stack((ends[:-1], ends[1:]), axis=1).astype(np.int64),
        *(np.concatenate(column) for column in zip(none, *apart, strict=True)),
        np.cumsum([len(records) for records, _ in apart]).astype(np.int64), idf, num_records, count,
    )  # fmt: skip
    assert len(set(best.tolist())) == len(best)
    expected = np.sort(totals[totals > 0])
    np.testing.assert_array_equal(np.sort(totals[best]), expected[max(len(expected) - count, 0) :])


@QUICK
@given(texts, some_words)
def test_postings_equal_bm25_by_the_book(documents: list[str], query: list[str]) -> None:
    """BM25 from postings is BM25 written out, and the partial forms agree with the whole."""
    packed = [np.frombuffer(pack_terms(text), dtype=TERM) for text in documents]
    starts = np.cumsum([0, *(len(p) for p in packed)])
    joined = np.concatenate(packed)
    index = LexicalIndex(joined["hash"], joined["count"], starts)
    terms = list(dict.fromkeys(stems(" ".join(query))))
    bags = [stems(text) for text in documents]
    average = sum(map(len, bags)) / len(bags) or 1.0
    expected = np.zeros(len(documents))
    for term in terms:
        df = sum(term in bag for bag in bags)
        if df:
            idf = np.log1p((len(bags) - df + 0.5) / (df + 0.5))
            for row, bag in enumerate(bags):
                tf = bag.count(term)
                expected[row] += idf * tf * 2.2 / (tf + 1.2 * (0.5 + 0.5 * len(bag) / average))
    hashes = [term_hash(term) for term in terms]
    scores, coverage = index.scores(hashes)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    assert ((coverage >= 0) & (coverage <= 1 + 1e-5)).all()
    rows = np.arange(0, len(documents), 2)
    at, covered = index.scores_at(hashes, rows, idf=index.idf(hashes))
    np.testing.assert_allclose(at, scores[rows], rtol=1e-5)
    np.testing.assert_allclose(covered, coverage[rows], rtol=1e-5)
    eligible = np.arange(len(documents)) % 3 != 1
    for mask in (None, eligible, None):  # one search leaves nothing behind for the next
        allowed = scores if mask is None else np.where(mask, scores, 0)
        for count in (len(documents), 2):
            best = index.candidates(hashes, count, eligible=mask).tolist()
            assert len(best) == len(set(best)) == min(count, np.count_nonzero(allowed))
            np.testing.assert_allclose(
                sorted(allowed[best]), np.sort(allowed)[len(allowed) - len(best) :], rtol=1e-5
            )


@QUICK
@given(texts, some_words, st.sampled_from([32, 64, 100, 384]))
def test_late_interaction_equals_comparing_bit_by_bit(
    documents: list[str], query: list[str], dimension: int
) -> None:
    """Popcount on packed words counts the agreeing signs, for all records and for some."""
    embedder = HashEmbedder(dimension)
    tokens = embedder.encode(documents).tokens
    asked = embedder.encode([" ".join(query)]).tokens
    assert tokens is not None and asked is not None
    starts = np.cumsum([0, *(len(t) for t in tokens)])
    signs = np.concatenate([np.packbits(t.vectors > 0, axis=1) for t in tokens])
    index = TokenIndex(np.concatenate([t.ids for t in tokens]).astype(np.uint32), sign_words(signs), starts)
    question = QueryTokens(asked[0].ids, asked[0].vectors)
    padding = -dimension % 64
    expected = np.array(
        [
            [max(int(((q > 0) == (v > 0)).sum()) for v in t.vectors) + padding for t in tokens]
            for q in asked[0].vectors
        ]
    )
    np.testing.assert_array_equal(index.similarities(question, np.arange(len(documents))), expected)
    rows = np.arange(len(documents))[::2]
    np.testing.assert_array_equal(index.similarities(question, rows), expected[:, rows])
    assert (index.weights(question, FULL) >= 0).all()


some_labels = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12)


@QUICK
@given(some_labels, some_labels, st.data())
def test_labels_come_back_as_given(
    first: list[str | None], second: list[str | None], data: st.DataObject
) -> None:
    """A column of labels holds what was put in, joined with another and picked from."""
    labels = Labels.of(first, count=len(first)).extended(Labels.of(second, count=len(second)))
    assert [labels[place] for place in range(len(labels))] == first + second
    rows = data.draw(st.lists(st.integers(0, len(labels) - 1), max_size=8) if len(labels) else st.just([]))
    taken = labels.take(np.array(rows, dtype=np.intp))
    assert [taken[place] for place in range(len(taken))] == [(first + second)[row] for row in rows]


@QUICK
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 5)), min_size=1, max_size=15))
def test_neighbours_are_those_of_the_session(turns: list[tuple[str | None, int]]) -> None:
    """Neighbours are the turns before and after by (time, insertion) in the same session."""
    sessions = [session for session, _ in turns]
    times = np.array([time for _, time in turns], dtype=np.int64)
    labels = Labels.of(sessions, count=len(turns))
    structure = Structure.build(labels.codes, times, np.arange(len(turns)))
    for row, (session, _) in enumerate(turns):
        members = (
            [row]
            if session is None
            else sorted((i for i, s in enumerate(sessions) if s == session), key=lambda i: (times[i], i))
        )
        place = members.index(row)
        for which, step in enumerate((-1, 1, -2, 2)):
            inside = 0 <= place + step < len(members)
            assert structure.around(np.array([row]))[which, 0] == (
                members[place + step] if inside else len(turns)
            )


@QUICK
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 5)), min_size=1, max_size=15),
    st.sets(st.integers(0, 14), min_size=1),
)
def test_part_of_a_structure_knows_the_neighbours_and_sessions_among_its_records(
    turns: list[tuple[str | None, int]], chosen: set[int]
) -> None:
    """Of some records each has the neighbours that are among them, and the best of its session is the best of those among them."""
    labels = Labels.of([session for session, _ in turns], count=len(turns))
    times = np.array([time for _, time in turns], dtype=np.int64)
    whole = Structure.build(labels.codes, times, np.arange(len(turns)))
    rows = np.array(sorted(row % len(turns) for row in {place % len(turns) for place in chosen}))
    part = whole.restrict(rows)
    places = {row: place for place, row in enumerate(rows.tolist())}
    expected = [[places.get(row, len(rows)) for row in line] for line in whole.around(rows).tolist()]
    assert part.around(np.arange(len(rows))).tolist() == expected
    same = whole.session[rows][:, None] == whole.session[rows]
    assert ((part.session[:, None] == part.session) == same).all()
    assert part.session.max() + 1 == part.num_sessions


@SLOWER
@given(st.integers(0, 10**6), st.integers(1, 20))
def test_vector_lists_respect_the_filter(seed: int, count: int) -> None:
    """Nothing outside the filter comes back, as many as asked for do, also where all are far off, and the nearest eligible record is among the nearer half."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((800, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    eligible = rng.random(800) < 0.1
    if not eligible.any():
        return
    nearest = VectorIndex(vectors, np.arange(800)).nearest
    query = vectors[np.flatnonzero(eligible)[0]]
    found = nearest(query, count, eligible=eligible)
    assert eligible[found].all() and len(found) == min(count, int(eligible.sum()))
    half = nearest(query, -(-int(eligible.sum()) // 2), eligible=eligible)
    assert np.flatnonzero(eligible)[0] in half
    far = vectors @ query <= np.sort(vectors @ query)[60]
    found = nearest(query, count, eligible=far)
    assert far[found].all() and len(found) == count


tag_names = st.sampled_from(
    ["food", "thai_food", "spicy_thai_food", "art", "street_art", "dog", "dogs", "music"]
)


@QUICK
@given(
    st.lists(st.lists(tag_names, max_size=4, unique=True), min_size=1, max_size=20),
    st.lists(st.tuples(tag_names, tag_names), max_size=30),
)
def test_tag_graph_is_acyclic(tags: list[list[str]], relations: list[tuple[str, str]]) -> None:
    """Whatever relations come in whatever order, the graph has no cycle, and specificity rises along every edge."""
    vectors = EMBEDDER.embed([" ".join(names) or "none" for names in tags])
    graph = TagGraph(tags, relations, vectors)
    assert nx.is_directed_acyclic_graph(graph.graph)
    assert all(graph.specificity(a) < graph.specificity(b) for a, b in graph.graph.edges)
    for name in graph.names:
        assert graph.rows([name]).tolist() == [row for row, names in enumerate(tags) if name in names]
    clusters = graph.clusters()
    assert sorted(np.concatenate(clusters).tolist()) == list(range(len(tags)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


@QUICK
@given(json_values | st.just(MISSING), json_values)
def test_filter_operators_are_each_others_opposites(value: Any, operand: Any) -> None:
    """$ne is not $eq, $nin is not $in, $not turns any operator round."""

    def holds(condition: Any) -> bool:
        parsed = parse_filters({"f": condition})
        from agentcore.memory._filters import And, Field, Not, Or

        def evaluate(part: Any) -> bool:
            if isinstance(part, Field):
                return part.predicate(value)
            if isinstance(part, Not):
                return not evaluate(part.part)
            assert isinstance(part, And | Or)
            return (all if isinstance(part, And) else any)(evaluate(p) for p in part.parts)

        return evaluate(parsed)

    assert holds({"$eq": operand}) != holds({"$ne": operand})
    assert holds({"$in": [operand]}) != holds({"$nin": [operand]})
    assert holds({"$in": [operand]}) == holds({"$eq": operand})
    assert holds({"$not": {"$eq": operand}}) != holds({"$eq": operand})


printable = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
records = st.lists(
    st.fixed_dictionaries(
        {"content": st.text(printable, min_size=1, max_size=30).filter(str.strip)},
        optional={
            "timestamp": st.datetimes(timezones=st.none() | st.just(UTC)),
            "role": st.sampled_from(["user", "assistant", "Ann"]),
            "metadata": st.dictionaries(st.text(max_size=5), json_values, max_size=3),
            "tags": st.lists(st.sampled_from(["a", "b c"]), max_size=2),
        },
    ),
    min_size=1,
    max_size=5,
)


@SLOWER
@given(records, st.booleans())
def test_export_then_import_is_the_identity(messages: list[dict[str, Any]], updated: bool) -> None:
    """Any records come out of an export as they went in, versions and all."""
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonl"
        with (
            SwiftMem(None, embedder=EMBEDDER, now=lambda: clock[0]) as one,
            SwiftMem(None, embedder=EMBEDDER, now=lambda: clock[0]) as two,
        ):
            added = one.add_messages(messages)
            clock[0] += timedelta(days=1)
            if updated:
                one.update(added[0], "changed")
            one.export(path)
            two.import_(path)
            assert [two.history(i) for i in added] == [one.history(i) for i in added]
            assert two.search("Ann and tea", limit=9) == one.search("Ann and tea", limit=9)


@SLOWER
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "delete", "update", "search"]), st.integers(0, 9)), max_size=25
    )
)
def test_search_always_sees_just_what_is_stored(steps: list[tuple[str, int]]) -> None:
    """After any sequence of changes a search for everything returns the stored records, each once."""
    with SwiftMem(None, embedder=EMBEDDER) as memory:
        expected: dict[str, str] = {}
        for number, (verb, pick) in enumerate(steps):
            chosen = sorted(expected)[pick % len(expected)] if expected else None
            if verb == "add":
                expected[memory.add(f"note {number}", id=f"id{number}")] = f"note {number}"
            elif verb == "delete" and chosen:
                assert memory.delete(chosen) == 1
                del expected[chosen]
            elif verb == "update" and chosen:
                memory.update(chosen, f"changed {number}")
                expected[chosen] = f"changed {number}"
            found = memory.search("note", limit=100)
            assert {hit.id: hit.text for hit in found} == expected and len(found) == len(expected)
