"""The fixed oracle of the replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcore.decoding.trimming.oracle import TAIL, holds_value, oracle_cut, thought_ends

HERE = Path(__file__).parent
TRACES = HERE.parents[2].parent / "shared" / "data" / "reasoning_traces_dev.jsonl"
GOLDEN = json.loads((HERE / "golden_oracle.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def traces() -> dict[str, dict[str, str]]:
    if not TRACES.exists():
        pytest.skip(f"the recorded traces are not at {TRACES}")
    rows = (json.loads(line) for line in TRACES.read_text("utf-8").splitlines())
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["id"])
def test_the_golden_table_stands(golden: dict[str, int | str], traces: dict[str, dict[str, str]]) -> None:
    """The oracle's cuts of twenty recorded traces never change."""
    row = traces[str(golden["id"])]
    assert len(row["trace"]) == golden["characters"]
    assert oracle_cut(row["trace"], row["final_answer"]) == golden["first"]
    assert oracle_cut(row["trace"], row["final_answer"], nth=3) == golden["third"]


def test_the_golden_table_is_of_twenty_traces() -> None:
    """The table is neither empty nor of traces that all stay whole."""
    assert len(GOLDEN) == 20
    assert sum(golden["first"] < golden["characters"] for golden in GOLDEN) >= 8


FIRST = "We compute 12 + 44."
TRACE = f"{FIRST}\n\nWait, so it is 56.\n\nHmm, once more: $\\frac{{112}}{{2}}$.\n\nBut is it 56? Yes.\n\nWaiting is no cue: 56."


def test_thoughts_start_at_the_four_cues_only() -> None:
    """Only paragraphs that open with Wait, But, Alternatively or Hmm open a thought."""
    assert len(thought_ends(TRACE)) == 4


def test_the_cut_is_at_the_end_of_the_first_thought_with_the_answer() -> None:
    """Everything up to the end of the thought that states the answer is kept, and nothing after."""
    assert TRACE[: oracle_cut(TRACE, "56")] == f"{FIRST}\n\nWait, so it is 56."
    assert TRACE[: oracle_cut(TRACE, "56", nth=3)].endswith("Yes.\n\nWaiting is no cue: 56.")


def test_no_such_thought_no_saving() -> None:
    """A trace that never states its answer is kept whole, and only the last characters of a thought count."""
    assert oracle_cut(TRACE, "57") == len(TRACE)
    far = "It is 56." + " and so on" * (TAIL // 5)
    assert not holds_value(far[-TAIL:], "56")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so x=\\frac{112}{2}", "56"),
        ("\\[ y = 4\\sqrt{5} \\]", "\\sqrt{80}"),
        ("it costs 1,200 dollars", "1200"),
        ("Navin earns the most", "\\text{Navin}"),
    ],
)
def test_values_are_compared_as_mathematics(text: str, answer: str) -> None:
    """An equal value counts however it is written."""
    assert holds_value(text, answer)
