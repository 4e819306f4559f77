"""Blocks of keys and values: what is shared, copied, found again, bounded and returned."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from agentcore.decoding import (
    CacheFullError,
    GenerationCancelled,
    KVCache,
    LanguageModel,
    generate,
    load_gguf,
)
from agentcore.decoding._block_pool import BLOCK, CHUNK
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

IDS = [5, 40, 77, 120, 9, 200, 31, 64, 250, 17, 88, 3]
CONTEXT = 4 * BLOCK
Tiny = Callable[..., LanguageModel]


def prompt(length: int, *, seed: int = 0) -> list[int]:
    return [(11 * i + 17 * seed + i * i % 7) % 250 + 3 for i in range(length)]


def small_pool(path: Path, *, blocks: int, weights: str = "int4") -> LanguageModel:
    """Load a model whose pool holds exactly `blocks` blocks, one context of two blocks among them."""
    write_tiny_gguf(path, TinyModel(encoding="Q4_1", context_length=2 * BLOCK))
    model = load_gguf(path, weights=weights)
    size = model.blocks.block_bytes
    model = load_gguf(path, weights=weights, cache_bytes=blocks * size)
    assert model.blocks.num_blocks == blocks
    return model


def test_truncating_forgets(tiny: Tiny) -> None:
    """A truncated cache continues as if the tokens behind the cut had never been."""
    model = tiny()
    cache = model.new_cache()
    model.forward(IDS, cache, rows="none")
    cache.truncate(4)
    again = model.forward([99], cache)
    fresh = model.new_cache()
    model.forward(IDS[:4], fresh, rows="none")
    assert (again - model.forward([99], fresh)).abs().max() < 5e-5


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int4"])
@pytest.mark.parametrize("length", [12, CHUNK, BLOCK - 3, BLOCK, BLOCK + 1, 2 * BLOCK + 100])
def test_a_fork_shares_whole_blocks_and_is_independent(weights: str, length: int, tiny: Tiny) -> None:
    """Both continue bit for bit like a sequence that was never forked, whichever writes first."""
    model = tiny(weights, encoding="Q4_1", context_length=CONTEXT)
    cache = model.new_cache(length + 20)
    model.prefill(prompt(length), cache)
    used = model.blocks.num_used
    twin = cache.fork(room=3)
    assert model.blocks.num_used - used <= 1, "whole blocks are shared, only the open one is copied"
    model.forward([50, 60, 70], twin, rows="none")
    alone = model.new_cache(length + 20)
    model.prefill(prompt(length), alone)
    expected = [model.forward([token], alone) for token in (1, 2, 3)]
    assert all(torch.equal(model.forward([t], cache), e) for t, e in zip((1, 2, 3), expected, strict=True))
    twin.truncate(length)
    assert all(torch.equal(model.forward([t], twin), e) for t, e in zip((1, 2, 3), expected, strict=True))


def test_a_fork_of_a_beginning_is_that_beginning(tiny: Tiny) -> None:
    """A fork at an earlier length forgets the rest, also inside a shared block, and dropping it frees only its own."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    cache, short = model.new_cache(2 * BLOCK), model.new_cache(BLOCK)
    model.prefill(prompt(2 * BLOCK - 5), cache)
    model.prefill(prompt(2 * CHUNK), short)
    twin = cache.fork(2 * CHUNK)
    used = model.blocks.num_used
    assert torch.equal(model.forward([7], twin), model.forward([7], short))
    twin.release()
    assert model.blocks.num_used == used - 1
    with pytest.raises(ValueError, match="released"):
        model.forward([7], twin)
    with pytest.raises(ValueError, match="released"):
        twin.fork()
    assert cache.length == 2 * BLOCK - 5


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int4", "int8"])
def test_a_context_over_many_blocks_scores_like_one_without_cache(weights: str, tiny: Tiny) -> None:
    """Attention merged over blocks is attention, for single tokens, drafts across a border and masked branches."""
    model = tiny(weights, encoding="Q4_1", context_length=CONTEXT)
    ids, tolerance = prompt(BLOCK + 40), 5e-5 if weights == "fp32" else 0.25
    whole = model.forward(ids, model.new_cache(len(ids)), rows="all", kernels="few")
    cache, parts, begin = model.new_cache(4), [], 0
    for size in (BLOCK - 5, 1, 1, 9, 1, 20, 13):
        parts.append(model.forward(ids[begin : begin + size], cache, rows="all", kernels="few"))
        begin += size
    assert begin == len(ids)
    assert (torch.cat(parts) - whole).abs().max() < tolerance
    cache.truncate(BLOCK - 2)
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]).bool()
    rest, start = ids[BLOCK - 2 : BLOCK], BLOCK - 2
    both = model.forward(
        [*rest, *rest],
        cache,
        rows="all",
        positions=[start, start + 1] * 2,
        mask=mask,
        kernels="few",
    )
    assert (both[:2] - whole[start : start + 2]).abs().max() < tolerance
    assert (both[2:] - whole[start : start + 2]).abs().max() < tolerance


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int4", "int8"])
def test_fixed_rows_do_not_depend_on_the_split_across_blocks(weights: str, tiny: Tiny) -> None:
    """In deterministic mode drafts over the border of a block change no bit."""
    model = tiny(weights, encoding="Q4_1", context_length=CONTEXT)
    ids = prompt(40)

    def run(sizes: list[int]) -> torch.Tensor:
        cache, parts, begin = model.new_cache(), [], 0
        model.prefill(prompt(BLOCK - 17, seed=3), cache)
        for size in sizes:
            parts.append(model.forward(ids[begin : begin + size], cache, rows="all", fixed_rows=8))
            begin += size
        return torch.cat(parts)

    assert torch.equal(run([1] * 40), run([8, 3, 1, 6, 7, 8, 7]))


