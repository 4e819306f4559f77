"""What a query says, read once: words, stems, dates, vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agentcore.memory._encoding import content_words
from agentcore.memory._stop_words import STOP_WORDS
from agentcore.memory._terms import term_of, words
from agentcore.memory.embedding import EncodedQuery
from agentcore.memory.ranking._cues import asks_when
from agentcore.memory.ranking._tokens import QueryTokens
from agentcore.memory.temporal import Span, may_name_time, parse_spans

__all__ = ["Query"]


def possible_names(query: str, said: Sequence[str]) -> frozenset[str]:
    """Return those of a query's words that may be names; `said` are all of them, in lower case.

    Where a query is written with capitals, only its capitalised words may be, and a function word at the beginning is none: in
    "What will Grace say" Will is not asked about, in "What will Will say" he is. A query in one case tells nothing.
    """
    found = (_ASCII_WORD if query.isascii() else _WORD).findall(query)
    marked = [word for word in found if not "a" <= word < "{" and not word[0].islower()]
    opening = marked[:1] if marked[:1] == found[:1] else []
    others = marked[len(opening) :]
    telling = others if query[:1].isalnum() else marked  # at the very beginning a word has a capital anyway
    if query.isupper() or not any(word[0].isupper() for word in telling):
        return frozenset(said)
    names = [name for word in opening for name in words(word) if name not in STOP_WORDS]
    for word in others:
        names += (word.lower(),) if word.isascii() else words(word)
    return frozenset(names)


_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")  # the same for ASCII, in two thirds of the time


class Query(NamedTuple):
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
            text,
            possible_names(text, said),
            list(dict.fromkeys(filter(None, map(term_of, said)))),
            parse_spans(text, now=now, years=years) if may_name_time(said) else [],
            asks_when(text),
            np.ascontiguousarray(encoded.pooled, dtype=np.float32),
            tokens,
            surfaces,
        )
