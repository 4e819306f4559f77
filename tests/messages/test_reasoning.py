"""Reasoning and answer come apart, however the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcore.messages import ReasoningSplitter, split_reasoning


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("\n<think>\na\n</think>\n\nb", "a", "b"),
        ("<thinking>a</thinking>b", "a", "b"),
        ("[THINK]a[/THINK]b", "a", "b"),
        ("no <think>a</think>", "", "no <think>a</think>"),
        ("<think>a", "a", ""),
        ("<think></think>b", "", "b"),
        ("<thi", "", "<thi"),
        ("", "", ""),
    ],
)
def test_only_a_thought_at_the_beginning_counts(text: str, reasoning: str, answer: str) -> None:
    """Tags at the start part the text; later ones are text."""
    assert split_reasoning(text) == (reasoning, answer)


def test_a_text_that_begins_inside_a_thought() -> None:
    """With the opening tag in the prompt, the closing one alone parts the text."""
    assert split_reasoning("a</think>b", starts_inside=True) == ("a", "b")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="<>/thinkab\n[]THINK", max_size=60), st.lists(st.integers(1, 7), max_size=30))
def test_chunks_make_no_difference(text: str, sizes: list[int]) -> None:
    """Any way to cut a text into chunks gives the same reasoning and the same answer."""
    for prefix in ("", "<think>"):
        whole = prefix + text
        splitter = ReasoningSplitter()
        pieces = []
        at = 0
        for size in [*sizes, len(whole)]:
            pieces += splitter.feed(whole[at : at + size])
            at += size
        pieces += splitter.finish()
        answer = "".join(piece for kind, piece in pieces if kind == "text")
        thought = "".join(piece for kind, piece in pieces if kind == "reasoning").strip()
        assert (thought, answer) == split_reasoning(whole)
        assert all(piece for _, piece in pieces)
