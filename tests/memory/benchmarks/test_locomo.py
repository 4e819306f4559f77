"""The LoCoMo benchmark: its loader, its run, and what an interruption leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcore.memory.benchmarks import (
    ABLATIONS,
    DatasetError,
    LocomoConfig,
    draw_plot,
    print_tables,
    run_locomo,
)
from agentcore.memory.benchmarks._locomo_file import read_locomo
from agentcore.memory.embedding import HashEmbedder

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "locomo_dev5.json"
METRICS = "recall_at_5 recall_at_10 recall_at_20 ndcg_at_10 mrr abstention_auroc search_p50_ms search_p95_ms by_category"


def test_loader_reads_turns_and_cleans_evidence(locomo_file: Path) -> None:
    """Turns come with speaker, session, time and caption; evidence holding several ids or strays is cleaned."""
    data = read_locomo(locomo_file)
    first = data.partitions[0]
    assert [item.id for item in first.items] == ["D1:1", "D1:2", "D1:3", "D2:1", "D2:2"]
    assert (
        first.items[1].document
        == "Bob (8 May 2023): Lovely! My telescope arrived. [image: a brass telescope]"
    )
    assert [question.evidence for question in first.questions] == [("D1:1",), ("D1:1", "D2:2"), ("D2:1",)]
    assert [question.answerable for question in first.questions] == [True, True, False]
    assert data.skipped == {"no evidence": 4}


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"conversation": {}}]', "\x00"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """A file in another format is one clear error that names it."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"other\.json"):
        read_locomo(path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"conv-2"', '"conv-1"', "'conv-1' stands twice"),
        ('"dia_id": "D1:2"', '"dia_id": "D1:1"', "'D1:1' stands twice"),
        ('"evidence"', '"proof"', "no question"),
    ],
)
def test_files_that_cannot_be_measured_are_refused(
    locomo_file: Path, old: str, new: str, reason: str
) -> None:
    """Ids that stand twice and a file without any evidence are named before anything is embedded."""
    locomo_file.write_text(locomo_file.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=reason):
        read_locomo(locomo_file)


def test_official_development_file() -> None:
    """The five conversations at hand hold 2,760-odd turns, and every question of category 1-5 is read or counted."""
    if not REAL.is_file():
        pytest.skip("needs ../shared/data/locomo_dev5.json")
    data = read_locomo(REAL)
    turns = sum(len(partition.items) for partition in data)
    asked = [question for partition in data for question in partition.questions]
    assert 2700 < turns < 2900
    assert len(asked) + sum(data.skipped.values()) == 998
    assert sum(question.answerable for question in asked) == 759


def test_loader_takes_what_official_files_hold(tmp_path: Path, locomo_file: Path) -> None:
    """Images without text, lists of captions, sessions without a time, odd evidence strings and more fields are read."""
    (sample, _) = json.loads(locomo_file.read_text())
    talk = sample["conversation"]
    talk["session_2"] += [
        {"speaker": "Ann", "dia_id": "D2:3", "text": "", "img_url": ["x"], "blip_caption": "a photo of a red kite", "query": "kite"},
        {"speaker": "Bob", "dia_id": "D2:4", "text": "Look!", "img_url": ["x", "y"], "blip_caption": ["a mill", "a barn"]},
        {"speaker": "Bob", "dia_id": "D2:5", "text": " "},
    ]  # fmt: skip
    del talk["session_2_date_time"]
    talk["session_4"] = []
    sample |= {"event_summary": {}, "observation": {}, "session_summary": {"session_1_summary": "…"}}
    sample["qa"] += [
        {"question": "Which kite?", "answer": 3, "evidence": ["D:2:3", "D2:04; D9:1"], "category": 2},
        {"question": "Which mill?", "answer": "x", "evidence": "D2:4", "category": 4},
        {"question": "No evidence key?", "category": 4},
    ]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps([sample]))
    (partition,) = read_locomo(path)
    items = {item.id: item for item in partition.items}
    assert items["D2:3"].text == "a photo of a red kite" and items["D2:3"].caption is None
    assert items["D2:4"].caption == "a mill, a barn" and "D2:5" not in items
    assert items["D1:1"].timestamp < items["D2:1"].timestamp
    questions = {question.text: question for question in partition.questions}
    assert questions["Which kite?"].evidence == ("D2:3", "D2:4") and questions["Which kite?"].answer == "3"
    assert questions["Which mill?"].evidence == ("D2:4",)
    run_locomo(LocomoConfig(path, compare=(), show_progress=False), embedder=HashEmbedder(32))


