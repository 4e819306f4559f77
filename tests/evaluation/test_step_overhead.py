"""The measurement of a step's overhead runs and reports both ways."""

from __future__ import annotations

from agentcore.evaluation.step_overhead import measure


def test_both_ways_are_measured() -> None:
    """A short measurement names the bare node as its baseline and gives times of both."""
    result = measure(steps=5, repeats=1)
    assert result["metrics"]["step_ms"]["median"] > 0
    assert result["baselines"]["bare_langgraph_node"]["step_ms"]["median"] > 0
    assert result["settings"]["target_overhead"] == 0.25