def test_a_reused_prefix_changes_nothing_and_is_shared_while_it_lives(tiny: Tiny) -> None:
    """Scores after a beginning that another sequence holds are bit-equal to running it, and its whole blocks are the same."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    model.blocks.clear()
    first, second = prompt(BLOCK + 200, seed=1), [*prompt(BLOCK + 170, seed=1), 5, 6, 7]
    fresh = model.new_cache(CONTEXT)
    expected = model.prefill(second, fresh)
    fresh.release()
    model.blocks.clear()
    holder, reader = model.new_cache(CONTEXT), model.new_cache(len(second))
    model.prefill(first, holder)
    used = model.blocks.num_used
    assert torch.equal(model.prefill(second, reader), expected)
    assert reader._blocks[0] is holder._blocks[0]
    assert model.blocks.num_used == used - 1, "its own first block went back"
    holder.release()
    assert torch.equal(model.forward([9], reader), _after(model, second, 9))


def _after(model: LanguageModel, ids: list[int], token: int) -> torch.Tensor:
    model.blocks.clear()
    cache = model.new_cache(len(ids) + 1)
    model.prefill(ids, cache)
    return model.forward([token], cache)


def test_a_known_prompt_runs_no_chunk_again(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call with the same beginning runs only what is new, also after the first has ended."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    model.blocks.clear()
    rows: list[int] = []
    forward = model._forward
    monkeypatch.setattr(
        model, "_forward", lambda batch: rows.extend(r.num_rows for r in batch) or forward(batch)
    )
    list(generate(model, prompt(300, seed=8), max_new_tokens=1))
    assert rows == [64, 64, 64, 64, 44]
    rows.clear()
    list(generate(model, [*prompt(260, seed=8), 9, 9], max_new_tokens=1))
    assert rows == [6]
    rows.clear()
    list(generate(model, [*prompt(100, seed=8), 9, 9], max_new_tokens=1))
    assert rows == [38]


def test_callers_that_start_together_compute_a_shared_beginning_once(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a beginning that several prompts have in common each chunk is run by whoever comes first."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    model.blocks.clear()
    rows: list[int] = []
    forward = model._forward
    monkeypatch.setattr(
        model, "_forward", lambda batch: rows.extend(r.num_rows for r in batch) or forward(batch)
    )
    ready = threading.Barrier(4)

    def work(seed: int) -> None:
        ready.wait()
        list(generate(model, [*prompt(320, seed=4), *prompt(10, seed=seed)], max_new_tokens=1))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows.count(64) == 5
    assert rows.count(10) == 4


def test_what_is_overwritten_is_not_found_again(tiny: Tiny) -> None:
    """A prompt that was cut and continued otherwise leaves nothing wrong under its old name."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    model.blocks.clear()
    ids = prompt(3 * CHUNK, seed=5)
    cache = model.new_cache(300)
    model.prefill(ids, cache)
    cache.truncate(CHUNK + 3)
    model.prefill(prompt(150, seed=6), cache)
    cache.release()
    again, fresh = model.new_cache(), model.new_cache()
    found = model.prefill([*ids, 8], again)
    model.blocks.clear()
    assert torch.equal(found, model.prefill([*ids, 8], fresh))


