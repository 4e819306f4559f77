"""Find whether a user has a memory already, in the same or nearly the same words."""

from __future__ import annotations

import re

import numpy as np

from agentcore.memory._collection import Collection
from agentcore.memory._partition import Partition
from agentcore.memory._terms import TERM
from agentcore.memory.storage import Features

__all__ = ["near_duplicate"]

MIN_COSINE = 0.9
MIN_SHARED = 0.8
"""Jaccard overlap of the stems. Both must hold: vectors alone take "Ann likes tea" and "Ann hates tea" for the same."""

_DECISIVE = re.compile(r"\d+|\b(?:not|no|never|none|without|n't|cannot)\b|n't\b")


def decisive_words(text: str) -> list[str]:
    """Return the numbers and negations of a text: where they differ, the memories differ."""
    return sorted(_DECISIVE.findall(text.lower().replace("’", "'")))


def near_duplicate(collection: Collection, features: Features, *, speaker: str | None) -> list[int]:
    """Return the sequence numbers of records that say nearly the same, the most similar first.

    Numbers and negations are not compared here: the caller has the texts (`decisive_words`).
    """
    found = [
        pair for part in (collection.body, collection.tail) for pair in _similar(part, features, speaker)
    ]
    return [seq for _, seq in sorted(found, reverse=True)]


def _similar(partition: Partition, features: Features, speaker: str | None) -> list[tuple[float, int]]:
    """Return (cosine, sequence number) of the similar records of one partition."""
    if not len(partition):
        return []
    cosine = partition.vectors.products(np.frombuffer(features.vector, dtype="<f4"))
    terms = np.frombuffer(features.terms, dtype=TERM)["hash"]
    found = []
    for place in np.flatnonzero(cosine >= MIN_COSINE):
        if partition.speakers[int(place)] != speaker:
            continue
        other = partition.terms["hash"][partition.term_starts[place] : partition.term_starts[place + 1]]
        shared = len(np.intersect1d(terms, other))
        total = len(terms) + len(other) - shared
        if total == 0 or shared / total >= MIN_SHARED:
            found.append((float(cosine[place]), int(partition.seq[place])))
    return found
