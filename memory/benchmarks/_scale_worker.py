"""One engine, one size, in a process of its own: fill it, search it, weigh it, open it again."""

from __future__ import annotations

import gc
import pickle
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from agentcore.memory.benchmarks._apart import EndedError, run_apart
from agentcore.memory.benchmarks._dataset import Question
from agentcore.memory.benchmarks._metrics import percentile_ms, recall
from agentcore.memory.benchmarks._recombined import chunks
from agentcore.memory.benchmarks._result import resident_bytes
from agentcore.memory.benchmarks.engines import (
    Engine,
    EngineUnavailableError,
    Found,
    SwiftMemEngine,
    make_engine,
)
from agentcore.memory.embedding import Embedder, Encoded, EncodedQuery, TokenVectors, default_embedder
from agentcore.memory.embedding._protocol import Float32

__all__ = ["Job", "Outcome", "run_job"]

_OWN_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "swiftmem": {},
    "swiftmem-fast": {"profile": "fast"},
    "swiftmem-no-temporal": {"routes": ("tags", "ann")},
    "swiftmem-no-tags": {"routes": ("temporal", "ann")},
    "swiftmem-ann-only": {"routes": ("ann",)},
}
_REFERENCE: Mapping[str, Mapping[str, Any]] = {"swiftmem-exact": {"routes": ()}}
"""Asked apart: a scan of everything between two searches empties the caches that the next one would find filled."""

_COSINE_FAMILY = frozenset({"faiss", "faiss-hnsw", "faiss-ivf", "sqlite-vec", "chroma", "lancedb-dense"})
_MOST_CONSOLIDATED = 200_000
"""Records up to which the tags are made and consolidated: of a million that alone takes longer than an engine's budget."""

_TURN = 10
"""Questions that a variant answers in a row."""

_FEWEST = 5
"""Questions asked even when the budget is spent."""

_OVERRUN = 4.0
"""Wall time a process may take, in budgets: making the records is not the engine's work."""


@dataclass(frozen=True, slots=True)
class Job:
    """An engine at a size."""

    engine: str
    workload: str
    records: int
    seed: int
    engine_seconds: float
    inputs: str
    scratch: str


@dataclass(slots=True)
class Outcome:
    """Rows with the rankings that they were computed from."""

    measured: list[tuple[dict[str, Any], list[list[str]]]] = field(default_factory=list)


class _OutOfTime(Exception):  # noqa: N818 - control flow, not an error
    """The engine's budget is spent."""


@dataclass(frozen=True, slots=True)
class _GivenVectors:
    """Stands where an embedder is named; the vectors are handed over."""

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Float32:  # noqa: ARG002
        raise AssertionError("vectors are given")

    def encode(self, texts: Sequence[str]) -> Encoded:  # noqa: ARG002
        raise AssertionError("vectors are given")


def run_job(job: Job) -> Outcome:
    """Run in a fresh process; an engine that dies, or takes too long, gets a row that says so."""
    try:
        return run_apart(_work, job, seconds=_OVERRUN * job.engine_seconds + 120)
    except TimeoutError:
        return _skipped(job, "time")
    except EndedError as exc:
        return _skipped(job, str(exc))


def _work(job: Job) -> Outcome:
    """Return what was measured, or why nothing was."""
    with tempfile.TemporaryDirectory(dir=job.scratch) as folder:
        try:
            return _measure(job, Path(folder))
        except _OutOfTime:
            return _skipped(job, "time")
        except EngineUnavailableError as exc:
            return _skipped(job, exc.args[0])
        except MemoryError:
            return _skipped(job, "memory")


