"""Figures of a trimming replay: each trace weighs 1 (micro figures beside), intervals by bootstrap over problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agentcore.evaluation.trimming_traces import Cut, Trace, is_right

REPEATS = 1000
PACE = 40.0
"""Tokens a second at which `replay_seconds` decodes what was kept, one trace after the other."""


@dataclass(frozen=True, slots=True)
class Row:
    """One trace with what the oracle and a detector did to it."""

    trace: Trace
    cut: Cut
    oracle: float
    right_before: bool
    right_after: bool

    @classmethod
    def of(cls, trace: Trace, cut: Cut, oracle: float) -> Row:
        """Judge the answers before and after."""
        after = trace.correct if cut.kept >= 1.0 else is_right(cut.answer, trace)
        return cls(trace, cut, oracle, trace.correct, after)


def group_metrics(rows: Sequence[Row], *, seed: int = 0, intervals: bool = True) -> dict[str, object]:
    """Return the figures of one group of traces; empty for no trace.

    Returns
    -------
    dict
        Shares in [0, 1]; `thoughts` is the mean number in what was kept; `*_interval` are 95 % bootstrap intervals over problems. `share_of_oracle` is None where the
        oracle saves nothing, as on unfinished traces.
    """
    if not rows:
        return {}
    figures: dict[str, object] = {"traces": len(rows), **_figures(rows)}
    figures["reasons"] = _reasons(rows)
    figures["replay_seconds"] = float(sum(row.cut.kept * row.trace.tokens for row in rows) / PACE)
    figures["thoughts"] = float(np.mean([row.cut.thoughts for row in rows]))
    if intervals:
        figures.update(_intervals(rows, seed=seed))
    return figures


def split_metrics(rows: Sequence[Row], *, intervals: bool = True) -> dict[str, dict[str, object]]:
    """Return the figures of finished, unfinished and all traces."""
    groups: dict[str, Callable[[Row], bool]] = {
        "finished": lambda row: row.trace.finished,
        "unfinished": lambda row: not row.trace.finished,
        "all": lambda _: True,
    }
    return {
        name: group_metrics([row for row in rows if keep(row)], intervals=intervals)
        for name, keep in groups.items()
    }


def _figures(rows: Sequence[Row]) -> dict[str, float | None]:
    """Return the plain figures of a sample."""
    kept = np.array([row.cut.kept for row in rows])
    oracle = np.array([row.oracle for row in rows])
    tokens = np.array([row.trace.tokens for row in rows], dtype=float)
    before = np.array([row.right_before for row in rows])
    after = np.array([row.right_after for row in rows])
    saving = float((1 - oracle).sum())
    return {
        "tokens_kept": float(kept.mean()),
        "tokens_kept_micro": float((kept * tokens).sum() / max(tokens.sum(), 1.0)),
        "oracle_tokens_kept": float(oracle.mean()),
        "share_of_oracle": float((1 - kept).sum() / saving) if saving > 1e-9 else None,
        "accuracy_before": float(before.mean()),
        "accuracy_after": float(after.mean()),
        "false_cut_rate": float((before & ~after).mean()),
        "cut_rate": float((kept < 1).mean()),
    }


def _reasons(rows: Sequence[Row]) -> dict[str, int]:
    """Count the cuts by the detector that made them."""
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.cut.reason:
            counts[row.cut.reason] += 1
    return dict(sorted(counts.items()))


def _intervals(rows: Sequence[Row], *, seed: int) -> dict[str, list[float]]:
    """Bootstrap over problems."""
    by_problem: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_problem[row.trace.problem_id].append(row)
    problems = list(by_problem.values())
    random = np.random.default_rng(seed)
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(REPEATS):
        chosen = [
            row for index in random.integers(len(problems), size=len(problems)) for row in problems[index]
        ]
        for name, value in _figures(chosen).items():
            if value is not None and name in (
                "tokens_kept",
                "share_of_oracle",
                "accuracy_after",
                "false_cut_rate",
            ):
                samples[name].append(value)
    return {
        f"{name}_interval": [float(edge) for edge in np.percentile(values, [2.5, 97.5])]
        for name, values in sorted(samples.items())
    }
