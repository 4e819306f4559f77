"""Many records out of few: real turns, and as many more as wanted, recombined from halves of real ones by a seed.

A recombined turn says the first half of one real turn and the second half of another, under an invented name and date. Its pooled vector
is a seeded mixture of the two real vectors; its token vectors are those of the halves, from their own contexts. So words, lengths
and vectors have the statistics of real talk, at a thousandth of the cost of embedding it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from agentcore.memory.benchmarks._dataset import Dataset, Item, Partition
from agentcore.memory.benchmarks.engines import TextForm, turn_text
from agentcore.memory.embedding import Embedder, Encoded, TokenVectors

__all__ = ["Chunk", "RealTurns", "chunks"]

_CHUNK = 2000
_USER_RECORDS = 600
_SESSION_TURNS = 20
_FIRST_DAY = datetime(2021, 1, 1, 9)
_DAYS = 4 * 365
_SYLLABLES = ("ba", "de", "fi", "go", "ju", "ka", "le", "mo", "ni", "pa", "ro", "su", "ta", "ve", "wi", "zo")


@dataclass(frozen=True, slots=True, eq=False)
class RealTurns:
    """The real conversations with their vectors in both text forms."""

    partitions: Sequence[Partition]
    encoded: Mapping[TextForm, Sequence[Encoded]]

    @classmethod
    def embed(cls, dataset: Dataset, embedder: Embedder) -> RealTurns:
        """Embed every turn in both forms; peers get no token vectors."""
        turns, documents = [], []
        for partition in dataset:
            turns.append(embedder.encode([turn_text(item) for item in partition.items]))
            documents.append(Encoded(embedder.embed([item.document for item in partition.items]), None))
        return cls(list(dataset.partitions), {"turn": turns, "document": documents})


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some items of one partition, with their vectors."""

    partition: str
    items: Sequence[Item]
    encoded: Encoded


def chunks(real: RealTurns, *, records: int, heavy: bool, form: TextForm, seed: int) -> Iterator[Chunk]:
    """Yield `records` items, the real ones among them.

    Parameters
    ----------
    heavy : bool
        All in one partition, `heavy`, the real ones in the middle; else users of about 600, the real conversations first.
    """
    planted = [
        Chunk(
            "heavy" if heavy else partition.id,
            [
                replace(item, id=f"{partition.id}:{item.id}", session=f"{partition.id}:{item.session}")
                for item in partition.items
            ],
            encoded,
        )
        for partition, encoded in zip(real.partitions, real.encoded[form], strict=True)
    ]
    missing = records - sum(len(chunk.items) for chunk in planted)
    if missing < 0:
        raise ValueError(f"records must be at least {records - missing}, the number of real turns")
    pool = _Pool(real, form)
    if not heavy:
        yield from planted
        for number, start in enumerate(range(0, missing, _USER_RECORDS)):
            yield pool.chunk(f"user-{number}", start, min(_USER_RECORDS, missing - start), seed)
        return
    starts = list(range(0, missing, _CHUNK))
    for number, start in enumerate(starts or [0]):
        if number == len(starts) // 2:
            yield from planted
        if start < missing:
            yield pool.chunk("heavy", start, min(_CHUNK, missing - start), seed)


class _Pool:
    """All real turns in one list, to draw halves from."""

    def __init__(self, real: RealTurns, form: TextForm) -> None:
        parts = real.encoded[form]
        self._items = [item for partition in real.partitions for item in partition.items]
        self._words = [item.text.split() for item in self._items]
        self._pooled = np.concatenate([part.pooled for part in parts])
        self._tokens = [tokens for part in parts if part.tokens is not None for tokens in part.tokens]

    def chunk(self, partition: str, start: int, count: int, seed: int) -> Chunk:
        rng = np.random.default_rng((seed, start))
        pairs = rng.integers(0, len(self._items), (count, 2))
        shares = rng.uniform(0.35, 0.65, count).astype(np.float32)
        pooled = (
            shares[:, None] * self._pooled[pairs[:, 0]] + (1 - shares[:, None]) * self._pooled[pairs[:, 1]]
        )
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        tokens = tuple(self._halves(int(a), int(b)) for a, b in pairs) if self._tokens else None
        days = rng.integers(0, _DAYS, count // _SESSION_TURNS + 1)
        names = [_name(rng), _name(rng)]
        items = []
        for place, (a, b) in enumerate(pairs.tolist()):
            session = place // _SESSION_TURNS
            first, second = self._words[a], self._words[b]
            items.append(
                Item(
                    id=f"r{start + place}",
                    text=" ".join((*first[: len(first) // 2 + 1], *second[len(second) // 2 :])),
                    session=f"s{start}-{session}",
                    timestamp=_FIRST_DAY + timedelta(days=int(days[session])),
                    speaker=names[place % 2],
                )
            )
        return Chunk(partition, items, Encoded(pooled.astype(np.float32), tokens))

    def _halves(self, first: int, second: int) -> TokenVectors:
        one, two = self._tokens[first], self._tokens[second]
        head, tail = len(one) // 2 + 1, len(two) // 2
        return TokenVectors(
            np.concatenate((one.ids[:head], two.ids[tail:])),
            one.pieces[:head] + two.pieces[tail:],
            np.concatenate((one.vectors[:head], two.vectors[tail:])),
        )


def _name(rng: np.random.Generator) -> str:
    """Return an invented name, so that questions about real people have one right person."""
    return "".join(_SYLLABLES[number] for number in rng.integers(0, len(_SYLLABLES), 3)).capitalize()