def _measure(job: Job, folder: Path) -> Outcome:
    with Path(job.inputs).open("rb") as file:
        real, asked, queries, name, dimension, embedder = pickle.load(file)  # noqa: S301 - written by this run's parent
    heavy = job.workload == "heavy_user"
    targets = [
        ("heavy" if heavy else partition, _renamed(partition, question)) for partition, question in asked
    ]
    gc.collect()
    before = resident_bytes() or 0
    engine = make_engine(job.engine, folder=folder, embedder=_GivenVectors(name, dimension))
    users: dict[str, None] = {}
    spent = 0.0
    for chunk in chunks(
        real, records=job.records, heavy=heavy, form=engine.form, seed=job.seed, kept_in=Path(job.scratch)
    ):
        began = perf_counter()
        engine.add(chunk.partition, chunk.items, chunk.encoded)
        spent += perf_counter() - began
        users[chunk.partition] = None
        if spent > job.engine_seconds:
            raise _OutOfTime
    began = perf_counter()
    engine.finish()
    engine.search(*targets[0], queries[0], limit=10)
    built = spent + perf_counter() - began
    del real
    outcome = Outcome()
    shared = {
        "add_s": spent,
        "build_s": built,
        "bytes_per_record": None,
        "ram_bytes_per_record": None,
        "cold_open_s": None,
    }
    if isinstance(engine, SwiftMemEngine):
        _measure_own(engine, targets, queries, job, shared, outcome)
        (default,) = (row for row, _ in outcome.measured if row["engine"] == engine.name)
        default["with_embedding_p50_ms"] = _with_embedding(engine, targets, embedder or default_embedder())
    else:
        _measure_variants(engine, {job.engine: {}}, targets, queries, job, shared, outcome)
    gc.collect()
    grown = max(0, (resident_bytes() or 0) - before) / job.records
    size = engine.size_bytes()
    began = perf_counter()
    if engine.reopen():
        spent = perf_counter() - began
        gc.collect()  # what was closed must be gone before as much is loaded again
        began = perf_counter()
        engine.search(*targets[0], queries[0], limit=10)
        shared["cold_open_s"] = spent + perf_counter() - began
    engine.close()
    if isinstance(engine, SwiftMemEngine):
        grown = run_apart(_weight, folder, list(users), _GivenVectors(name, dimension)) / job.records
    shared |= {"ram_bytes_per_record": grown, "bytes_per_record": size / job.records if size else grown}
    for row, _ in outcome.measured:
        row.update(shared)
    return outcome


def _measure_own(
    engine: SwiftMemEngine,
    targets: Sequence[tuple[str, Question]],
    queries: Sequence[EncodedQuery],
    job: Job,
    shared: Mapping[str, Any],
    outcome: Outcome,
) -> None:
    """Measure before consolidation, then consolidate and measure the default plan beside every ablation."""
    if job.records <= _MOST_CONSOLIDATED:
        _measure_variants(engine, {"swiftmem-no-consolidation": {}}, targets, queries, job, shared, outcome)
        began = perf_counter()
        engine.consolidate()
        shared = {**shared, "consolidation_s": perf_counter() - began}
    for variants in (_OWN_VARIANTS, _REFERENCE):
        _measure_variants(engine, variants, targets, queries, job, shared, outcome)


def _weight(folder: Path, users: Sequence[str], embedder: _GivenVectors) -> int:
    """Return the bytes that this process grows by when every user's records are loaded and searched once."""
    engine = SwiftMemEngine(folder, embedder=embedder)
    question = Question("q", "where is it", (), "1", asked_at=datetime(2025, 1, 1))
    vector = np.full(embedder.dimension, embedder.dimension**-0.5, dtype=np.float32)
    query = EncodedQuery(vector, TokenVectors(np.zeros(1, np.int32), ("where",), vector[None]))
    engine.search("nobody", question, query, limit=10)
    gc.collect()
    before = resident_bytes() or 0
    for user in users:
        engine.search(user, question, query, limit=10)
    gc.collect()
    grown = (resident_bytes() or 0) - before
    engine.close()
    return grown


