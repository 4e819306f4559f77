"""Every engine under comparison keeps the same promises."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines import ENGINES, EngineUnavailableError, make_engine
from agentcore.memory.embedding import EncodedQuery, HashEmbedder

TEXTS = [
    "the red fox sleeps",
    "a green parrot talks",
    "old trains rust in the yard",
    "fresh bread smells good",
]


@pytest.mark.parametrize("name", list(ENGINES))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_finds_in_its_own_partition_only(name: str, tmp_path: Path) -> None:
    """The best match comes first, another user's items never come, and a removed partition is empty."""
    embedder = HashEmbedder(64)
    try:
        engine = make_engine(name, folder=tmp_path, embedder=embedder)
    except EngineUnavailableError as exc:
        pytest.skip(str(exc))
    moment = datetime(2024, 5, 1)
    for user in ("ann", "o'neil"):
        items = [Item(f"t{place}", f"{user} {text}", "s", moment) for place, text in enumerate(TEXTS)]
        engine.add(user, items, embedder.encode([item.document for item in items]))
    encoded = embedder.encode(["parrot talks green"])
    assert encoded.tokens is not None
    query = EncodedQuery(encoded.pooled[0], encoded.tokens[0])
    for user in ("ann", "o'neil"):
        question = Question("q", "parrot talks green", ("t1",), "1")
        found = engine.search(user, question, query, limit=3)
        assert found.ids[0] == "t1"
        assert len(found.ids) == len(set(found.ids)) <= 3
    engine.remove("ann")
    size = engine.size_bytes()
    assert size is None or size > 0
    engine.close()


def test_unknown_engine(tmp_path: Path) -> None:
    """A name nobody knows is refused with the names that are known."""
    with pytest.raises(ValueError, match="swiftmem"):
        make_engine("other", folder=tmp_path, embedder=HashEmbedder())
