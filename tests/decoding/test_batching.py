"""Many callers on one model: same tokens as alone, fewer forwards, no cross-talk, clean failure."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from agentcore.decoding import (
    ContextOverflowError,
    GenerationCancelled,
    LanguageModel,
    Sampling,
    generate,
)
from agentcore.decoding._batching import BatchQueue, Request

Tiny = Callable[..., LanguageModel]


def in_threads(jobs: list[Callable[[], object]]) -> list[object]:
    results: list[object] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def work(i: int) -> None:
        ready.wait()
        try:
            results[i] = jobs[i]()
        except BaseException as exc:
            results[i] = exc

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def tokens(model: LanguageModel, seed: int, length: int = 40, *, fixed_rows: int | None = None) -> list[int]:
    prompt = [(seed * 13 + 7 * i) % 250 + 3 for i in range(5 + seed * 13)]
    sampling = Sampling(temperature=1.0, seed=seed)
    steps = generate(model, prompt, max_new_tokens=length, sampling=sampling, fixed_rows=fixed_rows)
    return [step.token_id for step in steps]


def watch_batches(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch, describe: Callable[[Sequence[Request]], Any]
) -> list[Any]:
    """Record something about every batch that the model runs."""
    seen, run = list[Any](), model._queue._run
    monkeypatch.setattr(model._queue, "_run", lambda batch: seen.append(describe(batch)) or run(batch))
    return seen


@pytest.mark.parametrize("weights", ["int4", "int8", "bf16"])
@pytest.mark.parametrize("fixed_rows", [None, 4])
def test_a_batch_scores_bit_for_bit_like_each_alone(weights: str, fixed_rows: int | None, tiny: Tiny) -> None:
    """Rows of other sequences in the same forward, one or several each, change no bit of a sequence's scores."""
    model = tiny(weights, encoding="Q4_1")
    caches = []
    for seed in range(6):
        cache = model.new_cache()
        model.prefill([(seed * 13 + 7 * i) % 250 + 3 for i in range(5 + seed * 30)], cache)
        caches.append(cache)
    new = [[seed + 9 + i for i in range(1 + seed % 4)] for seed in range(6)]
    alone = [
        model.forward(ids, cache.fork(), rows="all", fixed_rows=fixed_rows)
        for ids, cache in zip(new, caches, strict=True)
    ]
    batch = [
        Request(ids, cache, "all", fixed_rows=fixed_rows, is_short=True)
        for ids, cache in zip(new, caches, strict=True)
    ]
    model._run(batch)
    assert all(torch.equal(request.scores, scores) for request, scores in zip(batch, alone, strict=True))
    assert [cache.length for cache in caches] == [5 + seed * 30 + 1 + seed % 4 for seed in range(6)]


@pytest.mark.parametrize("weights", ["int4", "int8", "bf16", "fp32"])
@pytest.mark.parametrize("fixed_rows", [None, 4])
def test_eight_callers_get_what_each_gets_alone(weights: str, fixed_rows: int | None, tiny: Tiny) -> None:
    """Sequences that are decoded at the same time do not hear each other, in fast and in deterministic mode."""
    model = tiny(weights, encoding="Q4_1")
    alone = [tokens(model, seed, fixed_rows=fixed_rows) for seed in range(8)]
    together = in_threads([lambda seed=seed: tokens(model, seed, fixed_rows=fixed_rows) for seed in range(8)])
    assert together == alone


