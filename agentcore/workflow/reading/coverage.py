"""Choose the few sentences that together cover the question.

Greedy coverage of the question's word-piece vectors, as in summarisation by submodular functions (Lin and
Bilmes, 2011, https://aclanthology.org/P11-1052): the first sentence is the best one alone, each further one
is rewarded for the question parts that no chosen sentence covers yet. Six sentences chosen so hold the answer
for .82 of HotpotQA questions, by plain ranking .71, all five passages .83 (measured by the study).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.workflow.reading.beam import mentions
from agentcore.workflow.reading.passages import Encoder, Passage
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.reading.words import (
    STOP_WORDS,
    bare_title,
    content_stems,
    sentence_spans,
    title_key,
    word_key,
)

__all__ = ["Selection", "Sentence", "inverse_frequencies", "select_sentences", "standardise"]

_LONGEST_SENTENCE = 600  # characters; a "sentence" beyond it is a table or a list and is cut


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage.

    Attributes
    ----------
    text : str
        As it stands in the document.
    passage : int
        Which of the passages it is from, counted from 0.
    position : int
        Which sentence of the passage it is, counted from 0.
    start, end : int
        Offsets into the document's snapshot.
    """

    text: str
    passage: int
    position: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen sentences.

    Attributes
    ----------
    sentences : tuple of Sentence
        In reading order (by passage, then position).
    ranks : tuple of int
        For each sentence, when it was picked (0: first).
    relevance : tuple of float
        For each sentence, its base score alone: how well it fits the question (standardised over all sentences).
    coverage : float
        Mean over the question's word pieces of the best cosine with a piece of a chosen sentence, in [-1, 1].
    word_coverage : float
        Share of the question's words, by inverse frequency, that stand in a chosen sentence or its title.
    """

    sentences: tuple[Sentence, ...]
    ranks: tuple[int, ...]
    relevance: tuple[float, ...]
    coverage: float
    word_coverage: float


def standardise(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return z-scores; all zeros where the values do not differ."""
    array = np.asarray(values, dtype=np.float64)
    spread = array.std() if array.size else 0.0
    return (array - array.mean()) / spread if spread > 1e-12 else np.zeros_like(array)


def inverse_frequencies(pool: Sequence[Passage]) -> dict[str, float]:
    """Return how rare each stem is among the passages seen (BM25's inverse document frequency)."""
    counts: Counter[str] = Counter()
    for passage in pool:
        counts.update(set(content_stems(f"{passage.title} {passage.text}")))
    size = len(pool)
    return {stem: math.log(1 + (size - n + 0.5) / (n + 0.5)) for stem, n in counts.items()}


def split_passages(passages: Sequence[Passage]) -> list[Sentence]:
    """Return all sentences of the passages, in reading order."""
    sentences = []
    for number, passage in enumerate(passages):
        for position, (start, end) in enumerate(sentence_spans(passage.text)):
            end = min(end, start + _LONGEST_SENTENCE)
            text = passage.text[start:end]
            sentences.append(Sentence(text, number, position, passage.start + start, passage.start + end))
    return sentences


def with_title(sentence: Sentence, passages: Sequence[Passage]) -> str:
    """Return the sentence as a reader needs it alone: with its title, unless it opens the passage or names it."""
    title = passages[sentence.passage].title
    if sentence.position == 0 or not title_key(title) or sentence.text.startswith(title):
        return sentence.text
    return f"{bare_title(title)}: {sentence.text}"


def word_share(question: Sequence[str], text: set[str], rarity: Mapping[str, float]) -> float:
    """Return the share of the question's stems, weighted by rarity, that the text has."""
    unseen = max(rarity.values(), default=1.0)
    weights = {stem: rarity.get(stem, unseen) for stem in question}
    total = sum(weights.values())
    return sum(weight for stem, weight in weights.items() if stem in text) / total if total else 0.0


