"""A passage store for tests of the index: what is searched is how many words match."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from agentcore.tools.corpus import Passage, PassageHit, StoredDocument


class WordStore:
    """A `PassageStore` in memory that counts what it is asked to do."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self.added: list[str] = []

    def add(self, passages: Sequence[Passage]) -> None:
        self.passages += passages
        self.added += [passage.source for passage in passages]

    def search(self, query: str, *, limit: int) -> list[PassageHit]:
        words = set(query.lower().split())
        scored = [(len(words & set(f"{p.title} {p.text}".lower().split())), p) for p in self.passages]
        best = sorted(scored, key=lambda pair: -pair[0])[:limit]
        return [
            PassageHit(
                p.text,
                p.title,
                p.source,
                p.start,
                p.end,
                p.sha256,
                score=float(score),
                signals={"lexical": score},
            )
            for score, p in best
        ]

    def remove(self, sources: Collection[str]) -> None:
        self.passages = [passage for passage in self.passages if passage.source not in sources]

    def documents(self) -> Mapping[str, StoredDocument]:
        return {passage.source: StoredDocument(passage.title, passage.sha256) for passage in self.passages}


@pytest.fixture
def store() -> WordStore:
    return WordStore()
