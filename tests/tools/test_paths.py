"""Nothing leads out of a rooted folder."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest

from agentcore.tools import PathOutsideError, RootedFolder


@pytest.fixture
def tree(tmp_path: Path) -> RootedFolder:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("inside")
    (root / "sub" / "b.txt").write_text("deeper")
    (root / ".hidden").write_text("hidden")
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "root-other").mkdir()
    (tmp_path / "root-other" / "c.txt").write_text("a folder whose name begins like the root's")
    return RootedFolder(root)


def test_files_below_the_root_are_listed_and_read(tree: RootedFolder) -> None:
    """Regular files come in order, hidden ones do not, and each can be opened."""
    assert list(tree.files()) == ["a.txt", "sub/b.txt"]
    with tree.open("sub/b.txt") as file:
        assert file.read() == b"deeper"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "../root-other/c.txt",
        "/etc/passwd",
        "~/secret.txt",
        "a.txt\0.md",
        "",
        ".",
        "C:/secret.txt",
        "\\\\server\\share",
        "sub/..",
    ],
)
def test_a_path_that_leaves_is_refused(tree: RootedFolder, path: str) -> None:
    """Absolute paths, climbing, drive letters, homes and NULs are refused before anything is opened."""
    with pytest.raises(PathOutsideError):
        tree.open(path)


def test_a_link_out_is_neither_listed_nor_opened(tree: RootedFolder) -> None:
    """A symbolic link to a file outside, or through a folder outside, is refused."""
    (tree.root / "link.txt").symlink_to(tree.root.parent / "secret.txt")
    (tree.root / "linked").symlink_to(tree.root.parent / "root-other")
    assert list(tree.files()) == ["a.txt", "sub/b.txt"]
    for path in ("link.txt", "linked/c.txt"):
        with pytest.raises(PathOutsideError):
            tree.open(path)


def test_the_root_itself_may_be_a_link(tree: RootedFolder, tmp_path: Path) -> None:
    """The user's own choice of root is followed."""
    (tmp_path / "alias").symlink_to(tree.root)
    with RootedFolder(tmp_path / "alias").open("a.txt") as file:
        assert file.read() == b"inside"


def test_what_is_no_regular_file_is_refused_without_hanging(tree: RootedFolder) -> None:
    """A named pipe would block a plain open for ever."""
    os.mkfifo(tree.root / "pipe.txt")
    assert "pipe.txt" not in list(tree.files())
    with pytest.raises(PathOutsideError):
        tree.open("pipe.txt")


def test_a_missing_file_is_missing_and_not_outside(tree: RootedFolder) -> None:
    """A wrong name inside the root is an ordinary error."""
    with pytest.raises(FileNotFoundError):
        tree.open("sub/none.txt")


def test_descriptors_are_not_leaked(tree: RootedFolder) -> None:
    """Neither success nor refusal leaves a descriptor open."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for path in ("a.txt", "sub/b.txt", "../secret.txt", "sub/none.txt", "sub"):
        with contextlib.suppress(PathOutsideError, FileNotFoundError):
            tree.open(path).close()
    assert len(list(descriptors.iterdir())) == before


def test_a_folder_swapped_for_a_link_never_shows_the_outside(tree: RootedFolder) -> None:
    """While one thread swaps a folder for a link out, no read returns what lies outside."""
    inside, outside = tree.root / "swap", tree.root.parent / "outside"
    spare = tree.root / "spare"
    for folder, text in ((inside, "in"), (outside, "OUT")):
        folder.mkdir()
        (folder / "f.txt").write_text(text)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            inside.rename(spare)
            inside.symlink_to(outside)
            inside.unlink()
            spare.rename(inside)

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                with tree.open("swap/f.txt") as file:
                    seen.add(file.read())
            except (PathOutsideError, FileNotFoundError):
                pass
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"in"}
