"""The LongMemEval benchmark and its official rules."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from agentcore.memory.benchmarks import DatasetError, LongMemEvalConfig, run_longmemeval
from agentcore.memory.benchmarks._longmemeval_file import read_longmemeval
from agentcore.memory.embedding import HashEmbedder


def test_official_rules(longmemeval_file: Path) -> None:
    """User turns only, a history a question, evidence by session or by marked turn, abstention apart."""
    data = read_longmemeval(longmemeval_file, granularity="turn")
    assert [partition.id for partition in data] == ["q1", "q3_abs"]
    first = data.partitions[0]
    assert [item.role for item in first.items] == ["user"] * 3
    assert first.questions[0].evidence == ("0:s1:0",)
    assert first.questions[0].asked_at == datetime(2023, 5, 30, 23, 40)
    assert not data.partitions[1].questions[0].answerable
    assert data.skipped == {"no evidence": 1}
    by_session = read_longmemeval(longmemeval_file, granularity="session")
    assert [partition.id for partition in by_session] == [
        "q1",
        "q3_abs",
    ]  # the assistant alone has said q2's answer
    everything = read_longmemeval(longmemeval_file, granularity="session", roles="all")
    assert [len(partition.items) for partition in everything] == [6, 6, 6]
    assert everything.partitions[1].questions[0].evidence == ("1:s2:0", "1:s2:1")
    assert len(read_longmemeval(longmemeval_file, most=1).partitions) == 1


def test_run(longmemeval_file: Path) -> None:
    """Sessions are found by their best turn; recall_all, recall_any and abstention are all named."""
    config = LongMemEvalConfig(longmemeval_file, roles="all", compare=("faiss",), show_progress=False)
    metrics = run_longmemeval(config, embedder=HashEmbedder(256)).metrics
    assert metrics["num_questions"] == 2
    assert metrics["recall_at_5"] == metrics["hit_at_5"] == metrics["all_at_5"] == 1.0
    assert 0 <= metrics["abstention_auroc"] <= 1


TYPES = (
    "single-session-user",
    "single-session-assistant",
    "single-session-preference",
    "multi-session",
    "knowledge-update",
    "temporal-reasoning",
)


def odd_file(path: Path) -> Path:
    """Write a question of every type, each also as abstention, with what official files hold now and then."""
    sessions = [
        [],  # a session may be empty
        [
            {"role": "user", "content": "I keep eleven tortoises.", "has_answer": True, "extra": 1},
            {"role": "assistant", "content": "That is many. " * 600, "has_answer": False},
            {"role": "user", "content": ""},
        ],
        [
            {"role": "user", "content": None},
            {"role": "user", "content": "One tortoise ran away.", "has_answer": True},
        ],
        [{"role": "assistant", "content": "Good morning."}],
        [{"role": "user", "content": "The weather is grey."}],
    ]
    entries = [
        {
            "question_id": f"q{number}{suffix}", "question_type": kind, "question": "How many tortoises do I keep?", "answer": 10,
            "question_date": "2023/05/30 (Tue) 23:40", "haystack_session_ids": ["n0", "answer_1", "answer_2", "n3", "n3"],
            "haystack_dates": ["2023/05/20 (Sat) 02:21"] * 4 + ["2023/05/21"], "haystack_sessions": sessions,
            "answer_session_ids": ["answer_1", "answer_2"], "unknown_field": {},
        }
        for number, kind in enumerate(TYPES)
        for suffix in ("", "_abs")
    ]  # fmt: skip
    empty = {**entries[1], "question_id": "e_abs", "haystack_sessions": [[]] * 5}
    path.write_text(json.dumps([*entries, empty]), encoding="utf-8")
    return path


@pytest.mark.parametrize("granularity", ["turn", "session"])
@pytest.mark.parametrize("roles", ["user", "all"])
def test_every_type_and_oddity(tmp_path: Path, granularity: str, roles: str) -> None:
    """Every question type stands in the result by name; empty sessions, empty turns and unknown fields do no harm."""
    config = LongMemEvalConfig(
        odd_file(tmp_path / "odd.json"),
        granularity=granularity,
        roles=roles,
        compare=("faiss",),
        show_progress=False,
    )  # type: ignore[arg-type]
    result = run_longmemeval(config, embedder=HashEmbedder(64))
    metrics = result.metrics
    assert set(metrics["by_category"]) == set(TYPES) and metrics["num_questions"] == len(TYPES)
    assert metrics["all_at_5"] == metrics["hit_at_5"] == 1.0
    assert 0 <= metrics["abstention_auroc"] <= 1
    assert result.settings["skipped"] == {"no evidence": 1}
    named = {
        "recall_at_5",
        "hit_at_5",
        "all_at_5",
        "recall_at_10",
        "hit_at_10",
        "all_at_10",
        "ndcg_at_10",
        "mrr",
    }
    assert all(named <= set(group) for group in metrics["by_category"].values())
    for name in (
        "search_p50_ms",
        "search_p95_ms",
        "ingest_per_s",
        "rows_scored",
        "file_bytes",
        "query_embedding_p50_ms",
    ):
        assert metrics[name] > 0


def test_a_file_without_marks_has_its_answer_sessions(longmemeval_file: Path) -> None:
    """Where no turn is marked, every answer session is evidence."""
    plain = longmemeval_file.read_text().replace(', "has_answer": true', "")
    longmemeval_file.write_text(plain)
    data = read_longmemeval(longmemeval_file)
    assert [partition.questions[0].evidence for partition in data] == [("0:s1:0",), ("1:s2:0",), ("0:s1:0",)]


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"question_id": "q"}]'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """A file in another format is one clear error that names it."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"other\.json"):
        read_longmemeval(path)
