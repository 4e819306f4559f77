"""Search time, recall, memory and opening time as a store grows: many users, or one heavy user.

Records are real turns of the data file and, beyond them, turns recombined from spans of real ones, with vectors that are seeded mixtures of
real vectors (`_recombined.py` says how); questions are those of the file, asked of the real conversations planted among the rest.
Embedding is outside every figure. Each engine runs in a process of its own, so that its memory is its own.

What it cannot tell: recall on a million records of real text, where near-duplicates are more alike than recombined ones; times under load.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._locomo_file import read_locomo
from agentcore.memory.benchmarks._progress import progress_bar
from agentcore.memory.benchmarks._recombined import RealTurns
from agentcore.memory.benchmarks._result import BenchResult, environment
from agentcore.memory.benchmarks._scale_worker import Job, Outcome, run_job
from agentcore.memory.benchmarks._scratch import scratch_folder
from agentcore.memory.benchmarks.engines import ENGINES
from agentcore.memory.embedding import Embedder, EncodedQuery, default_embedder

__all__ = ["EXAMPLE_TURNS", "MemoryScaleConfig", "run_memory_scale", "write_result"]

EXAMPLE_TURNS = Path(__file__).parent / "data" / "example_turns.json"
"""Sentences of the example corpus as turns, with its questions: what is run when no data file is named."""

_AT_A_MILLION = frozenset({"swiftmem", "faiss", "faiss-hnsw", "faiss-ivf", "sqlite-vec"})
_MANY = 500_000


@dataclass(frozen=True, slots=True)
class MemoryScaleConfig:
    """What to run.

    Attributes
    ----------
    data : Path or None
        A LoCoMo file: the real turns and the questions; None is the text that ships.
    records : tuple of int
        Sizes.
    engines : tuple of str
        Beside SwiftMem; above 500,000 records only FAISS and sqlite-vec, unless `all_engines`.
    engine_seconds : float
        Longest time an engine may take for storing and searching one size; beyond it its row says so.
    queries : int
        Questions asked.
    """

    data: Path | None = None
    records: tuple[int, ...] = (10_000, 100_000)
    workloads: tuple[str, ...] = ("many_users", "heavy_user")
    engines: tuple[str, ...] = ("faiss", "faiss-hnsw", "faiss-ivf", "rrf", "sqlite-vec", "chroma", "lancedb")
    engine_seconds: float = 300.0
    queries: int = 100
    seed: int = 0
    all_engines: bool = False
    out: Path | None = None
    show_progress: bool = True


def run_memory_scale(config: MemoryScaleConfig, *, embedder: Embedder | None = None) -> BenchResult:
    """Run every engine at every size and workload.

    Returns
    -------
    BenchResult
        `metrics["rows"]` as the design names them; ours are engine `swiftmem` (default plan), `swiftmem-exact` (every record scored),
        `swiftmem-fast` (no token stage) and the ablations `swiftmem-no-...`. `recall_at_10` compares with the same scoring over all rows,
        `evidence_recall_at_10` with what the questions ask for; `with_embedding_p50_ms` is the default plan with the embedding of the
        question before it, on one core. `metrics["growth"]` says by workload what the median of the largest size is to that of the smallest.

    Raises
    ------
    ValueError
        An unknown engine or workload, or fewer records than the file has turns.
    """
    for name in config.engines:
        if name not in ENGINES:
            raise ValueError(f"no engine is called {name!r}: choose from {', '.join(ENGINES)}")
    for workload in config.workloads:
        if workload not in ("many_users", "heavy_user"):
            raise ValueError(f"workload must be 'many_users' or 'heavy_user', not {workload!r}")
    given, embedder = embedder, embedder or default_embedder()
    dataset = read_locomo(config.data or EXAMPLE_TURNS)
    turns = sum(len(partition.items) for partition in dataset)
    if min(config.records) < turns:
        raise ValueError(f"records must be at least {turns}, the number of turns in {dataset.name!r}")
    names = ["swiftmem", *dict.fromkeys(name for name in config.engines if name != "swiftmem")]
    rows: list[dict[str, Any]] = []
    with (
        scratch_folder("scale") as scratch,
        progress_bar("memory-scale", visible=config.show_progress) as progress,
    ):
        progress("embed", 0, 1)
        inputs = _write_inputs(
            scratch, dataset.partitions, RealTurns.embed(dataset, embedder), embedder, config, given
        )
        jobs = [
            (workload, records, name)
            for workload in config.workloads
            for records in config.records
            for name in names
            if records <= _MANY or config.all_engines or name in _AT_A_MILLION
        ]
        references: dict[tuple[str, str, int], list[list[str]]] = {}
        for done, (workload, records, name) in enumerate(jobs):
            progress(f"{name}, {records:,} records, {workload}", done, len(jobs))
            job = Job(name, workload, records, config.seed, config.engine_seconds, str(inputs), str(scratch))
            outcome = run_job(job)
            rows += _rows(outcome, references, (workload, records))
        progress("done", len(jobs), len(jobs))
    settings = {
        "records": list(config.records),
        "queries": config.queries,
        "engine_seconds": config.engine_seconds,
        "seed": config.seed,
        "embedder": embedder.name,
        "vectors": f"{turns} real turns; the rest 2 to 4 spans of real turns, by topic; vectors seeded mixtures of real ones",
        "users": "about 600 records each; timed after one visit to every user asked",
    }
    metrics = {"rows": rows, "growth": _growth(rows)}
    result = BenchResult("memory-scale", dataset.name, metrics, {}, settings, environment())
    if config.out is not None:
        write_result(result, config.out / "memory-scale.json")
    return result


def write_result(result: BenchResult, path: Path) -> None:
    """Write the result; rows of other sizes and workloads that the file holds stay, with the settings they were made by."""
    kept: list[dict[str, Any]] = []
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier["bench"] == result.bench and earlier["data"] == result.data:
            made = {(row["workload"], row["records"]) for row in result.metrics["rows"]}
            settings = {name: value for name, value in earlier["settings"].items() if name != "records"}
            kept = [
                {"settings": settings, **row}
                for row in earlier["metrics"]["rows"]
                if (row["workload"], row["records"]) not in made
            ]
    except (OSError, ValueError, KeyError, TypeError):
        kept = []  # no result of this benchmark: it is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [*kept, *result.metrics["rows"]]
    whole = replace(result, metrics={"rows": rows, "growth": _growth(rows)})
    path.write_text(whole.json_line() + "\n", encoding="utf-8")


def _write_inputs(
    folder: Path,
    partitions: Sequence[Any],
    real: RealTurns,
    embedder: Embedder,
    config: MemoryScaleConfig,
    given: Embedder | None,
) -> Path:
    """Keep real turns, embedded questions and the embedder (None: the packaged one) for the engines' processes."""
    asked = [
        (partition.id, question)
        for partition in partitions
        for question in partition.questions
        if question.answerable
    ]
    step = max(1, len(asked) // config.queries)
    chosen = asked[::step][: config.queries]
    encoded = embedder.encode([question.text for _, question in chosen])
    queries = [
        EncodedQuery(encoded.pooled[row], encoded.tokens[row] if encoded.tokens is not None else None)
        for row in range(len(chosen))
    ]
    path = folder / "inputs.pickle"
    with path.open("wb") as file:
        pickle.dump((real, chosen, queries, embedder.name, embedder.dimension, given), file)
    return path


def _rows(
    outcome: Outcome, references: dict[tuple[str, str, int], list[list[str]]], size: tuple[str, int]
) -> list[dict[str, Any]]:
    """Return an engine's rows, recall filled in against its reference: its own exact ranking, or FAISS flat."""
    rows = []
    for row, rankings in outcome.measured:
        if row.get("reference"):
            references[str(row["reference"]), *size] = rankings
    for row, rankings in outcome.measured:
        family = row.pop("family", None)
        row.pop("reference", None)
        truth = references.get((family, *size)) if family else None
        if truth is not None and rankings:
            row["recall_at_10"] = _overlap(rankings, truth)
        rows.append({"workload": size[0], "records": size[1], **row})
    return rows


def _growth(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return by workload how the median of the default plan grows from the smallest size to the largest."""
    medians: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["engine"] == "swiftmem" and "p50_ms" in row:
            medians.setdefault(row["workload"], {})[row["records"]] = row["p50_ms"]
    return {
        workload: {"from": min(sizes), "to": max(sizes), "p50_ratio": sizes[max(sizes)] / sizes[min(sizes)]}
        for workload, sizes in medians.items()
        if len(sizes) > 1
    }


def _overlap(rankings: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> float:
    """Return the mean part of the true first ten that was returned."""
    pairs = list(zip(rankings, truth, strict=False))
    return sum(
        len(set(found[:10]) & set(right[:10])) / max(1, len(right[:10])) for found, right in pairs
    ) / len(pairs)