def _measure_variants(
    engine: Engine,
    variants: Mapping[str, Mapping[str, Any]],
    targets: Sequence[tuple[str, Question]],
    queries: Sequence[EncodedQuery],
    job: Job,
    shared: Mapping[str, Any],
    outcome: Outcome,
) -> None:
    """Visit every user once, then time every question with each variant in turn, so that a slow moment hits all of them.

    A turn is ten questions one after another, as one asks who uses one variant; and variants are at different questions, so
    that none finds in the caches what another has just read. A single one stops early, and says after how many questions, when
    the budget is spent.
    """
    first: dict[str, float] = {}
    for (partition, question), query in zip(targets, queries, strict=True):
        if partition not in first:
            start = perf_counter()
            engine.search(partition, question, query, limit=10)
            first[partition] = perf_counter() - start
    answered: dict[str, dict[int, tuple[Found, float]]] = {name: {} for name in variants}
    began = perf_counter()
    turns = [range(len(targets))[begin : begin + _TURN] for begin in range(0, len(targets), _TURN)]
    for turn in range(len(turns)):
        for place, (name, options) in enumerate(variants.items()):
            if isinstance(engine, SwiftMemEngine):
                engine.search_options = dict(options)
            for number in turns[(turn + place * len(turns) // len(variants)) % len(turns)]:
                if len(variants) == 1 and number >= _FEWEST and perf_counter() - began > job.engine_seconds:
                    break
                partition, question = targets[number]
                start = perf_counter()
                hits = engine.search(partition, question, queries[number], limit=10)
                answered[name][number] = hits, perf_counter() - start
    found = {name: [hits for _, (hits, _) in sorted(rows.items())] for name, rows in answered.items()}
    seconds = {name: [spent for _, (_, spent) in sorted(rows.items())] for name, rows in answered.items()}
    if isinstance(engine, SwiftMemEngine):
        engine.search_options = {}
    visit = percentile_ms(list(first.values()), 50)
    for name in variants:
        row = {"engine": name, "first_visit_ms": visit, **_row(found[name], seconds[name], targets)}
        rankings = [list(each.ids) for each in found[name]]
        outcome.measured.append(({**row, **_family(name), **shared}, rankings))


def _with_embedding(
    engine: SwiftMemEngine, targets: Sequence[tuple[str, Question]], embedder: Embedder
) -> float | None:
    """Return the median milliseconds of embedding a question, remembered from nowhere, and searching with it."""
    seconds = []
    for partition, question in targets:
        start = perf_counter()
        encoded = embedder.encode([question.text])
        query = EncodedQuery(encoded.pooled[0], encoded.tokens[0] if encoded.tokens is not None else None)
        engine.search(partition, question, query, limit=10)
        seconds.append(perf_counter() - start)
    return percentile_ms(seconds, 50)


def _row(
    found: Sequence[Found], seconds: Sequence[float], targets: Sequence[tuple[str, Question]]
) -> dict[str, Any]:
    """Return what one variant's searches show."""
    routes = Counter(each.route for each in found)
    scored = [each.rows_scored for each in found if each.rows_scored is not None]
    right = [
        recall(each.ids, question.evidence, at=10)
        for each, (_, question) in zip(found, targets, strict=False)
    ]
    return {
        "mode": _mode(routes),
        "p50_ms": percentile_ms(seconds, 50),
        "p95_ms": percentile_ms(seconds, 95),
        "recall_at_10": None,
        "evidence_recall_at_10": sum(right) / len(right),
        "rows_scored": sum(scored) / len(scored) if scored else None,
        "routes": {str(name): count for name, count in routes.items() if name},
        "queries": len(found),
    }


def _mode(routes: Mapping[str | None, int]) -> str:
    """Return what most searches did: exact, routed (a temporal or tag gate) or ann."""
    most = max(routes, key=lambda name: routes[name]) if routes else None
    return {"temporal": "routed", "tags": "routed", "ann": "ann"}.get(most or "", "exact")


def _family(variant: str) -> dict[str, str]:
    """Return whose exact ranking a row's recall is measured against, and whether it is that ranking."""
    if variant.startswith("swiftmem"):
        if variant == "swiftmem-fast":
            return {}
        return {"family": "swiftmem"} | ({"reference": "swiftmem"} if variant == "swiftmem-exact" else {})
    if variant in _COSINE_FAMILY:
        return {"family": "cosine"} | ({"reference": "cosine"} if variant == "faiss" else {})
    return {}


def _renamed(partition: str, question: Question) -> Question:
    """Name the evidence as the planted items are named."""
    return replace(question, evidence=tuple(f"{partition}:{item}" for item in question.evidence))


def _skipped(job: Job, reason: str) -> Outcome:
    return Outcome([({"engine": job.engine, "skipped": reason}, [])])
