"""From rankings to the numbers of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from agentcore.memory.benchmarks._dataset import Dataset, Partition, Question
from agentcore.memory.benchmarks._journal import Answered
from agentcore.memory.benchmarks._metrics import (
    auroc,
    bootstrap_interval,
    ndcg,
    percentile_ms,
    recall,
    reciprocal_rank,
)

__all__ = ["Granularity", "summarize"]

Granularity = Literal["turn", "session"]
_DEPTHS = (5, 10, 20)


@dataclass(frozen=True, slots=True)
class _Case:
    """A question with its ranking and evidence, at the granularity asked for."""

    question: Question
    partition: str
    ranking: Sequence[str]
    evidence: frozenset[str]
    score: float


def summarize(dataset: Dataset, answered: Sequence[Answered], *, granularity: Granularity) -> dict[str, Any]:
    """Return the metrics of one engine.

    Recall and ranks are over answerable questions; `by_category` lists every category. `recall_at_k` is the mean part of the
    evidence found, `hit_at_k` the part of questions with at least one piece (LongMemEval's recall_any), `all_at_k` with every
    piece (its recall_all). `folds` is recall_at_10 a partition: nothing is fitted here, so each is a held-out figure
    for constants that were fitted elsewhere. `recall_at_10_interval` resamples questions.
    """
    cases = _cases(dataset, answered, granularity)
    asked = [case for case in cases if case.question.answerable and case.evidence]
    seconds = [second for part in answered for second in part.seconds]
    rows = [count for part in answered for count in part.rows_scored if count is not None]
    items, added_s = sum(part.num_items for part in answered), sum(part.add_s for part in answered)
    metrics: dict[str, Any] = {**_quality(asked), "num_questions": len(asked)}
    tens = [recall(case.ranking, case.evidence, at=10) for case in asked]
    metrics |= {
        "recall_at_10_interval": bootstrap_interval(tens) if tens else None,
        "abstention_auroc": auroc(
            [case.score for case in cases if case.question.answerable],
            [case.score for case in cases if not case.question.answerable],
        ),
        "search_p50_ms": percentile_ms(seconds, 50),
        "search_p95_ms": percentile_ms(seconds, 95),
        "rows_scored": float(np.mean(rows)) if rows else None,
        "routes": dict(Counter(route for part in answered for route in part.routes if route)),
        "ingest_per_s": items / added_s if added_s else None,
        "by_category": {name: _quality(group) for name, group in _by_category(cases).items()},
        "folds": _folds(asked),
    }
    return metrics


def _cases(dataset: Dataset, answered: Sequence[Answered], granularity: Granularity) -> list[_Case]:
    partitions: Mapping[str, Partition] = {partition.id: partition for partition in dataset}
    cases = []
    for part in answered:
        partition = partitions[part.partition]
        session_of = partition.session_of()
        for question, ranking, score in zip(partition.questions, part.rankings, part.scores, strict=True):
            evidence: Sequence[str] = question.evidence
            if granularity == "session":
                # The best turn stands for its session.
                ranking = list(dict.fromkeys(session_of[item] for item in ranking))
                evidence = [session_of[item] for item in evidence]
            cases.append(_Case(question, partition.id, ranking, frozenset(evidence), score))
    return cases


def _quality(cases: Sequence[_Case]) -> dict[str, Any]:
    """Return means over questions; empty of none."""
    if not cases:
        return {}
    result: dict[str, Any] = {}
    for at in _DEPTHS:
        found = np.array([recall(case.ranking, case.evidence, at=at) for case in cases])
        result |= {
            f"recall_at_{at}": float(found.mean()),
            f"hit_at_{at}": float((found > 0).mean()),
            f"all_at_{at}": float((found == 1).mean()),
        }
    result["ndcg_at_10"] = float(np.mean([ndcg(case.ranking, case.evidence, at=10) for case in cases]))
    result["mrr"] = float(np.mean([reciprocal_rank(case.ranking, case.evidence) for case in cases]))
    return result


def _by_category(cases: Sequence[_Case]) -> dict[str, list[_Case]]:
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        if case.evidence:
            groups.setdefault(case.question.category, []).append(case)
    return dict(sorted(groups.items()))


def _folds(cases: Sequence[_Case]) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for case in cases:
        groups.setdefault(case.partition, []).append(recall(case.ranking, case.evidence, at=10))
    return {name: float(np.mean(values)) for name, values in groups.items()}
