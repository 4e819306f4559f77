"""Decide whether the corpus holds an answer at all: retrieval decides it, not the model.

With the gold passages taken out, the score of the best pair and the coverage of the question tell the two
cases apart; no likelihood of a small model does (AUROC .42-.62 in the study). A z-score's maximum grows with the
corpus, so the pair's score is put on one scale for all sizes (:mod:`agentcore.workflow.reading.beam`).
"""

from __future__ import annotations

import math

from agentcore.workflow.reading.settings import ReaderSettings

__all__ = ["found_probability"]


def found_probability(pair_score: float, coverage: float, *, settings: ReaderSettings) -> float:
    """Return how likely the evidence holds an answer, in [0, 1].

    Parameters
    ----------
    pair_score : float
        Of the best pair of passages, on one scale for corpora of any size
        (:class:`agentcore.workflow.reading.beam.Beam`).
    coverage : float
        Mean best cosine of the question's word pieces with the chosen sentences.
    """
    if not math.isfinite(pair_score):
        return 0.0
    total = settings.found_pair * pair_score + settings.found_coverage * coverage + settings.found_offset
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))
