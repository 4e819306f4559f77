"""A second look at the hits: a reranker of the caller's and diversity, both off by default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agentcore.memory import SwiftMem
from agentcore.memory.ranking import maximal_marginal_relevance


def fill(memory: SwiftMem) -> None:
    for number in range(30):
        memory.add(f"the red bicycle stands in the shed number {number}", id=f"r{number}")
    memory.add("a bicycle needs oil on its chain", id="oil")


def test_a_reranker_orders_the_hits(memory: SwiftMem) -> None:
    """The callable sees the query and the texts; its scores order the hits and stand in the signals, whatever the limit."""
    fill(memory)
    asked: list[tuple[str, int]] = []

    def shortest_first(query: str, texts: Sequence[str]) -> list[float]:
        asked.append((query, len(texts)))
        return [-len(text) for text in texts]

    plain = memory.search("red bicycle", limit=3)
    hits = memory.search("red bicycle", limit=3, rerank=shortest_first)
    assert asked == [("red bicycle", 31)]
    assert hits[0].id == "oil" and hits[0].signals["rerank"] == -len(hits[0].text)
    assert [len(hit.text) for hit in hits] == sorted(len(hit.text) for hit in hits)
    assert hits[0].score <= plain[0].score and len(hits) == 3
    strict = memory.search("red bicycle", limit=3, rerank=shortest_first, threshold=plain[0].score)
    assert all(hit.score >= plain[0].score for hit in strict)


def test_diversity_prefers_what_is_unlike(memory: SwiftMem) -> None:
    """With diversity a different memory comes before the next of many alike; without, the order is the score's."""
    fill(memory)
    plain = [hit.id for hit in memory.search("red bicycle in the shed", limit=5)]
    diverse = [hit.id for hit in memory.search("red bicycle in the shed", limit=5, diversity=0.7)]
    assert "oil" not in plain
    assert diverse[0] == plain[0] and "oil" in diverse[:2]
    assert [hit.id for hit in memory.search("red bicycle in the shed", limit=5, diversity=0.0)] == plain


def test_marginal_relevance_by_hand() -> None:
    """The order is that of the formula: relevance less likeness to what was chosen."""
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert maximal_marginal_relevance([1.0, 0.9, 0.5], vectors, diversity=0.0, limit=3) == [0, 1, 2]
    assert maximal_marginal_relevance([1.0, 0.9, 0.5], vectors, diversity=0.5, limit=3) == [0, 2, 1]
    assert maximal_marginal_relevance([], vectors[:0], diversity=0.5, limit=3) == []


def test_mistakes_are_named(memory: SwiftMem) -> None:
    """A diversity outside [0, 1], too few scores and infinite ones are refused; an empty memory asks nobody."""
    assert memory.search("anything", rerank=lambda query, texts: []) == []
    memory.add("one")
    for diversity in (-0.1, 1.5):
        with pytest.raises(ValueError, match=r"diversity must lie in \[0, 1\]"):
            memory.search("one", diversity=diversity)
    for scores in ([], [float("nan")]):
        with pytest.raises(ValueError, match="1 finite numbers"):
            memory.search("one", rerank=lambda query, texts, scores=scores: scores)
