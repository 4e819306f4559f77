"""The cache of query vectors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from agentcore.memory.embedding import HashEmbedder, QueryCache


def test_remembers_the_latest_queries() -> None:
    """A remembered query is not embedded again; beyond capacity the least recently used goes first."""
    cache = QueryCache(HashEmbedder(), capacity=2)
    first = cache.encode("one")
    cache.encode("two")
    assert cache.encode("one") is first
    cache.encode("three")
    cache.encode("one")
    assert (cache.hits, cache.misses) == (2, 3)
    cache.encode("two")
    assert cache.misses == 4


def test_equals_the_embedder_from_many_threads() -> None:
    """Whatever thread asks, the vectors are those of the embedder."""
    cache, plain = QueryCache(HashEmbedder(), capacity=3), HashEmbedder()
    queries = [f"query {number % 7}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(cache.encode, queries))
    expected = plain.embed(queries)
    assert all(np.array_equal(got.pooled, want) for got, want in zip(results, expected, strict=True))


def test_capacity_zero_and_clear_remember_nothing() -> None:
    """Nothing is kept without capacity, nor after clear()."""
    cache = QueryCache(HashEmbedder(), capacity=0)
    cache.encode("one")
    cache.encode("one")
    assert cache.hits == 0
    cache = QueryCache(HashEmbedder())
    cache.encode("one")
    cache.clear()
    cache.encode("one")
    assert cache.hits == 0
