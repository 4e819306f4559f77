"""Repetition stops."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding.trimming import RollingWindow, TokenRepetition, WordRepetition
from agentcore.decoding.trimming._repetition import period


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=80), st.integers(1, 5), st.integers(2, 4), st.integers(1, 30))
def test_the_rolling_hash_counts_what_a_search_counts(
    items: list[int], length: int, repeats: int, memory: int
) -> None:
    """The window fires exactly where counting all recent windows says so."""
    window = RollingWindow(length, repeats, memory)
    recent: list[tuple[int, ...]] = []
    for index, item in enumerate(items):
        fired = window.push(item)
        if index + 1 < length:
            assert not fired
            continue
        recent.append(tuple(items[index + 1 - length : index + 1]))
        assert fired is (recent[-memory:].count(recent[-1]) >= repeats)


def test_a_passage_said_three_times_is_a_repetition() -> None:
    """The third time the same 32 words come, the stream is going round in circles; twice is a recap."""
    passage = " ".join(f"word{index}" for index in range(40)) + " "
    words = WordRepetition()
    assert not words.push(passage)
    assert not words.push("Let me say that again. " + passage)
    assert words.push("And once more. " + passage)


def test_chunks_do_not_matter_to_words() -> None:
    """A word cut in two by the stream counts once."""
    text = ("the same passage of " + " ".join(f"w{index}" for index in range(31)) + ". ") * 4
    whole, pieces = WordRepetition(), WordRepetition()
    assert whole.push(text)
    assert any([pieces.push(text[start : start + 3]) for start in range(0, len(text), 3)])  # noqa: C419


def test_chinese_has_no_spaces_and_still_repeats() -> None:
    """Each Chinese character is an item of its own."""
    sentence = "因为三角形的面积等于底乘以高再除以二所以答案应该是二十四我再检查一遍这个结果是否正确。"
    assert WordRepetition().push(sentence * 4)


def test_ordinary_reasoning_does_not_repeat() -> None:
    """Random words never trigger, whatever their number."""
    source = random.Random(3)
    words = WordRepetition()
    assert not any(words.push(f"w{source.randrange(3000)} ") for _ in range(20_000))


def test_period_finds_the_smallest() -> None:
    """A tail that repeats is found by its shortest period; too short a tail is not."""
    assert period([9, 9, 1, 2, 3] + [4, 5, 6] * 30, longest=16, repeats=4) == 3
    assert period([1, 2] * 10, longest=16, repeats=4) == 0
    assert period(range(500), longest=256, repeats=4) == 0


def test_token_loops_fire_and_text_does_not() -> None:
    """Token ids that loop are found; random ids are not."""
    source = random.Random(5)
    calm = TokenRepetition()
    assert not calm.push(source.randrange(50_000) for _ in range(5_000))
    assert calm.push(list(range(100, 190)) * 8)
