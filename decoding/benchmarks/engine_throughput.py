"""Tokens a second of eight callers at once, against the same eight calls one after the other.

Prompts share a beginning of about 200 tokens, as seekers of one run do, and differ behind it. Both ways run in turn within
each round, prefill included, every prompt forgotten before each. Greedy tokens of both are compared.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from agentcore.decoding import LanguageModel, generate

__all__ = ["measure_throughput"]

_COMMON = (
    "This is an encyclopedia. Every article begins with a definition, goes on with the history of its subject, describes "
    "how it is made or where it is found, and ends with what it is used for today. "
) * 5
_BEGINNINGS = (
    "The history of the lighthouse begins with",
    "The longest rivers of Europe are",
    "Once upon a time there was a miller who",
    "Bread is baked from flour, water and",
    "In 1957 a comet was seen by",
    "The law of gravitation says that",
    "The ship left the harbour of",
    "The museum was founded in",
)
Texts = list[list[int]]


def measure_throughput(
    models: Mapping[str, LanguageModel], *, num_tokens: int = 64, rounds: int = 9
) -> dict[str, dict[str, Any]]:
    """Time eight calls in sequence and at once.

    Parameters
    ----------
    models : mapping of str to LanguageModel
        By layout.
    num_tokens : int
        New tokens a call.
    rounds : int
        Interleaved rounds after a warm-up.

    Returns
    -------
    dict
        By layout: ``sequence_tokens_per_s`` and ``parallel_tokens_per_s`` (medians), ``ratio`` (median of the rounds'
        ratios) with ``ratio_low`` and ``ratio_high`` (90 %, bootstrap of that median), ``equal`` (calls whose tokens are
        the same both ways, of all), ``tokens`` (of all calls together), ``fairness`` (slowest caller's time a token over the
        fastest's, median) and ``rounds``.
    """
    result: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        prompts = [model.tokenizer.encode(f"{_COMMON}\n\n{beginning}") for beginning in _BEGINNINGS]
        calls = [_call(model, ids, num_tokens) for ids in prompts]
        _at_once(model, calls)
        rows: list[tuple[float, float, float]] = []
        equal = tokens = 0
        for _ in range(rounds):
            sequence_s, one_by_one = _in_sequence(model, calls)
            parallel_s, together, fairness = _at_once(model, calls)
            equal += sum(a == b for a, b in zip(one_by_one, together, strict=True))
            tokens = sum(map(len, one_by_one))
            rows.append((tokens / sequence_s, tokens / parallel_s, fairness))
        ratios = [parallel / sequence for sequence, parallel, _ in rows]
        low, high = _interval(ratios)
        result[name] = {
            "sequence_tokens_per_s": statistics.median(row[0] for row in rows),
            "parallel_tokens_per_s": statistics.median(row[1] for row in rows),
            "ratio": statistics.median(ratios),
            "ratio_low": low,
            "ratio_high": high,
            "tokens": tokens,
            "equal": equal / (rounds * len(calls)),
            "fairness": statistics.median(row[2] for row in rows),
            "rounds": ratios,
        }
    return result


def _call(model: LanguageModel, ids: list[int], num_tokens: int) -> Callable[[], list[int]]:
    return lambda: [step.token_id for step in generate(model, ids, max_new_tokens=num_tokens)]


def _in_sequence(model: LanguageModel, calls: list[Callable[[], list[int]]]) -> tuple[float, Texts]:
    model.blocks.clear()
    begun = time.perf_counter()
    texts = [call() for call in calls]
    return time.perf_counter() - begun, texts


def _at_once(model: LanguageModel, calls: list[Callable[[], list[int]]]) -> tuple[float, Texts, float]:
    """Return the seconds of all, each one's tokens, and the slowest caller's time over the fastest's, per token."""
    model.blocks.clear()
    texts: Texts = [[] for _ in calls]
    seconds = [0.0] * len(calls)

    def work(i: int) -> None:
        begun = time.perf_counter()
        texts[i] = calls[i]()
        seconds[i] = time.perf_counter() - begun

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(calls))]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = time.perf_counter() - begun
    paces = [taken / len(text) for taken, text in zip(seconds, texts, strict=True)]
    return total, texts, max(paces) / min(paces)


def _interval(values: list[float]) -> tuple[float, float]:
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(2000))
    return medians[100], medians[1899]
