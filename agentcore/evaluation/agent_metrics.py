"""What is counted of an answer, and how the counts become metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agentcore.evaluation.agent_questions import Question
from agentcore.workflow.reading.candidates import answer_key, overlap_f1

__all__ = ["Row", "area_under_curve", "metrics_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One answered question.

    Attributes
    ----------
    answer : str
        Empty for "not found".
    ledger : tuple of str
        Sources in the order given to the writer.
    valid, precise, cited : int
        Citations whose span is in its snapshot; whose span is in a gold document; all of them.
    found : float
        The signal that an answer is there.
    """

    question: Question
    answer: str
    ledger: tuple[str, ...]
    valid: int = 0
    precise: int = 0
    cited: int = 0
    found: float = 0.0
    invalid_tool_calls: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0


def metrics_of(rows: Sequence[Row], without_gold: Sequence[Row]) -> dict[str, float | None]:
    """Return the metrics users can rely on.

    Parameters
    ----------
    rows : sequence of Row
        Of the questions as they are.
    without_gold : sequence of Row
        Of the questions with their gold documents taken out of the corpus.

    Returns
    -------
    dict
        Fractions in [0, 1]; calls, tokens and seconds a question. F1, EM and evidence recall are over the questions
        that have an answer ("not found" counts as wrong); None where nothing was there to count.
    """
    answerable = [row for row in rows if row.question.answer is not None]
    unanswerable = [row for row in rows if row.question.answer is None] + list(without_gold)
    answered = [row for row in rows if row.answer]
    cited = sum(row.cited for row in rows)
    return {
        "evidence_recall_at_5": _mean([_recall(row, 5) for row in answerable]),
        "evidence_recall_at_10": _mean([_recall(row, 10) for row in answerable]),
        "answer_f1": _mean([overlap_f1(row.answer, row.question.answer or "") for row in answerable]),
        "answer_em": _mean(
            [answer_key(row.answer) == answer_key(row.question.answer or "") for row in answerable]
        ),
        "citation_validity": sum(row.valid for row in rows) / cited if cited else None,
        "citation_precision": sum(row.precise for row in rows) / cited if cited else None,
        "answers_with_citation": _mean([row.cited > 0 for row in answered]),
        "not_found_rate": _mean([not row.answer for row in answerable]),
        "not_found_rate_without_gold": _mean([not row.answer for row in unanswerable]),
        "not_found_auroc": area_under_curve(
            [row.found for row in answerable], [row.found for row in unanswerable]
        ),
        "invalid_tool_calls": float(sum(row.invalid_tool_calls for row in rows)),
        "model_calls": _mean([row.model_calls for row in rows]),
        "tool_calls": _mean([row.tool_calls for row in rows]),
        "tokens": _mean([row.tokens for row in rows]),
        "seconds": _mean([row.seconds for row in rows]),
    }


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return how often a positive scores above a negative (ties count a half)."""
    if not positive or not negative:
        return None
    above = np.subtract.outer(np.asarray(positive), np.asarray(negative))
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def _recall(row: Row, count: int) -> float:
    """Return the share of gold sources among the first few distinct ones."""
    first = set(list(dict.fromkeys(row.ledger))[:count])
    return len(first & row.question.gold) / len(row.question.gold) if row.question.gold else 0.0


def _mean(values: Sequence[Any]) -> float | None:
    return float(np.mean([float(value) for value in values])) if values else None
