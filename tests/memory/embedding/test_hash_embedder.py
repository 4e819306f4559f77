"""The model-free embedder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agentcore.memory.embedding import Embedder, HashEmbedder


def test_is_an_embedder_and_deterministic() -> None:
    """Two instances give the same unit vectors for the same texts, wherever they stand."""
    one: Embedder = HashEmbedder()
    two: Embedder = HashEmbedder()
    texts = ["a blue moon", "", "a blue moon", "!!"]
    first, second = one.encode(texts), two.encode(list(reversed(texts)))
    assert np.array_equal(first.pooled, second.pooled[::-1])
    assert np.allclose(np.linalg.norm(first.pooled, axis=1), 1, atol=1e-6)
    assert first.tokens is not None
    assert [len(entry) for entry in first.tokens] == [3, 0, 3, 2]


def test_shared_words_are_similar() -> None:
    """The more words two texts share, the nearer they are."""
    query, near, far = HashEmbedder(256).embed(
        ["the blue whale sings", "a blue whale sings", "green tea with milk"]
    )
    assert query @ near > 0.5 > query @ far


@pytest.mark.parametrize("options", [{"dimension": 1}, {"max_tokens": 0}, {"dimension": 8.5}])
def test_bad_options(options: dict[str, Any]) -> None:
    """A dimension or window out of range is refused."""
    with pytest.raises((ValueError, TypeError), match="must be"):
        HashEmbedder(**options)
