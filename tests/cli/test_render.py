"""What a person sees of a run: harmless characters, lines that fit, marks where a source does not support."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agentcore.cli._console import print_text
from agentcore.cli._render import answer_text, event_line, plain, step_line

RESULT = {
    "answer": "Padua",
    "statement": "He was born in Padua.",
    "found": True,
    "status": "done",
    "model": "smollm2",
    "mode": "attention",
    "run_id": "r1",
    "usage": {"seconds": 1.25, "tokens": 560},
    "citations": [
        {
            "number": 1,
            "quote": "born in Padua",
            "title": "T",
            "source": "t.md",
            "start": 3,
            "end": 16,
            "supported": True,
        },
        {
            "number": 2,
            "quote": "a piano",
            "title": "P",
            "source": "p.md",
            "start": 0,
            "end": 7,
            "supported": False,
        },
    ],
    "claims": [
        {
            "text": "He was born in 1700.",
            "citations": [2],
            "is_supported": False,
            "problems": ["1700 is not there"],
        }
    ],
}


@given(st.text(st.characters(exclude_categories=[])))
def test_no_control_or_invisible_character_reaches_the_terminal(text: str) -> None:
    """Escape sequences, bidirectional marks and tag characters of a document are dropped; words stay."""
    shown = plain(text)
    assert not any(
        unicodedata.category(character) in {"Cc", "Cs"} for character in shown if character not in "\t\n"
    )
    assert not set(shown) & set("\u200b\u200e\u202a\u202e\u2066\u2069\ufeff\U000e0041")


def test_a_hostile_document_cannot_move_the_cursor() -> None:
    """A quote with an escape sequence is shown without it."""
    citation = {**RESULT["citations"][0], "quote": "a\x1b[2Jb\u202ec\r"}  # type: ignore[index]
    text = answer_text({**RESULT, "citations": [citation]})
    assert "“a[2Jbc”" in text and "\x1b" not in text


def test_the_answer_comes_with_sources_marks_and_its_maker() -> None:
    """Answer first, numbered quotes with place and mark, unsupported claims, then model, mode, cost and run."""
    assert answer_text(RESULT).splitlines() == [
        "Padua",
        "",
        "He was born in Padua.",
        "  unsupported: He was born in 1700. (1700 is not there)",
        "",
        "Sources",
        "[1] “born in Padua”",
        "    T, t.md:3-16",
        "[2] “a piano”",
        "    P, p.md:0-7, does not support the answer",
        "",
        "-- smollm2, attention mode, 1.2 s, 560 tokens, run r1",
    ]


def test_a_statement_that_only_repeats_the_answer_is_left_out() -> None:
    """An answer whose sentence is the answer with a capital and a full stop is said once."""
    once = answer_text({**RESULT, "answer": "the red sofa", "statement": "The red sofa."})
    assert "The red sofa." not in once and once.startswith("the red sofa\n")


def test_a_partial_result_says_so() -> None:
    """The limit that was reached is named, and the option that raises it."""
    assert answer_text({**RESULT, "status": "partial", "limit": "calls"}).endswith(
        "raise --max-calls for more"
    )


def test_nothing_found_is_said() -> None:
    """An empty answer is told as not found."""
    assert answer_text({"status": "not_found", "answer": ""}).startswith("not found")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_step_fits_on_one_line(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a text is, its line is no wider than the terminal, wide characters counted double."""
    monkeypatch.setenv("COLUMNS", str(width))
    for text in ("word " * 100, "字" * 200, "line\nline\n" * 30):
        line = event_line("thinking", ("seeker-1",), {"text": text})
        assert line is not None and "\n" not in line
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= width


def test_every_event_of_a_run_can_be_shown() -> None:
    """A plan, a search and its result, memory and a recovered error each have their line; a call is told once."""
    assert (
        event_line("plan", (), {"round": 1, "tasks": [{"question": "a?"}, {"question": "b?"}]})
        == "plan: a?; b?"
    )
    call = {"name": "search_corpus", "arguments": {"query": "q", "limit": 2}}
    assert event_line("tool_call", ("s",), call) == "  s: search_corpus(query='q', limit=2)"
    assert step_line("tool_call", ("s",), call) is None
    result = {"name": "search_corpus", "count": 2, "first": ["A", "B"]}
    assert step_line("tool_result", ("s",), result) == "  s: search_corpus -> 2 found: A; B"
    assert event_line("memory_hits", (), {"hits": [{"text": "m"}]}) == "remembered 1: m"
    assert event_line("error", (), {"message": "lost", "recovered": True}) == "error: lost"
    assert event_line("error", (), {"message": "lost", "recovered": False}) is None
    assert event_line("token", (), {"text": "t"}) is None


@pytest.mark.parametrize(
    ("is_terminal", "shown"), [(True, "[b]:cat:\nsleeps\n"), (False, "[b]:cat: sleeps\n")]
)
def test_text_is_printed_as_it_is(is_terminal: bool, shown: str) -> None:
    """Markup and emoji names in an answer stay what they are; lines break between words on a terminal only."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=is_terminal, width=10, color_system=None)
    print_text(console, "[b]:cat: sleeps")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == shown.splitlines()
