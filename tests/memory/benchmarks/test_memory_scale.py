"""The memory-scale benchmark on a small store, with real processes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agentcore.memory.benchmarks import MemoryScaleConfig, print_scale_table, run_memory_scale
from agentcore.memory.benchmarks._locomo_file import read_locomo
from agentcore.memory.benchmarks._recombined import RealTurns, chunks
from agentcore.memory.benchmarks._result import BenchResult
from agentcore.memory.benchmarks.engines import turn_text
from agentcore.memory.benchmarks.memory_scale import write_result
from agentcore.memory.embedding import HashEmbedder

FIELDS = "engine workload mode records p50_ms p95_ms recall_at_10 bytes_per_record build_s cold_open_s"


def test_recombined_records_are_seeded_and_hold_the_real_ones(locomo_file: Path) -> None:
    """The same seed gives the same records; every real turn is among them; users have about 600 each, a heavy one all."""
    real = RealTurns.embed(read_locomo(locomo_file), HashEmbedder())
    for heavy in (False, True):
        made = [list(chunks(real, records=1500, heavy=heavy, form="turn", seed=3)) for _ in range(2)]
        ids = [(chunk.partition, item.id) for chunk in made[0] for item in chunk.items]
        assert len(ids) == len(set(ids)) == 1500
        assert {"conv-1:D1:1", "conv-2:D2:2"} <= {identity for _, identity in ids}
        assert len({partition for partition, _ in ids}) == (1 if heavy else 5)
        for one, two in zip(*made, strict=True):
            assert one.items == two.items
            assert np.array_equal(one.encoded.pooled, two.encoded.pooled)
            assert np.allclose(np.linalg.norm(one.encoded.pooled, axis=1), 1, atol=1e-5)
            assert one.encoded.tokens is not None
            assert len(one.encoded.tokens) == len(one.items)
            for item, tokens in zip(one.items, one.encoded.tokens, strict=True):
                said = turn_text(item).replace(" ", "").lower()
                assert "".join(piece.removeprefix("##") for piece in tokens.pieces).lower() in said
    with pytest.raises(ValueError, match="at least 10"):
        list(chunks(real, records=9, heavy=False, form="turn", seed=0))


def test_kept_turns_are_those_that_would_be_made(locomo_file: Path, tmp_path: Path) -> None:
    """Who needs no token vectors reads what was made for the engine before him, also for another size."""
    real = RealTurns.embed(read_locomo(locomo_file), HashEmbedder())
    folder = tmp_path / "kept"
    folder.mkdir()
    list(chunks(real, records=4100, heavy=True, form="turn", seed=3, kept_in=folder))
    kept = set(folder.iterdir())
    for records in (4100, 2010):
        read = list(chunks(real, records=records, heavy=True, form="document", seed=3, kept_in=folder))
        made = list(chunks(real, records=records, heavy=True, form="document", seed=3))
        for one, two in zip(read, made, strict=True):
            assert one.partition == two.partition and one.items == two.items
            assert np.array_equal(one.encoded.pooled, two.encoded.pooled)
    assert len(kept) == 3 and set(folder.iterdir()) == kept


@pytest.mark.parametrize("workload", ["many_users", "heavy_user"])
def test_rows_for_every_engine(locomo_file: Path, tmp_path: Path, workload: str) -> None:
    """Every engine gets a row with all promised fields, exact ones with perfect recall, and the whole is one JSON line."""
    config = MemoryScaleConfig(
        locomo_file,
        records=(1300,),
        workloads=(workload,),
        engines=("faiss", "faiss-ivf"),
        queries=4,
        out=tmp_path / "out",
        show_progress=False,
    )
    result = run_memory_scale(config, embedder=HashEmbedder())
    rows = {row["engine"]: row for row in result.metrics["rows"]}
    assert {"swiftmem", "swiftmem-exact", "swiftmem-fast", "faiss", "faiss-ivf"} <= set(rows)
    for row in rows.values():
        assert set(FIELDS.split()) <= set(row)
        assert row["records"] == 1300
        assert row["p50_ms"] <= row["p95_ms"]
    assert rows["faiss"]["recall_at_10"] == rows["swiftmem-exact"]["recall_at_10"] == 1
    assert rows["swiftmem"]["evidence_recall_at_10"] > 0.2
    assert rows["swiftmem"]["cold_open_s"] > 0
    assert rows["swiftmem"]["with_embedding_p50_ms"] > 0
    assert json.loads(result.json_line())["bench"] == "memory-scale"
    assert (tmp_path / "out" / "memory-scale.json").is_file()
    print_scale_table(result)


def test_rows_of_other_sizes_stay_in_the_file(tmp_path: Path) -> None:
    """A second run replaces the rows of its own sizes and keeps the others; a file of something else is replaced whole."""
    path = tmp_path / "out" / "memory-scale.json"
    for records, p50 in ((1300, 1.0), (1400, 2.0), (1300, 4.0)):
        rows = [{"engine": "swiftmem", "workload": "heavy_user", "records": records, "p50_ms": p50}]
        write_result(
            BenchResult("memory-scale", "d", {"rows": rows}, {}, {"records": [records], "seed": 7}), path
        )
    metrics = json.loads(path.read_text())["metrics"]
    rows = metrics["rows"]
    assert metrics["growth"] == {"heavy_user": {"from": 1300, "to": 1400, "p50_ratio": 0.5}}
    assert [(row["records"], row["p50_ms"]) for row in rows] == [(1400, 2.0), (1300, 4.0)]
    assert rows[0]["settings"] == {"seed": 7}
    write_result(BenchResult("memory-scale", "other", {"rows": []}, {}, {}), path)
    assert json.loads(path.read_text())["metrics"]["rows"] == []


def test_an_engine_over_its_budget_gets_a_row_that_says_so(locomo_file: Path) -> None:
    """An engine that spends its seconds is skipped by name, and the others are measured."""
    config = MemoryScaleConfig(
        locomo_file,
        records=(1300,),
        workloads=("many_users",),
        engines=(),
        queries=4,
        engine_seconds=1e-6,
        show_progress=False,
    )
    result = run_memory_scale(config, embedder=HashEmbedder())
    assert [(row["engine"], row.get("skipped")) for row in result.metrics["rows"]] == [("swiftmem", "time")]
    print_scale_table(result)


@pytest.mark.parametrize("options", [{"engines": ("pinecone",)}, {"workloads": ("one",)}, {"records": (5,)}])
def test_bad_settings(locomo_file: Path, options: dict[str, tuple[object, ...]]) -> None:
    """Unknown engines and workloads, and stores smaller than the real data, are refused."""
    with pytest.raises(ValueError, match=r"choose from|must be"):
        run_memory_scale(
            MemoryScaleConfig(locomo_file, show_progress=False, **options), embedder=HashEmbedder()
        )  # type: ignore[arg-type]
