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
        self._words: dict[str, list[list[str]]] = {}
        self._ids: dict[str, list[str]] = {}
        self._indexes: dict[str, Any] = {}

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:  # noqa: ARG002
        """Tokenize; the index, which cannot grow, is built at the next search."""
        self._words.setdefault(partition, []).extend(self._tokenize(item.document) for item in items)
        self._ids.setdefault(partition, []).extend(item.id for item in items)
        self._indexes.pop(partition, None)

    def finish(self) -> None:
        """Build the indexes that are missing."""
        for partition, words in self._words.items():
            if partition not in self._indexes:
                self._indexes[partition] = self._bm25s.BM25(k1=1.2, b=0.5)
                self._indexes[partition].index(words, show_progress=False)

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:  # noqa: ARG002
        """Score all rows and keep the best."""
        self.finish()
        index, ids = self._indexes[partition], self._ids[partition]
        words = [word for word in self._tokenize(question.text) if word in index.vocab_dict]
        scores = index.get_scores(words) if words else np.zeros(len(ids), dtype=np.float32)
        best = np.argpartition(-scores, limit)[:limit] if limit < len(ids) else np.arange(len(ids))
        best = best[np.lexsort((best, -scores[best]))]
        return Found(tuple(ids[place] for place in best), float(scores[best[0]]), len(ids), "exact")

    def remove(self, partition: str) -> None:
        """Drop the partition's index."""
        for table in (self._words, self._ids, self._indexes):
            table.pop(partition, None)

    def reopen(self) -> bool:
        """Return False: nothing is kept in files."""
        return False

    def size_bytes(self) -> None:
        """Return None: it lives in memory."""

    def close(self) -> None:
        """Drop everything."""
        for partition in list(self._ids):
            self.remove(partition)

    def _tokenize(self, text: str) -> list[str]:
        words = self._bm25s.tokenize(
            [text], stopwords="en", stemmer=self._stemmer, return_ids=False, show_progress=False
        )
        return list(words[0])
