"""Thoughts of a stream."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding.trimming import Thought, ThoughtSegmenter

LONG = "This sentence is long enough to stand as a thought of its own, since it has more than thirty tokens in it."
PIECES = st.lists(
    st.sampled_from(
        [
            LONG,
            "\n\n",
            "\n",
            "Wait, ",
            "But that is wrong.",
            "Hmm",
            "等等，",
            "```python\n",
            "```\n",
            "Alternatively, ",
            "short",
            " ",
            "Waiting ",
        ]
    ),
    max_size=30,
)


def segment(text: str, step: int | None = None) -> list[Thought]:
    segmenter = ThoughtSegmenter()
    found: list[Thought] = []
    for start in range(0, len(text), step or max(1, len(text))):
        found += segmenter.push(text[start : start + (step or len(text))])
    return found + segmenter.finish()


@settings(max_examples=300, deadline=None)
@given(PIECES, st.integers(1, 50))
def test_incremental_equals_batch(pieces: list[str], step: int) -> None:
    """The same text gives the same thoughts however it arrives, and they cover it without gaps."""
    text = "".join(pieces)
    whole = segment(text)
    assert segment(text, step) == whole
    assert segment(text, 1) == whole
    if text.strip():
        assert "".join(one.text for one in whole) == text


def test_a_cue_at_a_paragraph_start_opens_a_thought() -> None:
    """Reflection words split only where a paragraph starts, in English and in Chinese."""
    text = f"{LONG} Wait, not here.\n\nWait, {LONG}\n\n等等，{LONG}\n\nWaiting is no cue. {LONG}"
    assert [one.text[:4] for one in segment(text)] == ["This", "Wait", "等等，T"]


def test_code_fences_are_left_alone() -> None:
    """A paragraph inside a code fence never opens a thought."""
    text = f"{LONG}\n\n```\ncode\n\nWait, {LONG}\n```\n\nBut {LONG}"
    assert len(segment(text)) == 2


def test_short_thoughts_join_the_one_before() -> None:
    """A thought below the minimum length is merged into its predecessor."""
    text = f"{LONG}\n\nWait, no.\n\nBut {LONG}"
    found = segment(text)
    assert len(found) == 2
    assert found[0].text.endswith("Wait, no.\n\n")


def test_a_thought_is_handed_out_before_its_successor_ends() -> None:
    """The verifier need not wait for the next thought to end."""
    segmenter = ThoughtSegmenter()
    assert segmenter.push(f"{LONG}\n\nWait, {LONG}") == [Thought(f"{LONG}\n\n", 0, len(LONG) + 2)]
