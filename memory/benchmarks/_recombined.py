"""Many records out of few: real turns, and as many more as wanted, recombined from spans of real text by a seed.

A recombined turn says two to four spans of three to eleven words, each cut at random out of another real text: mostly of the two topics of its
session, at times of any. Topics are clusters of the real texts' vectors. Its speaker is one of the two invented people of its session. The token
vectors are those of the spans, each moved halfway from the mean of its old text to the mean of its new one, as context would move it; the
pooled vector is the mean of them, so that words, word pieces and vectors tell the same story.

Halves of real turns, as earlier figures had them, came back hundreds of times each in a million records, with the same token vectors: the
tenth place was decided among equals, as in no memory of real talk.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

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
_PEOPLE = 400
_TEXTS_PER_TOPIC = 40
_ON_TOPIC = 0.7
_SPANS = (2, 5)
_SPAN_WORDS = (3, 12)
_AT_ONCE = 40  # turns whose vectors are made at a time: they stay in the cache
_CONTEXT = 0.5
"""How far a token vector moves from the mean of its old text to that of its new one."""

Float32 = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class RealTurns:
    """The real conversations with their vectors in both text forms, and the texts that more are made of."""

    partitions: Sequence[Partition]
    encoded: Mapping[TextForm, Sequence[Encoded]]
    sources: _Sources

    @classmethod
    def embed(cls, dataset: Dataset, embedder: Embedder) -> RealTurns:
        """Embed every turn in both forms (peers get no token vectors), and as plain text to be recombined."""
        turns, documents = [], []
        for partition in dataset:
            turns.append(embedder.encode([turn_text(item) for item in partition.items]))
            documents.append(Encoded(embedder.embed([item.document for item in partition.items]), None))
        texts = [item.text for partition in dataset for item in partition.items]
        sources = _Sources([text for text in texts if text.split()], embedder)
        return cls(list(dataset.partitions), {"turn": turns, "document": documents}, sources)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some items of one partition, with their vectors."""

    partition: str
    items: Sequence[Item]
    encoded: Encoded


