"""Thinking and answer in one streamed text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentcore.decoding.trimming import TagSplitter


def split(text: str, step: int, **options: bool) -> dict[str, str]:
    splitter = TagSplitter(**options)
    parts = {"thinking": "", "answer": ""}
    for start in range(0, len(text), step):
        for piece, kind in splitter.push(text[start : start + step]):
            parts[kind] += piece
    for piece, kind in splitter.finish():
        parts[kind] += piece
    return parts


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "a < b", "<thin", "k>", "text ", "</", "◁think▷"]),
        max_size=12,
    ),
    st.integers(1, 9),
)
def test_pieces_do_not_matter(parts: list[str], step: int) -> None:
    """A tag cut in two by the stream is still a tag."""
    text = "".join(parts)
    assert split(text, step) == split(text, max(1, len(text)))


def test_thinking_is_told_from_the_answer() -> None:
    """Text inside the tags is thinking, what follows is the answer, and the tags are gone."""
    assert split("<think>so 56</think>It is 56.", 3) == {"thinking": "so 56", "answer": "It is 56."}
    assert split("so 56</think>It is 56.", 4, opened=True) == {"thinking": "so 56", "answer": "It is 56."}


def test_after_a_cut_nothing_is_thinking_again() -> None:
    """A model that opens a new think block after its thinking was ended does not get one."""
    assert split("<think>more</think>56", 5, thinking=False) == {"thinking": "", "answer": "more56"}
