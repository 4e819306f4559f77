"""Choose one candidate: where the model looks, which passage the question leads to, and expected F1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agentcore.workflow.reading.beam import mentions
from agentcore.workflow.reading.candidates import Candidate, overlap_f1
from agentcore.workflow.reading.coverage import word_share
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.words import bare_title, content_stems, word_key

__all__ = ["Choice", "attention_signal", "choose", "linked_signal"]

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen candidate and how sure the weights are of it among the candidates (no confidence in the answer)."""

    index: int
    probability: float
    order: tuple[int, ...]


def attention_signal(
    candidates: Sequence[Candidate], offsets: Sequence[tuple[int, int]], weights: npt.NDArray[np.float32]
) -> Signal:
    """Return how much the model's answer heads look at each candidate.

    Parameters
    ----------
    candidates : sequence of Candidate
        With mentions as offsets into the prompt.
    offsets : sequence of (start, end)
        Of each prompt token, into the prompt.
    weights : ndarray, (H, T)
        Attention from the last prompt token, one row a head.

    Returns
    -------
    ndarray, (C,)
        ``log(mean over heads of the attention on all tokens of the most attended mention + 1e-4)``.
    """
    spans = np.asarray(offsets)
    mean = np.asarray(weights, dtype=np.float64).mean(axis=0)
    best = [
        max(
            (float(mean[(spans[:, 1] > m.start) & (spans[:, 0] < m.end)].sum()) for m in candidate.mentions),
            default=0.0,
        )
        for candidate in candidates
    ]
    return np.log(np.asarray(best) + 1e-4)


def linked_signal(
    question: str,
    candidates: Sequence[Candidate],
    passages: Sequence[Passage],
    *,
    rarity: Mapping[str, float],
) -> Signal:
    """Return for each candidate whether it stands in a passage the question leads to but does not name.

    A second hop is a passage whose title another passage mentions (``linked``) and the question does not hold
    (one minus the share of the title's words, by rarity, in the question): its facts are the likelier answers.
    """
    asked = set(content_stems(question))
    bodies = [word_key(passage.text) for passage in passages]
    hops = []
    for passage in passages:
        is_linked = any(
            mentions(body, passage.title)
            for other, body in zip(passages, bodies, strict=True)
            if other.title != passage.title
        )
        title = content_stems(bare_title(passage.title))
        hops.append(1.0 - word_share(title, asked, rarity) if is_linked and title else 0.0)
    return np.array([max((hops[p] for p in candidate.passages), default=0.0) for candidate in candidates])


def choose(candidates: Sequence[Candidate], scores: Signal, *, considered: int) -> Choice:
    """Pick the candidate with the largest expected F1 among the best ones.

    Parameters
    ----------
    scores : ndarray, (C,)
        Of which the odds are the exponential.
    considered : int
        How many of the best take part.
    """
    order = np.argsort(-scores, kind="stable")[:considered]
    odds = np.exp(scores[order] - scores[order].max())
    odds /= odds.sum()
    texts = [candidates[index].text for index in order]
    expected = [
        sum(p * overlap_f1(text, other) for p, other in zip(odds, texts, strict=True)) for text in texts
    ]
    best = int(np.argmax(expected))
    return Choice(int(order[best]), float(odds[best]), tuple(int(index) for index in order))