@pytest.mark.parametrize("granularity", ["turn", "session"])
def test_run_reports_every_promised_metric(locomo_file: Path, tmp_path: Path, granularity: str) -> None:
    """SwiftMem and the baselines report the same metrics, as one line of JSON, with a plot beside."""
    out = tmp_path / "out"
    config = LocomoConfig(
        locomo_file, granularity=granularity, compare=("faiss", "rrf"), out=out, show_progress=False
    )  # type: ignore[arg-type]
    pytest.importorskip("bm25s")
    result = run_locomo(config, embedder=HashEmbedder(128))
    parsed = json.loads(result.json_line())
    assert set(parsed) == {"bench", "data", "metrics", "baselines", "settings", "environment"}
    for metrics in (parsed["metrics"], *parsed["baselines"].values()):
        assert set(METRICS.split()) <= set(metrics)
        assert set(metrics["folds"]) == {"conv-1", "conv-2"}
        assert set(metrics["by_category"]) == {"1", "4", "5"}
    assert parsed["metrics"]["recall_at_20"] == 1.0
    assert parsed["settings"]["questions"] == 6
    assert "\n" not in result.json_line()
    assert (out / "locomo.json").read_text().strip() == result.json_line()
    print_tables(result)
    assert draw_plot(result, out / "plot.png") is None or (out / "plot.png").stat().st_size > 1000


def test_interrupted_run_goes_on_where_it_stopped(
    locomo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption finished partitions are not searched again, and the result is complete."""
    from agentcore.memory.benchmarks.engines import SwiftMemEngine

    searched: list[str] = []
    plain = SwiftMemEngine.search

    def search(self, partition, question, encoded, *, limit):  # type: ignore[no-untyped-def]
        if partition == "conv-2" and "conv-2" not in searched:
            searched.append(partition)
            raise KeyboardInterrupt
        searched.append(partition)
        return plain(self, partition, question, encoded, limit=limit)

    monkeypatch.setattr(SwiftMemEngine, "search", search)
    config = LocomoConfig(locomo_file, compare=(), out=tmp_path / "out", show_progress=False)
    with pytest.raises(KeyboardInterrupt):
        run_locomo(config, embedder=HashEmbedder())
    assert list((tmp_path / "out").glob(".unfinished-*"))
    searched[:] = ["conv-2"]
    result = run_locomo(config, embedder=HashEmbedder())
    assert set(searched) == {"conv-2"}
    assert set(result.metrics["folds"]) == {"conv-1", "conv-2"}
    assert not list((tmp_path / "out").glob(".unfinished-*"))


def test_ablations_stand_beside(locomo_file: Path) -> None:
    """Each part can be left out in the same run; for small users the indexes change nothing, the ranking's parts may."""
    config = LocomoConfig(locomo_file, compare=tuple(ABLATIONS), show_progress=False)
    result = run_locomo(config, embedder=HashEmbedder(64))
    assert set(result.baselines) == set(ABLATIONS)
    same = ("recall_at_5", "mrr", "rows_scored")
    for name in ("consolidated", "no-temporal", "no-tags", "no-consolidation", "exact"):
        other = result.baselines[f"swiftmem-{name}"]
        assert [other[key] for key in same] == [result.metrics[key] for key in same]
    assert all(row["search_p50_ms"] > 0 for row in result.baselines.values())


def test_unknown_baseline_is_refused(locomo_file: Path) -> None:
    """An engine nobody knows is an error that lists those known."""
    with pytest.raises(ValueError, match="faiss"):
        run_locomo(
            LocomoConfig(locomo_file, compare=("pinecone",), show_progress=False), embedder=HashEmbedder()
        )