def chunks(
    real: RealTurns, *, records: int, heavy: bool, form: TextForm, seed: int, kept_in: Path | None = None
) -> Iterator[Chunk]:
    """Yield `records` items, the real ones among them.

    Parameters
    ----------
    heavy : bool
        All in one partition, `heavy`, the real ones in the middle; else users of about 600, the real conversations first.
    kept_in : Path, optional
        Folder where recombined turns are kept without their token vectors, about 1.8 KB each: whoever asks for them without token vectors
        later, for the same seed, reads them there instead of having them made again.
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
    made = _Recombination(real.sources, with_tokens=form == "turn", kept_in=kept_in)
    if not heavy:
        yield from planted
        for number, start in enumerate(range(0, missing, _USER_RECORDS)):
            yield made.chunk(f"user-{number}", start, min(_USER_RECORDS, missing - start), seed, people=2)
        return
    starts = list(range(0, missing, _CHUNK))
    for number, start in enumerate(starts or [0]):
        if number == len(starts) // 2:
            yield from planted
        if start < missing:
            yield made.chunk("heavy", start, min(_CHUNK, missing - start), seed, people=_PEOPLE)


class _Sources:
    """Real texts with the vectors of their word pieces, by topic; after them the names of the invented people.

    Letters: S texts and names, W their words, T their pieces, D dimension.

    Attributes
    ----------
    words : list of list of str
    first_piece : list of ndarray, (words + 1,), intp
        Where the pieces of each word of a text begin, among all pieces.
    vectors : ndarray, (T, D), float16
    means : ndarray, (S, D), float32
        Mean of the vectors of each text.
    topics : list of ndarray of intp
        Texts about the same, by k-means over `means`.
    people : list of (name, text)
        The text is the place of `Name:` among the texts.
    """

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        names = _names(_PEOPLE)
        encoded = embedder.encode([*texts, *(f"{name}:" for name in names)]).tokens
        if encoded is None:
            raise ValueError(f"the embedder {embedder.name!r} gives no token vectors to recombine")
        self.words = [text.split() for text in texts] + [[f"{name}:"] for name in names]
        self.people = [(name, len(texts) + number) for number, name in enumerate(names)]
        self.ids = np.concatenate([tokens.ids for tokens in encoded])
        self.pieces = np.array([piece for tokens in encoded for piece in tokens.pieces], dtype=object)
        self.vectors = np.concatenate([tokens.vectors.astype(np.float16) for tokens in encoded])
        self.means = np.stack([_mean(tokens.vectors, embedder.dimension) for tokens in encoded])
        ends = np.cumsum([len(tokens) for tokens in encoded])
        self.first_piece = [
            end - len(tokens) + _first_pieces(words, tokens.pieces)
            for words, tokens, end in zip(self.words, encoded, ends, strict=True)
        ]
        self.topics = _topics(self.means[: len(texts)])


class _Recombination:
    """Makes turns of one set of sources.

    Parameters
    ----------
    sources : _Sources
    with_tokens : bool
        Whether token vectors are wanted beside the pooled ones.
    kept_in : Path or None
    """

    def __init__(self, sources: _Sources, *, with_tokens: bool, kept_in: Path | None) -> None:
        self._sources = sources
        self._with_tokens = with_tokens
        self._kept_in = kept_in

    def chunk(self, partition: str, start: int, count: int, seed: int, *, people: int) -> Chunk:
        """Return turns `start` to `start + count` of the recombined ones; who speaks is drawn from so many people."""
        kept = None
        if self._kept_in is not None:
            kept = self._kept_in / f"turns-{seed}-{people}-{start}-{count}.pickle"
            if not self._with_tokens and kept.exists():
                items, pooled = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
                return Chunk(partition, items, Encoded(pooled, None))
        items, encoded = self._made(start, count, seed, people)
        if kept is not None and not kept.exists():
            partial = kept.with_suffix(".part")
            partial.write_bytes(pickle.dumps((items, encoded.pooled)))
            partial.replace(kept)
        return Chunk(partition, items, encoded)

    def _made(self, start: int, count: int, seed: int, people: int) -> tuple[list[Item], Encoded]:
        """Make some turns."""
        rng = np.random.default_rng((seed, start))
        known = rng.choice(len(self._sources.people), people, replace=False)
        items: list[Item] = []
        spans: list[list[tuple[int, int, int]]] = []
        for place in range(count):
            if place % _SESSION_TURNS == 0:
                session = f"s{start}-{place // _SESSION_TURNS}"
                day = _FIRST_DAY + timedelta(days=int(rng.integers(0, _DAYS)))
                speakers = [
                    self._sources.people[known[number]] for number in rng.choice(people, 2, replace=False)
                ]
                topics = [
                    self._sources.topics[number] for number in rng.integers(0, len(self._sources.topics), 2)
                ]
            name, named = speakers[place % 2]
            said = self._draw(rng, topics)
            spans.append([(named, 0, 1), *said])
            text = " ".join(
                word for source, first, end in said for word in self._sources.words[source][first:end]
            )
            items.append(Item(f"r{start + place}", text, session, day, speaker=name))
        parts = [self._encoded(spans[first : first + _AT_ONCE]) for first in range(0, count, _AT_ONCE)]
        pooled = np.concatenate([part.pooled for part in parts])
        tokens = [vectors for part in parts for vectors in part.tokens or ()]
        return items, Encoded(pooled, tuple(tokens) if self._with_tokens else None)

    def _draw(self, rng: np.random.Generator, topics: Sequence[Places]) -> list[tuple[int, int, int]]:
        """Return spans of real texts: text, first word, the word after the last."""
        number = int(rng.integers(*_SPANS))
        lengths = rng.integers(*_SPAN_WORDS, number).tolist()
        chances = rng.random((number, 3)).tolist()
        spans = []
        for length, (topic, text, place) in zip(lengths, chances, strict=True):
            among = topics[int(topic < _ON_TOPIC / 2)] if topic < _ON_TOPIC else None
            # the names, which come last, are no texts
            source = int(
                among[int(text * len(among))] if among is not None else text * self._sources.people[0][1]
            )
            first = int(place * (max(len(self._sources.words[source]) - length, 0) + 1))
            spans.append((source, first, first + length))
        return spans

    def _encoded(self, spans: Sequence[Sequence[tuple[int, int, int]]]) -> Encoded:
        """Return the vectors of turns made of these spans."""
        places, sources, counts = [], [], []
        for turn in spans:
            count = 0
            for source, first, end in turn:
                bounds = self._sources.first_piece[source]
                begin, stop = int(bounds[first]), int(bounds[min(end, len(bounds) - 1)])
                places.append(np.arange(begin, stop))
                sources.append(np.full(stop - begin, source))
                count += stop - begin
            counts.append(count)
        joined, old = np.concatenate(places), np.concatenate(sources)
        starts = np.concatenate(([0], np.cumsum(counts)))
        number = np.repeat(np.arange(len(spans)), counts)
        vectors = self._sources.vectors[joined].astype(np.float32)
        belongs = (np.arange(len(spans))[:, None] == number).astype(np.float32)
        means = belongs @ vectors / np.array(counts, dtype=np.float32)[:, None]
        vectors += np.float32(_CONTEXT) * (means[number] - self._sources.means[old])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        pooled: Float32 = belongs @ vectors
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        if not self._with_tokens:
            return Encoded(pooled, None)
        ids, pieces = self._sources.ids[joined], self._sources.pieces[joined]
        tokens = tuple(
            TokenVectors(ids[a:b], tuple(pieces[a:b]), vectors[a:b])
            for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        )
        return Encoded(pooled, tokens)


def _mean(vectors: Float32, dimension: int) -> Float32:
    """Return the mean vector, (D,); zeros where there is none."""
    return vectors.mean(axis=0, dtype=np.float32) if len(vectors) else np.zeros(dimension, dtype=np.float32)


def _first_pieces(words: Sequence[str], pieces: Sequence[str]) -> Places:
    """Return the first piece of each word, and the number of pieces, (words + 1,): matched by how many letters stand before."""
    letters = np.array([len(piece.removeprefix("##")) for piece in pieces], dtype=np.float64)
    lengths = np.array([len(word) for word in words], dtype=np.float64)
    if not letters.sum():
        return np.zeros(len(words) + 1, dtype=np.intp)
    middle = (np.cumsum(letters) - letters / 2) / letters.sum()
    return np.concatenate(([0], np.searchsorted(middle, np.cumsum(lengths) / lengths.sum()))).astype(np.intp)


def _topics(means: Float32) -> list[Places]:
    """Return texts about the same together."""
    wanted = max(len(means) // _TEXTS_PER_TOPIC, 1)
    kmeans = faiss.Kmeans(means.shape[1], wanted, niter=8, seed=1, min_points_per_centroid=1)
    kmeans.train(means)
    _, nearest = kmeans.index.search(means, 1)
    groups = [np.flatnonzero(nearest[:, 0] == number) for number in range(wanted)]
    return [group for group in groups if len(group)]


def _names(count: int) -> list[str]:
    """Return invented names, so that questions about real people have one right person."""
    rng = np.random.default_rng(0)
    names: dict[str, None] = {}
    while len(names) < count:
        picked = rng.integers(0, len(_SYLLABLES), 3)
        names["".join(_SYLLABLES[number] for number in picked).capitalize()] = None
    return list(names)