def test_damaged_values_do_not_outlive_their_sequence(tiny: Tiny) -> None:
    """NaN left in a returned block reaches no other sequence, in fast and in deterministic mode."""
    model = tiny("bf16", context_length=BLOCK, seed=9)
    expected = [model.forward([t], model.new_cache(), fixed_rows=4) for t in (3, 4)]
    blocks = model.blocks.take(model.blocks.num_free)
    with torch.inference_mode():
        for block in blocks:
            block.buffer.fill_(float("nan"))
    model.blocks.give_back(blocks)
    assert all(
        torch.equal(model.forward([t], model.new_cache(), fixed_rows=4), e)
        for t, e in zip((3, 4), expected, strict=True)
    )
    assert torch.isfinite(model.prefill(prompt(70), model.new_cache())).all()


def test_a_full_pool_forgets_prompts_before_it_refuses(tmp_path: Path) -> None:
    """Remembered prompts give way, the oldest first; what sequences hold does not."""
    model = small_pool(tmp_path / "tiny.gguf", blocks=4)
    for seed in range(4):
        list(generate(model, prompt(CHUNK + 1, seed=seed), max_new_tokens=1))
    assert (model.blocks.num_used, model.blocks.num_free) == (0, 4)
    held = [model.new_cache(BLOCK) for _ in range(2)]
    found = {seed: _found(model, seed) for seed in (0, 1, 2, 3)}
    assert found == {0: 0, 1: 0, 2: 0, 3: CHUNK}
    assert len(held) == 2


def _found(model: LanguageModel, seed: int) -> int:
    """How much of a prompt is remembered."""
    with torch.inference_mode():
        return model.new_cache().adopt(prompt(CHUNK, seed=seed))


def test_growing_beyond_a_full_pool_is_an_error_that_leaves_the_sequence_whole(tmp_path: Path) -> None:
    """A sequence that finds no room says how much there is; it can go on once others have left."""
    model = small_pool(tmp_path / "tiny.gguf", blocks=3)
    cache, other = model.new_cache(BLOCK), model.new_cache(2 * BLOCK)
    model.prefill(prompt(BLOCK), cache)
    with pytest.raises(CacheFullError, match="0 of 1536 are free") as caught:
        model.forward([1], cache)
    assert (caught.value.num_tokens, cache.length) == (BLOCK, BLOCK)
    with pytest.raises(CacheFullError):
        cache.fork(3)
    other.release()
    assert torch.isfinite(model.forward([1], cache)).all()


def test_callers_wait_for_room_in_the_order_they_came(tmp_path: Path) -> None:
    """With the pool full, calls queue, none fails, and all get what they get alone."""
    model = small_pool(tmp_path / "tiny.gguf", blocks=3)
    prompts = [prompt(30, seed=seed) for seed in range(9)]
    alone = [[step.token_id for step in generate(model, ids, max_new_tokens=12)] for ids in prompts]
    found: dict[int, list[int]] = {}

    def work(i: int) -> None:
        found[i] = [step.token_id for step in generate(model, prompts[i], max_new_tokens=12)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(9)] == alone
    assert model.blocks.num_used == 0


