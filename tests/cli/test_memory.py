"""`agentcore memory` on a real file: what one process adds, the next one finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcore.models import path_of

from .conftest import Run

pytestmark = pytest.mark.skipif(path_of("minilm") is None, reason="needs `agentcore models pull minilm`")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "memory.db")


def test_what_is_added_is_found_listed_and_deleted(here: Run, file: str) -> None:
    """The life of a memory, over five processes."""
    record_id = here("memory", "add", "The", "key", "is under the mat", "--memory", file).stdout.strip()
    here("memory", "add", "Bread is in the oven", "--memory", file, "--at", "2024-05-08")
    found = here("memory", "search", "where is the key?", "--memory", file, "--limit", "1", "--json")
    assert [(hit["id"], hit["text"]) for hit in json.loads(found.stdout)] == [
        (record_id, "The key is under the mat")
    ]
    listed = here("memory", "list", "--memory", file)
    assert listed.stdout.splitlines()[0].startswith("2024-05-08 00:00  Bread is in the oven")
    assert here("memory", "delete", record_id, "--memory", file).stdout == "1 forgotten\n"
    assert "key" not in here("memory", "list", "--memory", file).stdout


def test_users_are_apart(here: Run, file: str) -> None:
    """One user's memories are not shown to another, and deleting all of one leaves the other's."""
    here("memory", "add", "mine", "--memory", file, "--user", "a")
    here("memory", "add", "yours", "--memory", file, "--user", "b")
    assert "mine" not in here("memory", "list", "--memory", file, "--user", "b").stdout
    assert (
        here("memory", "delete", "--all", "--yes", "--memory", file, "--user", "a").stdout == "1 forgotten\n"
    )
    assert "yours" in here("memory", "list", "--memory", file, "--user", "b").stdout


def test_words_are_found_for_one_user_or_everyone(here: Run, file: str) -> None:
    """`--words` needs no model; only `--everyone` crosses users; another user's id deletes nothing."""
    mine = here("memory", "add", "the amber lamp", "--memory", file, "--user", "a").stdout.strip()
    here("memory", "add", "the amber ring", "--memory", file, "--user", "b")
    here("memory", "add", "the amber box", "--memory", file, "--user", "b")
    search = ("memory", "search", "amber", "--words", "--memory", file, "--json")
    assert [hit["user_id"] for hit in json.loads(here(*search, "--user", "a").stdout)] == ["a"]
    assert len(json.loads(here(*search, "--everyone").stdout)) == 3
    assert here("memory", "delete", mine, "--memory", file, "--user", "b").returncode == 2
    assert len(json.loads(here(*search, "--everyone").stdout)) == 3


def test_text_comes_from_stdin_too(here: Run, file: str) -> None:
    """`-` reads what is piped."""
    here("memory", "add", "-", "--memory", file, stdin="piped words\n")
    assert "piped words" in here("memory", "list", "--memory", file).stdout


def test_stats_count(here: Run, file: str) -> None:
    """The counts are one JSON object."""
    here("memory", "add", "one", "--memory", file)
    assert json.loads(here("memory", "stats", "--memory", file, "--json").stdout)["records"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["add", "  "], 2, "empty"),
        (["add", "x", "--at", "not a time"], 2, "time"),
        (["add", "x", "--metadata", "{"], 2, "no valid JSON"),
        (["search", "x", "--limit", "0"], 2, "limit"),
        (["search", "x", "--everyone"], 2, "--words"),
        (["search", "x", "--words", "--explain"], 2, "--limit"),
        (["delete"], 2, "--all"),
        (["delete", "--all"], 130, ""),
        (["delete", "none"], 2, "no memory has the id"),
        (["export", "out.jsonl", "--namespace", "work"], 2, "--namespace"),
        (["export", "nowhere/out.jsonl"], 2, "there is no folder nowhere"),
    ],
)
def test_mistakes_are_one_line(here: Run, file: str, arguments: list[str], code: int, message: str) -> None:
    """Each mistake has its exit code and says what is wrong."""
    here("memory", "add", "there is a file", "--memory", file)
    done = here("memory", *arguments, "--memory", file)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_missing_file_is_not_made_by_a_search(here: Run, file: str) -> None:
    """Looking for memories leaves no empty file behind."""
    done = here("memory", "search", "x", "--memory", file)
    assert done.returncode == 2 and "agentcore memory add" in done.stderr
    assert not Path(file).exists()


def test_a_file_that_is_no_database_is_told(here: Run, file: str) -> None:
    """Another kind of file is refused in one line and left as it was."""
    Path(file).write_text("I am a letter.\n" * 100)
    done = here("memory", "list", "--memory", file)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert Path(file).read_text().startswith("I am a letter.")


def test_an_export_is_read_back_into_another_file(here: Run, file: str, tmp_path: Path) -> None:
    """Export and import carry ids and text; importing twice adds nothing, and a target is not overwritten unasked."""
    record_id = here("memory", "add", "carried over", "--memory", file).stdout.strip()
    lines = str(tmp_path / "export.jsonl")
    assert here("memory", "export", lines, "--memory", file, "--json").stdout == '{"exported": 1}\n'
    assert here("memory", "export", lines, "--memory", file).returncode == 1
    other = str(tmp_path / "other.db")
    for count in (1, 0):
        done = here("memory", "import", lines, "--memory", other, "--json")
        assert json.loads(done.stdout) == {"imported": count}
    listed = json.loads(here("memory", "list", "--memory", other, "--json").stdout)
    assert [(row["id"], row["text"]) for row in listed] == [(record_id, "carried over")]


def test_an_export_onto_the_memory_is_refused(here: Run, file: str) -> None:
    """Not even `--force` writes an export over the memory that is exported."""
    here("memory", "add", "precious", "--memory", file)
    done = here("memory", "export", file, "--memory", file, "--force")
    assert done.returncode == 2 and "is the memory itself" in done.stderr
    assert "precious" in here("memory", "list", "--memory", file).stdout


def test_an_import_of_something_else_changes_nothing(here: Run, file: str, tmp_path: Path) -> None:
    """A file that is no export is wrong usage, named by its line."""
    (tmp_path / "bad.jsonl").write_text('{"text": "fine", "id": "1"}\nnonsense\n')
    here("memory", "add", "kept", "--memory", file)
    done = here("memory", "import", str(tmp_path / "bad.jsonl"), "--memory", file)
    assert done.returncode == 2 and "line" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(here("memory", "stats", "--memory", file, "--json").stdout)["records"] == 1


def test_upkeep_reports_what_it_did(here: Run, file: str) -> None:
    """Consolidating and vacuuming say what changed, and memories are found afterwards as before."""
    here("memory", "add", "I moved to Lisbon in May", "--memory", file)
    report = json.loads(here("memory", "consolidate", "--memory", file, "--json").stdout)
    assert report[0]["records"] == 1
    vacuumed = json.loads(here("memory", "vacuum", "--memory", file, "--json").stdout)
    assert vacuumed["removed"] == 0 and vacuumed["bytes_after"] <= vacuumed["bytes_before"]
    assert "Lisbon" in here("memory", "search", "where do I live", "--memory", file).stdout
