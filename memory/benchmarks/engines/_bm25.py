"""BM25 through bm25s, one index a user: what words alone find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import EngineUnavailableError, Found, TextForm
from agentcore.memory.embedding import Encoded, EncodedQuery

__all__ = ["Bm25Engine"]


class Bm25Engine:
    """bm25s with Porter stems and its English stop words; k1 1.2, b .5 (turns vary little in length)."""

    name = "bm25"
    form: TextForm = "document"

    def __init__(self) -> None:
        try:
            import bm25s
            import Stemmer
        except ImportError as exc:
            raise EngineUnavailableError(self.name, reason=str(exc)) from exc
        self._bm25s = bm25s
        self._stemmer = Stemmer.Stemmer("porter")
        self._indexes: dict[str, tuple[Any, list[str]]] = {}

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:  # noqa: ARG002
        """Build the partition's index."""
        index = self._bm25s.BM25(k1=1.2, b=0.5)
        index.index([self._tokenize(item.document) for item in items], show_progress=False)
        self._indexes[partition] = (index, [item.id for item in items])

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Score all rows and keep the best."""
        index, ids = self._indexes[partition]
        words = [word for word in self._tokenize(question.text) if word in index.vocab_dict]
        scores = index.get_scores(words) if words else np.zeros(len(ids), dtype=np.float32)
        best = np.argsort(-scores, kind="stable")[:limit]
        return Found(tuple(ids[place] for place in best), float(scores[best[0]]), len(ids), "exact")

    def remove(self, partition: str) -> None:
        """Drop the partition's index."""
        self._indexes.pop(partition, None)

    def size_bytes(self) -> None:
        """Return None: it lives in memory."""

    def close(self) -> None:
        """Drop everything."""
        self._indexes.clear()

    def _tokenize(self, text: str) -> list[str]:
        words = self._bm25s.tokenize(
            [text], stopwords="en", stemmer=self._stemmer, return_ids=False, show_progress=False
        )
        return list(words[0])
