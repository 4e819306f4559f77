"""Sentences of a stream."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding.trimming import Sentence, SentenceSplitter

PIECES = st.lists(
    st.sampled_from(
        [
            "So the sum is 56. ", "Wait, let me check.\n\n", "\\[ x = 3 \\]\n", "$$y$$", "\n", "\n\n", " ", "3.5", "1. ", "Is it?  ",
            "\\[", "\\]", "$", "word ", "答案是42。", "!", "A", "x" * 90, "  \n  \n", ".", "\"Yes.\" ", "(B) ",
        ]
    ),
    max_size=40,
)  # fmt: skip


def split(text: str, cuts: list[int]) -> list[Sentence]:
    splitter = SentenceSplitter()
    found: list[Sentence] = []
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in itertools.pairwise(edges):
        found += splitter.push(text[start:end])
    return found + splitter.finish()


@settings(max_examples=300, deadline=None)
@given(PIECES, st.lists(st.integers(0, 600), max_size=12))
def test_chunks_do_not_matter(pieces: list[str], cuts: list[int]) -> None:
    """The same text gives the same sentences however it arrives."""
    text = "".join(pieces)
    whole = [(one.text, one.start, one.end) for one in split(text, [])]
    assert [(one.text, one.start, one.end) for one in split(text, cuts)] == whole
    assert [(one.text, one.start, one.end) for one in split(text, list(range(len(text))))] == whole


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_nothing_is_lost(pieces: list[str]) -> None:
    """Every character that is no white space lies in exactly one sentence, at its offset."""
    text = "".join(pieces)
    found = split(text, [])
    for one in found:
        assert text[one.start : one.end] == one.text
    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())


def test_display_maths_belongs_to_the_sentence_before() -> None:
    """An equation on lines of its own is part of the sentence that introduces it."""
    found = split("So the area is\n\\[ 12 + 44 = 56. \\]\nWait, let me check.", [])
    assert [one.text for one in found] == ["So the area is\n\\[ 12 + 44 = 56. \\]", "Wait, let me check."]


def test_a_line_without_end_is_cut() -> None:
    """A loop without punctuation still becomes sentences of bounded length."""
    found = split("ab" * 5000, [])
    assert max(len(one.text) for one in found) <= 2100


def test_paragraph_ends_are_marked() -> None:
    """Only a sentence before an empty line ends a paragraph."""
    found = split("One is 1. Two is 2.\n\nThree is 3.\nFour", [])
    assert [one.ends_paragraph for one in found] == [False, True, False, True]
