"""What a query says, read once: words, stems, dates, vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from agentcore.memory._encoding import content_words
from agentcore.memory._stop_words import STOP_WORDS
from agentcore.memory._terms import stems_of, term_hash, words
from agentcore.memory.embedding import EncodedQuery
from agentcore.memory.ranking._cues import asks_when
from agentcore.memory.ranking._tokens import QueryTokens
from agentcore.memory.temporal import Span, parse_spans

__all__ = ["Query"]


def possible_names(query: str) -> frozenset[str]:
    """Return the words that may be names, in lower case.

    Where a query is written with capitals, only its capitalised words may be, and a function word at the beginning is none: in
    "What will Grace say" Will is not asked about, in "What will Will say" he is. A query in one case tells nothing.
    """
    said = _WORD.findall(query)
    inner = said[1:] if _WORD.match(query) else said
    if not any(word[0].isupper() for word in inner) or query.isupper():
        return frozenset(words(query))
    names: set[str] = set()
    for place, word in enumerate(said):
        initial = word[0]
        if "a" <= initial <= "z":  # most words: no more to ask
            continue
        if initial.isupper() or initial.lower() == initial.upper():
            names.update(name for name in words(word) if place or name not in STOP_WORDS)
    return frozenset(names)


_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A query ready to be scored.

    Attributes
    ----------
    names : frozenset of str
        The words that may be somebody's name, in lower case.
    terms : list of int
        Hashes of its stems.
    tokens : QueryTokens or None
        None where the embedder has no token vectors, or nothing but stop words was asked.
    surfaces : tuple of str
        The word each token belongs to, to tell names from the rest.
    """

    text: str
    names: frozenset[str]
    terms: list[int]
    spans: list[Span]
    asks_when: bool
    pooled: npt.NDArray[np.float32]
    tokens: QueryTokens | None
    surfaces: tuple[str, ...]

    @classmethod
    def read(
        cls, text: str, encoded: EncodedQuery, *, now: datetime, years: Sequence[int], use_tokens: bool
    ) -> Query:
        """Analyse a query; `now` is naive UTC, `years` are those that a date without one may mean."""
        tokens: QueryTokens | None = None
        surfaces: tuple[str, ...] = ()
        if use_tokens and encoded.tokens is not None:
            found = content_words(encoded.tokens.pieces)
            if found:
                kept = np.array([place for _, first, end in found for place in range(first, end)])
                tokens = QueryTokens(encoded.tokens.ids[kept], encoded.tokens.vectors[kept])
                surfaces = tuple(word for word, first, end in found for _ in range(first, end))
        said = words(text)
        return cls(
            text=text,
            names=possible_names(text),
            terms=[term_hash(stem) for stem in dict.fromkeys(stems_of(said))],
            spans=parse_spans(text, now=now, years=years),
            asks_when=asks_when(text),
            pooled=np.ascontiguousarray(encoded.pooled, dtype=np.float32),
            tokens=tokens,
            surfaces=surfaces,
        )
