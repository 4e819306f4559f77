"""The files of a run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agentcore.errors import RunBusyError, RunStorageError, WorkspaceError
from agentcore.workflow.workspace import Workspace


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "", "nul\0", "link/secret"])
def test_no_path_leads_outside(tmp_path: Path, name: str) -> None:
    """Neither dots, absolute paths nor symbolic links lead out of the run's folder."""
    workspace = Workspace(tmp_path / "run")
    (tmp_path / "other").mkdir()
    (workspace.root / "link").symlink_to(tmp_path / "other")
    with pytest.raises(WorkspaceError):
        workspace.write(name, "x")


def test_a_folder_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    """`ws-other` is not inside `ws`."""
    workspace = Workspace(tmp_path / "ws")
    Workspace(tmp_path / "ws-other").write("secret", "x")
    with pytest.raises(WorkspaceError):
        workspace.read("../ws-other/secret")


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Files are 0600, folders 0700."""
    workspace = Workspace(tmp_path / "run")
    workspace.write("plan/todo.md", "x")
    assert stat.S_IMODE((workspace.root / "plan" / "todo.md").stat().st_mode) == 0o600
    assert stat.S_IMODE(workspace.root.stat().st_mode) == 0o700
    assert stat.S_IMODE((workspace.root / "plan").stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "line\r\nline", "\u2028 and é", "\ud800"])
def test_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    """Every text is read back unchanged, line ends and odd characters included."""
    workspace = Workspace(tmp_path / "run")
    workspace.write("a.txt", text)
    assert workspace.read("a.txt") == text


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    """JSON rows survive line separators inside their values."""
    rows = [{"a": "x\u2028y\nz", "b": 1.5}, {"a": None}]
    workspace = Workspace(tmp_path / "run")
    workspace.write_rows("rows.jsonl", rows)
    assert workspace.read_rows("rows.jsonl") == rows


def test_one_lease_at_a_time(tmp_path: Path) -> None:
    """A run that is held cannot be taken by another, and can again afterwards."""
    first, second = Workspace(tmp_path / "run"), Workspace(tmp_path / "run")
    with first.lease(), pytest.raises(RunBusyError, match="another process"), second.lease():
        pass
    with second.lease():
        pass


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A path that cannot hold a run gives one line with the path."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunStorageError, match="file"):
        Workspace(tmp_path / "file" / "run")


def test_a_missing_file_lists_what_is_there(tmp_path: Path) -> None:
    """Reading a file that is not there says which files are."""
    workspace = Workspace(tmp_path / "run")
    workspace.write("report.md", "x")
    with pytest.raises(WorkspaceError, match=r"report\.md"):
        workspace.read("missing.md")
