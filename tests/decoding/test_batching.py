"""Many callers on one model: same tokens as alone, fewer forwards, no cross-talk, clean failure."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
import torch

from agentcore.decoding import GenerationCancelled, LanguageModel, Sampling, generate

Tiny = Callable[..., LanguageModel]


def in_threads(jobs: list[Callable[[], object]]) -> list[object]:
    results: list[object] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def work(i: int) -> None:
        ready.wait()
        try:
            results[i] = jobs[i]()
        except Exception as exc:
            results[i] = exc

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def tokens(model: LanguageModel, seed: int, length: int = 40) -> list[int]:
    prompt = [(seed * 13 + 7 * i) % 250 + 3 for i in range(5 + seed * 3)]
    sampling = Sampling(temperature=1.0, seed=seed)
    return [step.token_id for step in generate(model, prompt, max_new_tokens=length, sampling=sampling)]


@pytest.mark.parametrize("weights", ["int4", "int8"])
def test_a_batch_scores_bit_for_bit_like_each_alone(weights: str, tiny: Tiny) -> None:
    """Rows of other sequences in the same forward change no bit of a sequence's scores in a packed layout."""
    from agentcore.decoding._batching import Request

    model = tiny(weights, encoding="Q4_1")
    caches = []
    for seed in range(6):
        cache = model.new_cache()
        model.prefill([(seed * 13 + 7 * i) % 250 + 3 for i in range(5 + seed * 30)], cache)
        caches.append(cache)
    alone = torch.cat([model.forward([seed + 9], cache.fork()) for seed, cache in enumerate(caches)])
    together = model._forward_batch([Request(seed + 9, cache) for seed, cache in enumerate(caches)])
    assert torch.equal(alone, together)
    assert [cache.length for cache in caches] == [6 + seed * 30 for seed in range(6)]


@pytest.mark.parametrize("weights", ["int4", "fp32"])
def test_eight_callers_get_what_each_gets_alone(weights: str, tiny: Tiny) -> None:
    """Sequences that are decoded at the same time do not hear each other."""
    model = tiny(weights, encoding="Q4_1")
    alone = [tokens(model, seed) for seed in range(8)]
    assert in_threads([lambda seed=seed: tokens(model, seed) for seed in range(8)]) == alone


def test_callers_share_forwards(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight callers need far fewer forwards than tokens, and one caller is never held up by a batch that nobody joins."""
    model = tiny("int4", encoding="Q4_1")
    sizes: list[int] = []
    run = model._batches._run
    monkeypatch.setattr(model._batches, "_run", lambda batch: sizes.append(len(batch)) or run(batch))
    in_threads([lambda seed=seed: tokens(model, seed, 60) for seed in range(8)])
    assert max(sizes) >= 4
    assert len(sizes) < 0.7 * sum(sizes)
    sizes.clear()
    tokens(model, 3)
    assert set(sizes) == {1}


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
    assert model._batches._waiting == []


def test_a_failing_batch_fails_its_callers_and_no_one_after(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error inside a forward reaches every caller of that batch; the model works on."""
    model = tiny("int4", encoding="Q4_1")
    expected = tokens(model, 1)
    with monkeypatch.context() as patch:

        def fail(batch: object) -> None:
            raise MemoryError("no room")

        patch.setattr(model._batches, "_run", fail)
        results = in_threads([lambda: tokens(model, 1), lambda: tokens(model, 2)])
        assert all(isinstance(result, MemoryError) for result in results)
    assert tokens(model, 1) == expected
