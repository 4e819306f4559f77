"""Passages point into their snapshot and together hold the document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.tools.corpus import Document, chunk, text_digest


def document(text: str, title: str = "A title") -> Document:
    return Document("a.txt", title, text, text_digest(text), "text/plain")


TEXTS = st.lists(
    st.sampled_from(
        [
            "word",
            "Satz.",
            "Ends!",
            "ünïcödé",
            "句子。",
            " ",
            "\n",
            "\n\n",
            "\t",
            "x" * 70,
            "Dr. No",
            "“Quoted.”",
        ]
    ),
    max_size=120,
).map(" ".join)


@given(text=TEXTS, target=st.integers(1, 200))
def test_passages_are_spans_within_the_target(text: str, target: int) -> None:
    """Each passage equals its span, is not longer than asked, and follows the one before."""
    passages = chunk(document(text), target=target)
    end = 0
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert 0 < len(passage.text) <= target
        assert passage.text == passage.text.strip()
        assert passage.start >= end
        end = passage.end


@given(text=TEXTS, target=st.integers(1, 200))
def test_no_character_that_shows_is_lost(text: str, target: int) -> None:
    """What lies between passages is white space only."""
    kept = "".join(passage.text for passage in chunk(document(text), target=target))
    assert "".join(kept.split()) == "".join(text.split())


def test_sentences_are_kept_whole() -> None:
    """A long paragraph is cut where sentences end."""
    text = " ".join(f"Sentence number {number} says a little thing." for number in range(100))
    passages = chunk(document(text), target=300)
    assert len(passages) > 5
    assert all(passage.text.endswith(".") and passage.text.startswith("Sentence") for passage in passages)


def test_parts_of_a_long_paragraph_are_about_equal() -> None:
    """No crumb is left at the end of a paragraph a little too long."""
    text = " ".join(f"Sentence number {number:02d} says a thing." for number in range(25))
    lengths = [len(passage.text) for passage in chunk(document(text), target=800)]
    assert len(lengths) == 2 and min(lengths) > 300


def test_a_first_line_that_repeats_the_title_is_left_out() -> None:
    """The title stands before every passage in the store; once is enough."""
    passages = chunk(document("A title\n\nThe text itself.", title="A title"))
    assert [passage.text for passage in passages] == ["The text itself."]


def test_white_space_makes_no_passage() -> None:
    """An empty document is no evidence."""
    assert chunk(document(" \n\n \t")) == []


def test_a_target_below_one_is_refused() -> None:
    """A target of nothing is the caller's mistake."""
    with pytest.raises(ValueError, match="at least 1"):
        chunk(document("text"), target=0)


def test_a_huge_document_is_cut_in_linear_time() -> None:
    """Two megabytes without a paragraph or a full stop still make passages within the target."""
    passages = chunk(document("word " * 400_000))
    assert sum(len(passage.text.split()) for passage in passages) == 400_000
    assert max(len(passage.text) for passage in passages) <= 800
