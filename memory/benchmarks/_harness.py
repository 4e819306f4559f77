"""Run every engine over every partition: embed once, store, search, write down rankings and times.

Embedding is measured apart and never part of a search's time: all engines get the same query vector. The engines take turns
partition by partition, so that a machine that slows down slows down all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from agentcore.memory.benchmarks._dataset import Dataset, Partition
from agentcore.memory.benchmarks._journal import Answered, Journal
from agentcore.memory.benchmarks.engines import Engine, TextForm, turn_text
from agentcore.memory.embedding import Embedder, Encoded, EncodedQuery

__all__ = ["OtherTimes", "Progress", "run_engines"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""

_WARM_UP = 3
"""Searches before the clock starts: indexes are loaded by the first search of a partition."""


@dataclass(slots=True)
class OtherTimes:
    """Seconds that are no search: embedding, and what engines put off until after adding."""

    items: int = 0
    items_s: float = 0.0
    queries_s: list[float] = field(default_factory=list)
    finish_s: dict[str, float] = field(default_factory=dict)
    """By engine: waiting for deferred indexes and background work before the first search."""


def run_engines(
    dataset: Dataset,
    engines: Sequence[Engine],
    *,
    embedder: Embedder,
    journal: Journal,
    limit: int,
    keep: bool,
    progress: Progress,
) -> OtherTimes:
    """Fill the journal.

    Parameters
    ----------
    keep : bool
        Whether all partitions stay in the stores while the others are searched (many users in one store); where false, a
        partition is removed after its questions.
    """
    times = OtherTimes()
    steps = len(dataset.partitions) * (2 if keep else 1)
    add_times: dict[tuple[str, str], float] = {}
    for done, partition in enumerate(dataset):
        progress(f"store {partition.id}", done, steps)
        waiting = _waiting(engines, journal, partition)
        if waiting:
            add_times |= _store(partition, waiting if not keep else engines, embedder, times)
        if not keep:
            _finish(waiting, times)
            _ask(partition, waiting, add_times, embedder, journal, limit, times)
            for engine in waiting:
                engine.remove(partition.id)
    if keep:
        _finish(engines, times)
    for done, partition in enumerate(dataset if keep else ()):
        progress(f"search {partition.id}", len(dataset.partitions) + done, steps)
        _ask(partition, _waiting(engines, journal, partition), add_times, embedder, journal, limit, times)
    progress("done", steps, steps)
    return times


def _finish(engines: Sequence[Engine], times: OtherTimes) -> None:
    """Let engines complete what they put off, so that it disturbs no search that is timed."""
    for engine in engines:
        began = perf_counter()
        engine.finish()
        times.finish_s[engine.name] = times.finish_s.get(engine.name, 0.0) + perf_counter() - began


def _waiting(engines: Sequence[Engine], journal: Journal, partition: Partition) -> list[Engine]:
    return [engine for engine in engines if journal.get(engine.name, partition.id) is None]


def _store(
    partition: Partition, engines: Sequence[Engine], embedder: Embedder, times: OtherTimes
) -> dict[tuple[str, str], float]:
    """Embed the partition's items in each form that is needed, and store them."""
    encoded: dict[TextForm, Encoded] = {}
    spent = {}
    for engine in engines:
        if engine.form not in encoded:
            texts = [turn_text(item) if engine.form == "turn" else item.document for item in partition.items]
            began = perf_counter()
            encoded[engine.form] = embedder.encode(texts)
            times.items_s += perf_counter() - began
            times.items += len(texts)
        began = perf_counter()
        engine.add(partition.id, partition.items, encoded[engine.form])
        spent[engine.name, partition.id] = perf_counter() - began
    return spent


def _ask(
    partition: Partition,
    engines: Sequence[Engine],
    add_times: Mapping[tuple[str, str], float],
    embedder: Embedder,
    journal: Journal,
    limit: int,
    times: OtherTimes,
) -> None:
    """Search for all questions of a partition with each engine in turn."""
    if not engines:
        return
    queries = []
    for question in partition.questions:
        began = perf_counter()
        encoded = embedder.encode([question.text])
        times.queries_s.append(perf_counter() - began)
        queries.append(
            EncodedQuery(encoded.pooled[0], encoded.tokens[0] if encoded.tokens is not None else None)
        )
    for engine in engines:
        for question, query in list(zip(partition.questions, queries, strict=True))[:_WARM_UP]:
            engine.search(partition.id, question, query, limit=limit)
        found, seconds = [], []
        for question, query in zip(partition.questions, queries, strict=True):
            began = perf_counter()
            found.append(engine.search(partition.id, question, query, limit=limit))
            seconds.append(perf_counter() - began)
        journal.add(
            Answered(
                engine=engine.name,
                partition=partition.id,
                rankings=[list(each.ids) for each in found],
                scores=[each.score for each in found],
                seconds=seconds,
                rows_scored=[each.rows_scored for each in found],
                routes=[each.route for each in found],
                num_items=len(partition.items),
                add_s=add_times[engine.name, partition.id],
            )
        )