def test_waiting_for_room_ends_by_cancel_or_when_nothing_moves(tmp_path: Path) -> None:
    """Whoever waits can be cancelled, and is told when all room is held by sequences that stand still."""
    model = small_pool(tmp_path / "tiny.gguf", blocks=3)
    held = model.new_cache(2 * BLOCK), model.new_cache(1)
    cancel = threading.Event()
    threading.Timer(0.15, cancel.set).start()
    with pytest.raises(GenerationCancelled):
        next(generate(model, IDS, cancel=cancel))
    model.blocks.patience_s = 0.2
    with pytest.raises(CacheFullError, match="release"):
        next(generate(model, IDS))
    threading.Timer(0.1, held[1].release).start()
    assert next(generate(model, IDS, max_new_tokens=5)).text is not None
    with pytest.raises(CacheFullError):
        model.blocks.take(4)


def test_garbage_returns_its_blocks(tiny: Tiny) -> None:
    """A cache or generator that is merely dropped holds nothing."""
    model = tiny("int4", encoding="Q4_1", context_length=CONTEXT)
    gc.collect()
    used = model.blocks.num_used
    cache = model.new_cache(BLOCK)
    model.prefill(prompt(80), cache)
    twin, steps = cache.fork(), generate(model, IDS, max_new_tokens=30)
    next(steps)
    assert model.blocks.num_used == used + 3
    del cache, twin, steps
    assert model.blocks.num_used == used


def test_a_thousand_random_starts_forks_and_cancels_leak_no_block(tmp_path: Path) -> None:
    """Sequences that start, share, fork, are cut, cancelled and dropped at random leave every block free or remembered."""
    model = small_pool(tmp_path / "tiny.gguf", blocks=12)
    counts = {"starts": 0, "cancelled": 0}
    lock = threading.Lock()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while True:
            with lock:
                if counts["starts"] >= 1000:
                    return
                counts["starts"] += 1
            ids = [*prompt(chance.choice((3, 66, 130, 515)), seed=chance.randint(0, 2)), seed]
            kind = chance.choice(("cancel", "leave", "finish", "fork"))
            if kind == "fork":
                _fork_and_drop(model, ids, chance)
                continue
            cancel, stop_at = threading.Event(), chance.randint(1, 4)
            try:
                for number, _ in enumerate(generate(model, ids, max_new_tokens=4, cancel=cancel), 1):
                    if number == stop_at and kind == "cancel":
                        cancel.set()
                    if number == stop_at and kind == "leave":
                        break
            except GenerationCancelled:
                with lock:
                    counts["cancelled"] += 1

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert counts["starts"] == 1000
    assert counts["cancelled"] > 50
    assert model.blocks.num_used == 0  # asking also takes in what destructors gave back
    _check(model)
    assert model._queue._waiting == []
    assert model._queue._leader is None


def _fork_and_drop(model: LanguageModel, ids: list[int], chance: random.Random) -> None:
    try:
        cache = model.new_cache(len(ids))
        model.prefill(ids, cache)
        twin: KVCache = cache.fork(chance.randint(0, cache.length))
        cache.truncate(chance.randint(0, cache.length))
        for one in (cache, twin):
            model.forward([1, 2], one, rows="none")
    except CacheFullError:
        return


def _check(model: LanguageModel) -> None:
    """Every block is in exactly one place, and every name points at a block that carries it."""
    pool = model.blocks
    assert len(pool._free) + len(pool._remembered) == pool._num_made
    for block in [*pool._free, *pool._remembered.values()]:
        assert (block.references, block.pins) == (0, 0)
    assert all(block.names for block in pool._remembered.values())
    assert not any(block.names for block in pool._free)
    assert all(block.names[place] == name for name, (block, place) in pool._named.items())