@pytest.mark.parametrize("weights", ["int4", "bf16"])
def test_callers_share_forwards(weights: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight callers need far fewer forwards than tokens, and one caller is never held up by a batch that nobody joins."""
    model = tiny(weights, encoding="Q4_1")
    sizes = watch_batches(model, monkeypatch, lambda batch: len(batch))
    in_threads([lambda seed=seed: tokens(model, seed, 60) for seed in range(8)])
    assert max(sizes) >= 4
    assert len(sizes) < 0.7 * sum(sizes)
    tokens(model, 3)
    sizes.clear()
    tokens(model, 3)
    assert set(sizes) == {1}


def test_a_long_prompt_delays_the_others_by_one_chunk_a_step(tiny: Tiny) -> None:
    """While chunks of prompts and short requests both wait they take turns; each kind goes by age, short ones together."""
    cache = tiny("int4", encoding="Q4_1").new_cache()
    queue = BatchQueue(lambda _: None, max_rows=32)
    long = [Request([3] * 64, cache) for _ in range(3)]
    short = [Request([3], cache, is_short=True) for _ in range(6)]
    queue._waiting = [long[0], long[1], short[0], short[1], long[2]]
    assert queue._gather() == [short[0], short[1]]
    assert queue._gather() == [long[0]]
    queue._waiting += [short[2], short[3]]
    assert queue._gather() == [short[2], short[3]]
    queue._waiting.append(short[4])
    assert queue._gather() == [long[1]]
    assert queue._gather() == [short[4]]
    assert queue._gather() == [long[2]]


def test_a_batch_takes_whole_requests_up_to_its_rows(tiny: Tiny) -> None:
    """The oldest come first, nobody is split or left out for being large, and the rest are the next batch."""
    cache = tiny("int4", encoding="Q4_1").new_cache()
    queue = BatchQueue(lambda _: None, max_rows=10)
    short = [Request([3] * rows, cache, is_short=True) for rows in (4, 5, 3, 12, 1)]
    queue._waiting = list(short)
    assert [queue._gather() for _ in range(3)] == [short[:2], [short[2]], [short[3]]]
    assert queue._gather() == [short[4]]


def test_a_long_prompt_and_decoding_callers_share_the_model(tiny: Tiny) -> None:
    """Sequences that decode beside a long prompt get what they get alone, and so does the prompt."""
    model = tiny("int4", encoding="Q4_1", context_length=4096)
    long = [(7 * i) % 250 + 3 for i in range(1500)]

    def prompt() -> list[int]:
        return [step.token_id for step in generate(model, long, max_new_tokens=5)]

    expected = [prompt(), tokens(model, 1, 100), tokens(model, 2, 100)]
    model.blocks.clear()
    assert in_threads([prompt, lambda: tokens(model, 1, 100), lambda: tokens(model, 2, 100)]) == expected


def test_progress_is_fair(tiny: Tiny) -> None:
    """Of callers that decode together none gets far less than the others while all are there."""
    model = tiny("int4", encoding="Q4_1")
    counts, snapshots = [0] * 6, list[list[int]]()

    def work(seed: int) -> None:
        for _ in generate(model, [seed + 3, 9, 8], max_new_tokens=120):
            counts[seed] += 1
            snapshots.append(list(counts))

    in_threads([lambda seed=seed: work(seed) for seed in range(6)])
    together = [counts for counts in snapshots if min(counts) > 4 and max(counts) < 120]
    gained = [last - first for first, last in zip(together[0], together[-1], strict=True)]
    assert min(gained) > 0.7 * max(gained)


def test_an_interrupted_leader_leaves_the_others_their_turn(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C inside a forward that others take part in ends only the call of the thread that it reached."""
    model = tiny("int4", encoding="Q4_1")
    expected = [tokens(model, seed) for seed in range(4)]
    forward, calls = model._forward, [0]

    def interrupted(batch: Sequence[Request]) -> Sequence[torch.Tensor]:
        calls[0] += 1
        if calls[0] == 30:
            raise KeyboardInterrupt
        return forward(batch)

    monkeypatch.setattr(model, "_forward", interrupted)
    results = in_threads([lambda seed=seed: tokens(model, seed) for seed in range(4)])
    assert sum(isinstance(result, KeyboardInterrupt) for result in results) == 1
    assert all(
        result == wanted or isinstance(result, KeyboardInterrupt)
        for result, wanted in zip(results, expected, strict=True)
    )
    assert model._queue._waiting == []


def test_one_callers_overflow_is_not_the_batchs(tiny: Tiny) -> None:
    """A request that cannot run fails alone; those beside it run."""
    model = tiny("int4", encoding="Q4_1")
    full, other = model.new_cache(512), model.new_cache()
    model.forward([3] * 512, full, rows="none")
    batch = [Request([5], full, is_short=True), Request([5], other, is_short=True)]
    model._run(batch)
    assert isinstance(batch[0].error, ContextOverflowError)
    assert batch[1].scores.shape == (1, model.spec.vocabulary_size)


@pytest.mark.parametrize("mistake", ["too large", "negative", "no number", "another model's cache"])
def test_one_callers_mistake_is_not_the_batchs(mistake: str, tiny: Tiny) -> None:
    """A token that is none and a cache of another shape are that caller's error; the others decode on undisturbed."""
    model, other = tiny("int4", encoding="Q4_1"), tiny("int4", encoding="Q4_1", num_layers=3)
    expected = tokens(model, 1)
    ids: dict[str, list[Any]] = {
        "too large": [model.spec.vocabulary_size],
        "negative": [-1],
        "no number": [0.5],
    }

    def err() -> None:
        cache = (other if mistake not in ids else model).new_cache()
        for _ in range(20):
            with pytest.raises((ValueError, TypeError)):
                model.forward(ids.get(mistake, [1]), cache)

    results = in_threads([lambda: tokens(model, 1), err, lambda: tokens(model, 1)])
    assert results == [expected, None, expected]


def test_random_starts_and_cancels_leave_the_rest_alone(tiny: Tiny) -> None:
    """Callers that come, go and are cancelled at random never change what the others get."""
    model = tiny("int4", encoding="Q4_1")
    expected = {seed: tokens(model, seed) for seed in range(4)}
    randomness = random.Random(5)

    def steady(seed: int) -> bool:
        return all(tokens(model, seed) == expected[seed] for _ in range(5))

    def fickle() -> int:
        cancelled = 0
        for _ in range(25):
            cancel, stop_at = threading.Event(), randomness.randint(1, 12)
            try:
                for count, _ in enumerate(generate(model, [9, 8, 7], max_new_tokens=12, cancel=cancel), 1):
                    if count == stop_at:
                        cancel.set()
            except GenerationCancelled:
                cancelled += 1
        return cancelled

    results = in_threads([*(lambda seed=seed: steady(seed) for seed in range(4)), fickle, fickle])
    assert results[:4] == [True] * 4
    assert all(isinstance(count, int) and count > 0 for count in results[4:])
    assert model._queue._waiting == []
    assert model.blocks.num_used == 0


def test_a_failing_batch_fails_its_callers_and_no_one_after(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error inside a forward reaches every caller of that batch; the model works on."""
    model = tiny("int4", encoding="Q4_1")
    expected = tokens(model, 1)
    with monkeypatch.context() as patch:

        def fail(batch: object) -> None:
            raise MemoryError("no room")

        patch.setattr(model, "_forward", fail)
        results = in_threads([lambda: tokens(model, 1), lambda: tokens(model, 2)])
        assert all(isinstance(result, MemoryError) for result in results)
    assert tokens(model, 1) == expected