def select_sentences(
    question: str,
    passages: Sequence[Passage],
    *,
    encoder: Encoder,
    rarity: Mapping[str, float],
    settings: ReaderSettings,
) -> Selection:
    """Choose up to ``settings.sentences`` sentences that together cover the question.

    Where the first one names another document ("it was invented by X"), at least one is from that: the one that adds most to it.

    Parameters
    ----------
    question : str
        The question.
    passages : sequence of Passage
        Where to choose from.
    encoder : Encoder
        Gives pooled and word-piece vectors; one call for the question and all sentences.
    rarity : mapping
        Inverse frequency of a stem (:func:`inverse_frequencies`).
    """
    sentences = split_passages(passages)
    if not sentences:
        return Selection((), (), (), 0.0, 0.0)
    encoded = encoder.encode([question, *(with_title(sentence, passages) for sentence in sentences)])
    pooled = np.asarray(encoded.pooled)
    asked = _telling_vectors(encoded.tokens[0])
    matches = np.stack([_best_matches(asked, _telling_vectors(item)) for item in encoded.tokens[1:]])
    stems = content_stems(question)
    held = [set(content_stems(f"{passages[s.passage].title} {s.text}")) for s in sentences]
    base = (
        standardise(pooled[1:] @ pooled[0])
        + standardise([word_share(stems, words, rarity) for words in held])
        + standardise(matches.mean(axis=1))
        + settings.passage_weight * np.array([passages[s.passage].score for s in sentences])
    )
    chosen = [int(np.argmax(base))]
    covered = matches[chosen[0]]
    while len(chosen) < min(settings.sentences, len(sentences)):
        gain = np.maximum(matches - covered, 0.0).mean(axis=1)
        value = settings.base_weight * base + settings.gain_weight * standardise(gain)
        value[chosen] = -np.inf
        chosen.append(int(np.argmax(value)))
        covered = np.maximum(covered, matches[chosen[-1]])
    led_to = _led_to(sentences[chosen[0]], sentences, passages)
    if len(chosen) > 1 and led_to and not set(led_to) & set(chosen):
        gain = np.maximum(matches - matches[chosen[0]], 0.0).mean(axis=1)
        value = settings.base_weight * base + settings.gain_weight * standardise(gain)
        chosen[-1] = max(led_to, key=lambda index: float(value[index]))
        covered = matches[chosen].max(axis=0)
    order = sorted(chosen)
    union = set().union(*(held[index] for index in chosen))
    return Selection(
        tuple(sentences[index] for index in order),
        tuple(chosen.index(index) for index in order),
        tuple(float(base[index]) for index in order),
        float(covered.mean()),
        word_share(stems, union, rarity),
    )


def _led_to(first: Sentence, sentences: Sequence[Sentence], passages: Sequence[Passage]) -> list[int]:
    """Return which sentences are from documents that a sentence of another one names."""
    key, title = word_key(first.text), passages[first.passage].title
    named = [passage.title != title and mentions(key, passage.title) for passage in passages]
    return [index for index, sentence in enumerate(sentences) if named[sentence.passage]]


def _telling_vectors(tokens: Any) -> npt.NDArray[np.float32]:
    """Return the vectors of the word pieces that are no stop word and no punctuation: (T, D)."""
    vectors: npt.NDArray[np.float32] = np.asarray(tokens.vectors)
    telling = [
        any(letter.isalnum() for letter in piece) and piece.lower() not in STOP_WORDS
        for piece in tokens.pieces
    ]
    return vectors[telling] if any(telling) else vectors


def _best_matches(asked: npt.NDArray[np.float32], given: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """For each asked word piece, the best cosine with a given one: (T_question,)."""
    if not len(asked):
        return np.zeros(1, dtype=np.float32)
    if not len(given):
        return np.zeros(len(asked), dtype=np.float32)
    best: npt.NDArray[np.float32] = (asked @ given.T).max(axis=1)
    return best
