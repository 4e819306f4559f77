"""LongMemEval: find the sessions, or turns, of a long history that answer a question.

Official retrieval rules: abstention questions stand apart, only what the user said is indexed and can be evidence unless
`roles="all"`, and `all_at_k` is the paper's recall (every evidence session among the first k) while `hit_at_k` is the
recall_any that many quote. `ndcg_at_10` discounts the second place, which the official script does not.
Regime: a history of 40 to 500 sessions for every question, one at a time in the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentcore.memory.benchmarks._answers import Answering
from agentcore.memory.benchmarks._longmemeval_file import read_longmemeval
from agentcore.memory.benchmarks._result import BenchResult
from agentcore.memory.benchmarks._retrieval import RetrievalRun, run_retrieval
from agentcore.memory.embedding import Embedder

__all__ = ["LongMemEvalConfig", "run_longmemeval"]


@dataclass(frozen=True, slots=True)
class LongMemEvalConfig:
    """What to run.

    Attributes
    ----------
    data : Path
        An official file.
    granularity : "turn" or "session"
        Evidence is the turns marked `has_answer`, or the answer sessions with such a turn (the best turn stands for a session).
    roles : "user" or "all"
        Whose turns are indexed; "user" is the official rule.
    questions : int or None
        Run the first so many only.
    compare, out, answering
        As in `LocomoConfig`.
    """

    data: Path
    granularity: Literal["turn", "session"] = "session"
    roles: Literal["user", "all"] = "user"
    questions: int | None = None
    compare: tuple[str, ...] = ("faiss", "bm25")
    out: Path | None = None
    show_progress: bool = True
    answering: Answering | None = None


def run_longmemeval(config: LongMemEvalConfig, *, embedder: Embedder | None = None) -> BenchResult:
    """Run the benchmark.

    Raises
    ------
    DatasetError
        The file is not LongMemEval's.
    EngineUnavailableError
        A baseline's package is not installed.
    """
    dataset = read_longmemeval(
        config.data, granularity=config.granularity, roles=config.roles, most=config.questions
    )
    run = RetrievalRun(
        bench="longmemeval",
        granularity=config.granularity,
        compare=config.compare,
        keep=False,
        out=config.out,
        settings={"roles": config.roles, "first_questions": config.questions},
        show_progress=config.show_progress,
        answering=config.answering,
    )
    return run_retrieval(run, dataset, embedder=embedder)
