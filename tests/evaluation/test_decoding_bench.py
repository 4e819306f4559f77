"""The decoding benchmark: its traffic, its baseline, and one small run on the embedded model."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from agentcore.decoding import JsonSchemaConstraint, generate, load_gguf
from agentcore.evaluation.decoding import Setting, run
from agentcore.evaluation.decoding_runs import constraint_of
from agentcore.evaluation.decoding_traffic import Request, example_traffic, read_traffic, write_traffic
from agentcore.models import path_of

needs_model = pytest.mark.skipif(
    path_of("smollm2") is None, reason="the embedded model is not pulled: agentcore models pull smollm2"
)


def test_the_shipped_traffic_is_small_and_of_every_kind() -> None:
    """The recorded log holds calls under a grammar, quotes and free text, in less than two megabytes."""
    requests = example_traffic()
    assert {request.kind for request in requests} == {"tool", "quote", "free"}
    assert all((request.grammar is not None) == (request.kind == "tool") for request in requests)
    size = len(files("agentcore.evaluation").joinpath("data/decoding_traffic.jsonl").read_bytes())
    assert size < 2_000_000


def test_a_log_survives_writing_and_reading(tmp_path: Path) -> None:
    """What was recorded is what is replayed."""
    requests = [Request("tool", "r", (1, 2), 8, ("\n",), "start: /a+/"), Request("free", "r", (3,), 4)]
    write_traffic(tmp_path / "log.jsonl", requests)
    assert read_traffic(tmp_path / "log.jsonl") == requests


@pytest.mark.parametrize("text", ["", "{}\n", "no json\n", '{"kind": "free", "prompt_ids": 3, "stop": []}\n'])
def test_a_bad_log_is_named(tmp_path: Path, text: str) -> None:
    """A file that is no log fails with its name and line."""
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(ValueError, match=r"log\.jsonl"):
        read_traffic(tmp_path / "log.jsonl")


def test_an_unknown_method_is_refused_before_any_work() -> None:
    """A misspelt row of the table names the known ones."""
    with pytest.raises(ValueError, match=r"'sufix'.*suffix"):
        Setting(methods=("sufix",))


@needs_model
def test_the_plain_baseline_emits_forced_tokens_one_at_a_time() -> None:
    """Plain decoding gives the very text of decoding with free forced tokens, at one forward for each."""
    path = path_of("smollm2")
    assert path is not None
    model = load_gguf(path, weights="int4")
    schema = {  # one choice, far from a tie: forced tokens behind the prompt ride on its forward and round differently
        "type": "object",
        "properties": {"name": {"enum": ["search_documents", "zzz"]}, "limit": {"const": 5}},
        "required": ["name", "limit"],
        "additionalProperties": False,
    }
    grammar = JsonSchemaConstraint(schema, model.tokenizer).grammar
    request = Request("tool", "r", tuple(model.tokenizer.encode("Call a tool: ")), 24, (), grammar)
    both = []
    for one_by_one in (True, False):
        constraint = constraint_of(request, model, with_forced=True, one_by_one=one_by_one)
        both.append(
            list(generate(model, request.prompt_ids, max_new_tokens=24, constraint=constraint, fixed_rows=4))
        )
    assert [step.token_id for step in both[0]] == [step.token_id for step in both[1]]
    assert not any(step.is_forced for step in both[0])
    assert any(step.is_forced for step in both[1])


@pytest.mark.slow
@needs_model
def test_a_small_run_reports_every_method() -> None:
    """One round gives a row for each method, tier and set, and lossless methods differ at near ties alone."""
    setting = Setting(
        tiers=("int4",), methods=("forced", "suffix", "auto"), repeats=1, limit=1, max_new_tokens=24
    )
    result = run(setting=setting, json_only=True)
    rows = result["metrics"]["methods"]
    assert {(row["name"], row["set"]) for row in rows} >= {
        ("auto", "tool"),
        ("suffix", "free"),
        ("forced", "agent"),
    }
    assert all(row["deterministic_exact"] is not False for row in rows)
    assert all(row["tokens_per_forward"] >= 1 for row in rows if row["name"] == "auto")
