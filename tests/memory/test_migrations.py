"""Files of every age open, for ever."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentcore.memory import NewerStoreError, SwiftMem
from agentcore.memory.embedding import HashEmbedder
from agentcore.memory.storage._migrations import MIGRATIONS

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("schema_*.sqlite")))
def test_old_files_open(tmp_path: Path, name: str) -> None:
    """A file written by an earlier schema opens with everything in it, and can be written to."""
    path = tmp_path / "old.db"
    shutil.copy(DATA / name, path)
    with SwiftMem(path, embedder=HashEmbedder(16), now=lambda: datetime(2026, 7, 1, tzinfo=UTC)) as memory:
        assert [record.id for record in memory.get_all(user_id="ann")] == [
            "job",
            "ann-1",
            "bob-1",
            "ann-2",
            "short",
        ]
        assert memory.get("deleted") is None
        assert [version.text for version in memory.history("job")] == [
            "Ann works as a baker",
            "Ann works as a teacher",
        ]
        assert memory.get("ann-2").tags == ("home", "river_view")
        assert memory.search("two rooms near the river", user_id="ann")[0].id == "ann-2"
        assert memory.search("comet hunter", user_id="corpus", namespace="stars")[0].id == "passage-1"
        memory.add("a new one", user_id="ann", id="new")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_old_files_rank_as_new_ones(tmp_path: Path) -> None:
    """What newer files keep beside a record is worked out for older ones: the same scores."""
    found = []
    for name in ("schema_004", "schema_005"):
        path = tmp_path / f"{name}.db"
        shutil.copy(DATA / f"{name}.sqlite", path)
        with SwiftMem(
            path, embedder=HashEmbedder(16), now=lambda: datetime(2026, 7, 1, tzinfo=UTC)
        ) as memory:
            hits = memory.search("When did Ann move near the river?", user_id="ann")
        found.append({hit.id: pytest.approx(hit.score, abs=1e-5) for hit in hits})
    assert len(found[0]) == 5
    assert {key: value.expected for key, value in found[0].items()} == found[1]


def test_every_schema_has_a_file() -> None:
    """Each released schema has a file here that proves it still opens."""
    assert {path.stem for path in DATA.glob("schema_*.sqlite")} == {
        f"schema_{number:03}" for number in range(1, len(MIGRATIONS) + 1)
    }


def test_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a newer version is refused with the cure, and left as it was."""
    path = tmp_path / "new.db"
    SwiftMem(path, embedder=HashEmbedder(16)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(NewerStoreError, match="upgrade agentcore-runtime"):
        SwiftMem(path, embedder=HashEmbedder(16))
