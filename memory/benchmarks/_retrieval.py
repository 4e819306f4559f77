"""The retrieval benchmark that LoCoMo and LongMemEval share, once their files are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._answers import Answering, answer_scores
from agentcore.memory.benchmarks._dataset import Dataset
from agentcore.memory.benchmarks._harness import OtherTimes, run_engines
from agentcore.memory.benchmarks._journal import Journal
from agentcore.memory.benchmarks._metrics import percentile_ms
from agentcore.memory.benchmarks._progress import progress_bar
from agentcore.memory.benchmarks._report import draw_plot
from agentcore.memory.benchmarks._result import BenchResult, environment, resident_bytes
from agentcore.memory.benchmarks._scratch import scratch_folder
from agentcore.memory.benchmarks._summary import Granularity, summarize
from agentcore.memory.benchmarks.engines import Engine, make_engine
from agentcore.memory.embedding import Embedder, default_embedder

__all__ = ["RetrievalRun", "run_retrieval"]

_DEPTH = {"turn": 20, "session": 100}
"""Turns asked for: the deepest metric, and enough for twenty sessions to show up."""


@dataclass(frozen=True, slots=True)
class RetrievalRun:
    """What to run.

    Attributes
    ----------
    compare : sequence of str
        Baselines beside SwiftMem.
    keep : bool
        Whether all partitions stay in the stores together.
    settings : Mapping
        Shown in the result; another setting is another run.
    """

    bench: str
    granularity: Granularity
    compare: Sequence[str]
    keep: bool
    out: Path | None
    settings: Mapping[str, Any]
    show_progress: bool
    answering: Answering | None = None


def run_retrieval(run: RetrievalRun, dataset: Dataset, *, embedder: Embedder | None) -> BenchResult:
    """Run SwiftMem and the baselines over a data set; with `out`, resumable, and plotted there."""
    embedder = embedder or default_embedder()
    names = ["swiftmem", *dict.fromkeys(name for name in run.compare if name != "swiftmem")]
    settings = {
        **run.settings,
        "granularity": run.granularity,
        "engines": names,
        "embedder": embedder.name,
        "precision": getattr(embedder, "precision", None),
        "limit": _DEPTH[run.granularity],
        "partitions": len(dataset.partitions),
        "questions": dataset.num_questions(),
        "skipped": dict(dataset.skipped),
    }
    journal = Journal(run.out, settings={**settings, "bench": run.bench, "data": dataset.name})
    answers: dict[str, Any] = {}
    with scratch_folder("bench") as scratch:
        before = resident_bytes()
        engines = [make_engine(name, folder=scratch, embedder=embedder) for name in names]
        try:
            with progress_bar(run.bench, visible=run.show_progress) as progress:
                times = run_engines(
                    dataset,
                    engines,
                    embedder=embedder,
                    journal=journal,
                    limit=_DEPTH[run.granularity],
                    keep=run.keep,
                    progress=progress,
                )
                if run.answering is not None:
                    answers = answer_scores(
                        dataset,
                        journal.of("swiftmem"),
                        run.answering,
                        progress=lambda done, all_: progress("answer", done, all_),
                    )
            summaries = {
                engine.name: _summary(engine, dataset, journal, run.granularity, times) for engine in engines
            }
        finally:
            for engine in engines:
                engine.close()
    after = resident_bytes()
    metrics = {**summaries.pop("swiftmem"), **answers}
    metrics["all_engines_rss_bytes"] = after - before if after is not None and before is not None else None
    result = BenchResult(run.bench, dataset.name, metrics, summaries, settings, environment())
    if run.out is not None:
        draw_plot(result, run.out / f"{run.bench}.png")
        (run.out / f"{run.bench}.json").write_text(result.json_line() + "\n", encoding="utf-8")
    journal.discard()
    return result


def _summary(
    engine: Engine, dataset: Dataset, journal: Journal, granularity: Granularity, times: OtherTimes
) -> dict[str, Any]:
    summary = summarize(dataset, journal.of(engine.name), granularity=granularity)
    summary["file_bytes"] = engine.size_bytes()
    summary["finish_s"] = times.finish_s.get(engine.name)
    summary["query_embedding_p50_ms"] = percentile_ms(times.queries_s, 50)
    summary["embedded_per_s"] = times.items / times.items_s if times.items_s else None
    return summary
