"""LoCoMo: find the turns of a months-long conversation that answer a question.

Measures evidence recall of retrieval, never the wording of an answer. Regime: about 600 turns a user, all users in one
store, a question searches its own user. What it cannot tell: behaviour on other kinds of text, or how well a model reads
what is found. SwiftMem's constants were fitted on five of the ten conversations; `folds` shows each conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentcore.memory.benchmarks._answers import Answering
from agentcore.memory.benchmarks._locomo_file import read_locomo
from agentcore.memory.benchmarks._result import BenchResult
from agentcore.memory.benchmarks._retrieval import RetrievalRun, run_retrieval
from agentcore.memory.embedding import Embedder

__all__ = ["LocomoConfig", "run_locomo"]


@dataclass(frozen=True, slots=True)
class LocomoConfig:
    """What to run.

    Attributes
    ----------
    data : Path
        The official file.
    granularity : "turn" or "session"
        What counts as found: the evidence turn, or its session (the best turn stands for a session).
    compare : tuple of str
        Baselines of the same run; see `ENGINES`.
    out : Path or None
        Folder for the plot, the JSON, and what makes an interrupted run resumable.
    answering : Answering or None
        A reader that answers from what SwiftMem found; its answers are scored beside.
    """

    data: Path
    granularity: Literal["turn", "session"] = "turn"
    compare: tuple[str, ...] = ("faiss", "bm25")
    out: Path | None = None
    show_progress: bool = True
    answering: Answering | None = None


def run_locomo(config: LocomoConfig, *, embedder: Embedder | None = None) -> BenchResult:
    """Run the benchmark.

    Headline metrics are over categories 1-4; category 5, where the right answer is to abstain, counts in
    `abstention_auroc` and stands in `by_category`.

    Raises
    ------
    DatasetError
        The file is not LoCoMo's.
    EngineUnavailableError
        A baseline's package is not installed.
    """
    run = RetrievalRun(
        bench="locomo",
        granularity=config.granularity,
        compare=config.compare,
        keep=True,
        out=config.out,
        settings={},
        show_progress=config.show_progress,
        answering=config.answering,
    )
    return run_retrieval(run, read_locomo(config.data), embedder=embedder)
