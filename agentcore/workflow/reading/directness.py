"""Tell a question after a single fact, all of which one sentence holds, from one of two hops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from agentcore.workflow.reading.candidates import Candidate
from agentcore.workflow.reading.coverage import Selection, word_share
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.question import kind_words
from agentcore.workflow.reading.words import content_stems

__all__ = ["direct_signal", "held_shares", "hop_share"]


def held_shares(
    question: str, selection: Selection, passages: Sequence[Passage], *, rarity: Mapping[str, float]
) -> tuple[float, ...]:
    """Return for each sentence which share of the question, by rarity, it holds together with its title.

    Words that only name the kind of the answer ("which *river*", "how *tall*") are no part of it: the answer replaces them.
    """
    kinds = {stem for word in kind_words(question) for stem in content_stems(word)}
    asked = [stem for stem in content_stems(question) if stem not in kinds]
    return tuple(
        word_share(asked, set(content_stems(f"{passages[s.passage].title} {s.text}")), rarity)
        for s in selection.sentences
    )


def direct_signal(
    candidates: Sequence[Candidate], shares: Sequence[float], *, least: float
) -> npt.NDArray[np.float64]:
    """Return for each candidate how much of the question its sentence holds, where one sentence holds nearly all of it.

    Then the question asks for a single fact, and the answer stands in that sentence rather than in one that says the same
    of something else. A question of two hops is spread over sentences: no sentence reaches ``least``, all values are zero.
    """
    if max(shares, default=0.0) < least:
        return np.zeros(len(candidates))
    return np.array([max((shares[m.sentence] for m in c.mentions), default=0.0) for c in candidates])


def hop_share(shares: Sequence[float], *, least: float) -> float:
    """Return how far a second hop is still to be expected: 1 up to ``least``, 0 where one sentence holds the whole question."""
    return min(1.0, (1.0 - max(shares, default=0.0)) / (1.0 - least))
