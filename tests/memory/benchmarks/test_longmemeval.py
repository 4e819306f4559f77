"""The LongMemEval benchmark and its official rules."""

from __future__ import annotations

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


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"question_id": "q"}]'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """A file in another format is one clear error that names it."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"other\.json"):
        read_longmemeval(path)
