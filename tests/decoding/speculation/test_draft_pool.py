"""What the pool keeps, forgets and never shows."""

from __future__ import annotations

import pytest

from agentcore.decoding.speculation import DraftPool, SuffixDrafter, Verification


def _drafted(pool: DraftPool, key: str, prompt: list[int], limit: int = 8) -> tuple[int, ...]:
    drafter = SuffixDrafter(pool=pool, key=key, factor=4.0)
    drafter.start(prompt)
    return drafter.propose(limit).tokens


def test_texts_of_one_key_never_show_in_another() -> None:
    """A run sees its own texts and nobody else's."""
    pool = DraftPool()
    pool.add("run-a", [1, 2, 3, 4, 5, 6])
    assert _drafted(pool, "run-a", [9, 1, 2, 3])[:3] == (4, 5, 6)
    assert _drafted(pool, "run-b", [9, 1, 2, 3]) == ()


def test_a_removed_text_is_gone_and_its_neighbours_stay() -> None:
    """Removing one text leaves no trace of it in any draft."""
    pool = DraftPool()
    first = pool.add("run", [1, 2, 3, 4, 5, 6])
    pool.add("run", [11, 12, 13, 14, 15, 16])
    assert pool.remove("run", first)
    assert not pool.remove("run", first)
    assert _drafted(pool, "run", [9, 1, 2, 3]) == ()
    assert _drafted(pool, "run", [9, 11, 12, 13])[:2] == (14, 15)
    assert pool.num_tokens("run") == 6


def test_an_evicted_key_is_gone_for_a_sequence_in_flight() -> None:
    """After eviction even a drafter that had a match in the pool proposes nothing from it."""
    pool = DraftPool()
    pool.add("run", [1, 2, 3, 4, 5, 6])
    drafter = SuffixDrafter(pool=pool, key="run", factor=4.0)
    drafter.start([9, 1, 2])
    assert drafter.propose(4).tokens
    assert pool.evict("run")
    assert drafter.propose(4).tokens == ()
    drafter.commit(Verification((3,)))
    assert drafter.propose(4).tokens == ()


def test_the_bound_on_tokens_holds_and_the_newest_texts_survive() -> None:
    """A key never holds more than its bound, and the last text added is always there."""
    pool = DraftPool(max_tokens_per_key=100)
    for start in range(0, 4000, 40):
        text = list(range(start, start + 40))
        pool.add("run", text)
        assert pool.num_tokens("run") <= 100
        assert _drafted(pool, "run", text[:5])[:2] == tuple(text[5:7])
    assert _drafted(pool, "run", [0, 1, 2, 3]) == ()


def test_the_least_recently_used_key_goes_first() -> None:
    """The number of keys is bounded."""
    pool = DraftPool(max_keys=2)
    for key in ("a", "b", "c"):
        pool.add(key, [1, 2, 3, 4])
    assert len(pool) == 2
    assert pool.num_tokens("a") == 0
    assert pool.num_tokens("c") == 4


def test_a_bound_without_room_is_refused() -> None:
    """A pool that could hold nothing says so at once."""
    with pytest.raises(ValueError, match="room for 2 tokens"):
        DraftPool(max_tokens_per_key=1)
