"""Scoring of tool calls, and the benchmark on a model that answers from a list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from agentcore.evaluation.call_scoring import score_calls
from agentcore.evaluation.tool_calls import MODES, evaluate, load_cases

EXPECTED = [{"geo.area": {"base": [10], "unit": ["cm", ""]}}]


@pytest.mark.parametrize(
    ("calls", "names", "arguments"),
    [
        ([("geo_area", {"base": 10})], True, True),
        ([("geo_area", {"base": 10.0, "unit": "CM"})], True, True),
        ([("geo_area", {"base": 11})], True, False),
        ([("geo_area", {"base": 10, "colour": "red"})], True, False),
        ([("geo_area", {"unit": "cm"})], True, False),
        ([("geo_area", {"base": True})], True, False),
        ([("geo_volume", {"base": 10})], False, False),
        ([("geo_area", {"base": 10}), ("geo_area", {"base": 10})], False, False),
        ([], False, False),
    ],
)
def test_calls_are_held_against_every_accepted_value(calls: list[Any], names: bool, arguments: bool) -> None:
    """Names must match in number, required arguments be there, values be accepted ones, and nothing be added."""
    score = score_calls(calls, EXPECTED)
    assert (score.has_right_names, score.has_right_arguments) == (names, arguments)


def test_no_call_is_right_where_none_is_expected() -> None:
    """Irrelevant requests are answered rightly by calling nothing."""
    assert score_calls([], []).has_right_arguments
    assert not score_calls([("geo_area", {"base": 1})], []).has_right_names


@given(order=st.permutations([1, 2, 3]))
def test_the_order_of_parallel_calls_does_not_matter(order: list[int]) -> None:
    """Any order of the expected calls is right, and a repeated one is not."""
    expected = [{"f": {"n": [1, 2]}}, {"f": {"n": [2, 3]}}, {"f": {"n": [3]}}]
    assert score_calls([("f", {"n": n}) for n in order], expected).has_right_arguments
    assert not score_calls([("f", {"n": 1})] * 3, expected).has_right_arguments


def test_nested_values_are_compared_in_depth() -> None:
    """Lists and dictionaries inside arguments count, with accepted values at each key."""
    expected = [{"q": {"where": [[{"field": ["age"], "value": ["25", "26"]}]]}}]
    assert score_calls([("q", {"where": [{"field": "age", "value": "26"}]})], expected).has_right_arguments
    assert not score_calls(
        [("q", {"where": [{"field": "age", "value": "27"}]})], expected
    ).has_right_arguments


class Scripted(GenericFakeChatModel):
    """Answers from a list, whatever the tools."""

    constrain_tools: bool = True

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


def test_the_benchmark_counts_what_was_answered(tmp_path: Path) -> None:
    """Right, wrong, invalid and absent calls each move their own figure."""
    tool = {
        "type": "function",
        "function": {
            "name": "geo_area",
            "parameters": {
                "type": "object",
                "properties": {"base": {"type": "integer"}},
                "required": ["base"],
            },
        },
    }
    case = {
        "category": "c",
        "messages": [{"role": "user", "content": "?"}],
        "tools": [tool],
        "expected": EXPECTED,
    }
    lines = [json.dumps({**case, "id": i, "expected": [] if i == 3 else EXPECTED}) for i in range(4)]
    (tmp_path / "cases.jsonl").write_text("\n".join(lines))

    def call(**arguments: Any) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "geo_area", "args": arguments, "id": "1"}])

    model = Scripted(messages=iter([call(base=10), call(base=3), call(base="x"), AIMessage("none")]))
    cases = load_cases(tmp_path / "cases.jsonl")
    assert len(load_cases(tmp_path / "cases.jsonl", skip=1, limit=2)) == 2
    metrics = evaluate(model, cases, modes=["grammar"])["grammar"]
    assert "grammar" in MODES
    assert metrics["calls"] == 3
    assert metrics["valid_calls"] == pytest.approx(2 / 3)
    assert metrics["name_accuracy"] == 1.0
    assert metrics["argument_accuracy"] == 0.5
    assert metrics["abstention_accuracy"] == 1.0
