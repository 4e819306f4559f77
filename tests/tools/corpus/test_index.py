"""An index in step with its folder: nothing twice, nothing stale, old snapshots kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentcore.tools import (
    CorpusNotFoundError,
    EmptyCorpusError,
    SnapshotMissingError,
    ToolRegistry,
    UnknownDocumentError,
    UnreadableDocumentError,
)
from agentcore.tools.corpus import CorpusIndex, FolderSnapshots, MemorySnapshots, corpus_tools, read_folder
from agentcore.tools.corpus import _index as index_module
from agentcore.tools.paths import RootedFolder

if TYPE_CHECKING:
    from ..conftest import WordStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    (root / "sub").mkdir(parents=True)
    (root / "apple.md").write_text("# Apple\n\nAn apple is a fruit.")
    (root / "sub" / "pear.txt").write_text("Pear\n\nA pear is a fruit too.")
    (root / "picture.png").write_bytes(b"\x89PNG")
    (root / ".secret.txt").write_text("hidden")
    return root


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every file that is parsed."""
    seen: list[str] = []
    real = index_module.read_file

    def counting(folder: object, source: str) -> object:
        seen.append(source)
        return real(folder, source)  # type: ignore[arg-type]

    monkeypatch.setattr(index_module, "read_file", counting)
    return seen


def make(store: WordStore, tmp_path: Path) -> CorpusIndex:
    return CorpusIndex(store, FolderSnapshots(tmp_path / "snapshots"), manifest=tmp_path / "manifest.json")


def test_a_folder_is_indexed_and_found(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """Passages carry where they stand, and the snapshot holds them there."""
    index = make(store, tmp_path)
    report = index.refresh(folder)
    assert (report.added, report.changed, report.removed, report.skipped) == (2, 0, 0, ())
    hit = index.search("pear fruit", 1)[0]
    assert (hit.source, hit.title) == ("sub/pear.txt", "Pear")
    assert index.snapshot(hit.sha256)[hit.start : hit.end] == hit.text


def test_unchanged_files_are_neither_parsed_nor_indexed_again(
    store: WordStore, folder: Path, tmp_path: Path, parsed: list[str]
) -> None:
    """A second process over the same folder has nothing to do."""
    make(store, tmp_path).refresh(folder)
    del parsed[:], store.added[:]
    report = make(store, tmp_path).refresh(folder)
    assert parsed == [] and store.added == []
    assert report.unchanged == 2


def test_a_touched_file_is_not_indexed_again(
    store: WordStore, folder: Path, tmp_path: Path, parsed: list[str]
) -> None:
    """A new time with the same bytes is no change."""
    make(store, tmp_path).refresh(folder)
    os.utime(folder / "apple.md")
    del parsed[:], store.added[:]
    make(store, tmp_path).refresh(folder)
    assert parsed == [] and store.added == []


def test_a_changed_file_replaces_its_passages_and_keeps_its_old_snapshot(
    store: WordStore, folder: Path, tmp_path: Path, parsed: list[str]
) -> None:
    """New text is found, old text is not, and an old citation still checks."""
    index = make(store, tmp_path)
    index.refresh(folder)
    old = index.search("apple", 1)[0]
    (folder / "apple.md").write_text("# Apple\n\nAn apple is a tree too.")
    del parsed[:], store.added[:]
    report = index.refresh(folder)
    assert (report.changed, report.unchanged) == (1, 1)
    assert parsed == ["apple.md"] and set(store.added) == {"apple.md"}
    assert [hit.text for hit in index.search("apple", 9) if hit.source == "apple.md"] == [
        "An apple is a tree too."
    ]
    assert index.snapshot(old.sha256)[old.start : old.end] == old.text


def test_a_change_of_the_same_length_within_a_clock_tick_is_seen(
    store: WordStore, folder: Path, tmp_path: Path
) -> None:
    """Size and time alone do not prove that a fresh file is unchanged."""
    index = make(store, tmp_path)
    path = folder / "apple.md"
    index.refresh(folder)
    before = path.stat()
    path.write_text(path.read_text().replace("fruit", "stone"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert index.refresh(folder).changed == 1


def test_a_removed_file_leaves_the_index(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """What is gone from the folder is never found again."""
    index = make(store, tmp_path)
    index.refresh(folder)
    (folder / "apple.md").unlink()
    assert index.refresh(folder).removed == 1
    assert {hit.source for hit in index.search("apple", 9)} == {"sub/pear.txt"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        '{"version": 99, "files": {}}',
        '{"version": 1, "files": {"apple.md": 3}}',
        '{"version": 1, "files": [3]}',
    ],
)
def test_a_spoiled_manifest_costs_parsing_and_nothing_else(
    store: WordStore, folder: Path, tmp_path: Path, content: str
) -> None:
    """The manifest is a cache: the store says what is indexed."""
    make(store, tmp_path).refresh(folder)
    (tmp_path / "manifest.json").write_text(content)
    del store.added[:]
    assert make(store, tmp_path).refresh(folder).unchanged == 2
    assert store.added == []


def test_a_store_that_was_emptied_is_filled_again(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """A manifest that remembers files does not hide that their passages are gone."""
    make(store, tmp_path).refresh(folder)
    store.passages.clear()
    assert make(store, tmp_path).refresh(folder).added == 2
    assert len(store.passages) == 2


def test_a_crash_while_indexing_is_made_good(
    store: WordStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption the next refresh indexes what is missing, once."""

    def crash(passages: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "add", crash)
    with pytest.raises(KeyboardInterrupt):
        make(store, tmp_path).refresh(folder)
    monkeypatch.undo()
    make(store, tmp_path).refresh(folder)
    assert sorted(passage.source for passage in store.passages) == ["apple.md", "sub/pear.txt"]


def test_a_file_that_cannot_be_read_is_passed_over_and_told(
    store: WordStore, folder: Path, tmp_path: Path
) -> None:
    """One bad PDF does not stop the others."""
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    report = make(store, tmp_path).refresh(folder)
    assert report.added == 2
    assert [line for line in report.skipped if line.startswith("bad.pdf")] == list(report.skipped)


def test_a_name_that_is_no_utf8_is_passed_over_and_told(
    store: WordStore, folder: Path, tmp_path: Path
) -> None:
    """A file named in another encoding, which no store can name, does not stop the others."""
    (folder / os.fsdecode(b"stra\xdfe.txt")).write_text("A street is long.")
    report = make(store, tmp_path).refresh(folder)
    assert report.added == 2
    assert report.skipped == ("stra\ufffde.txt cannot be read: its name is no UTF-8: rename it",)


def test_a_folder_that_cannot_be_listed_is_passed_over_and_told(
    store: WordStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents below a folder without permission are not left out in silence."""
    real = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = make(store, tmp_path).refresh(folder)
    assert report.skipped == ("sub cannot be read: the folder cannot be listed (Permission denied)",)
    with pytest.raises(UnreadableDocumentError, match="cannot be listed"):
        list(read_folder(folder))


@pytest.mark.parametrize("is_known", [False, True])
def test_a_file_that_vanishes_while_the_folder_is_read_is_passed_over(
    store: WordStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """A folder may change under the reader, as mail folders and checkouts do."""
    if is_known:
        make(store, tmp_path).refresh(folder)
    real = RootedFolder.files
    monkeypatch.setattr(RootedFolder, "files", lambda self, **_: [*real(self), "gone.txt"])
    if is_known:
        (folder / "apple.md").unlink()
        monkeypatch.setattr(RootedFolder, "files", lambda self, **_: ["apple.md", *real(self)])
    report = make(store, tmp_path).refresh(folder)
    assert len(report.skipped) == 1 and "o such file" in report.skipped[0]
    assert "sub/pear.txt" in {passage.source for passage in store.passages}


def test_a_missing_folder_and_an_empty_one_are_told_apart(store: WordStore, tmp_path: Path) -> None:
    """Each error says what to do."""
    index = make(store, tmp_path)
    with pytest.raises(CorpusNotFoundError, match="is not there"):
        index.refresh(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyCorpusError, match=r"these kinds there: \.txt"):
        index.refresh(tmp_path / "empty")
    (tmp_path / "empty" / "blank.txt").write_text("")
    with pytest.raises(EmptyCorpusError, match=r"blank\.txt cannot be read: the file is empty"):
        index.refresh(tmp_path / "empty")
    with pytest.raises(CorpusNotFoundError, match="is a file"):
        index.refresh(tmp_path / "empty" / "blank.txt")


def test_links_out_of_the_folder_are_not_read(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """A symbolic link in the folder shows nothing of the outside."""
    (tmp_path / "outside.txt").write_text("The password is swordfish.")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    make(store, tmp_path).refresh(folder)
    assert not any("swordfish" in passage.text for passage in store.passages)


def test_an_unknown_document_names_the_nearest(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """A near miss is named, and a path out of the corpus is simply unknown."""
    index = make(store, tmp_path)
    index.refresh(folder)
    with pytest.raises(UnknownDocumentError, match=r"did you mean 'apple\.md'"):
        index.read_document("aple.md")
    with pytest.raises(UnknownDocumentError):
        index.read_document("../documents/.secret.txt")


def test_a_snapshot_that_was_tampered_with_is_missing(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """A citation is never checked against text that changed on disk; the next refresh repairs it."""
    index = make(store, tmp_path)
    index.refresh(folder)
    sha256 = index.documents["apple.md"].sha256
    path = next((tmp_path / "snapshots").rglob(f"{sha256}.txt"))
    path.write_text("An apple is a vegetable.")
    with pytest.raises(SnapshotMissingError):
        index.snapshot(sha256)
    index.refresh(folder)
    assert "fruit" in index.snapshot(sha256)


def test_what_a_crash_left_of_a_snapshot_is_written_anew(tmp_path: Path) -> None:
    """An empty file under a snapshot's name, as a crash of the machine leaves, does not keep the text out for ever."""
    snapshots = FolderSnapshots(tmp_path)
    sha256 = snapshots.put("An apple is a fruit.")
    next(tmp_path.rglob(f"{sha256}.txt")).write_bytes(b"")
    snapshots.put("An apple is a fruit.")
    assert snapshots.get(sha256) == "An apple is a fruit."


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "0" * 64])
def test_a_snapshot_is_looked_up_by_its_hash_only(tmp_path: Path, sha256: str) -> None:
    """What is no sha256 is not turned into a path."""
    with pytest.raises(SnapshotMissingError):
        FolderSnapshots(tmp_path).get(sha256)


def test_snapshots_are_for_their_owner_only(tmp_path: Path) -> None:
    """Kept texts may be private: mode 0600."""
    sha256 = FolderSnapshots(tmp_path / "s").put("private")
    assert next((tmp_path / "s").rglob(f"{sha256}.txt")).stat().st_mode & 0o777 == 0o600


def test_the_tools_search_and_read(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """Both tools are marked untrusted, answer in text, and check their arguments."""
    index = CorpusIndex(store, MemorySnapshots())
    index.refresh(folder)
    tools = ToolRegistry(corpus_tools(index))
    assert all(tool.untrusted for tool in tools)
    assert '"source": "apple.md"' in tools.call("search_corpus", {"query": "apple", "limit": 1})
    assert tools.call("read_document", {"source": "apple.md", "start": 7}) == "An apple is a fruit."
    for name, arguments in (
        ("search_corpus", {"query": ""}),
        ("search_corpus", {"query": "  "}),
        ("search_corpus", {"query": "x", "limit": 0}),
        ("read_document", {"source": "apple.md", "start": 9, "end": 3}),
    ):
        with pytest.raises(Exception, match="do not fit"):
            tools.call(name, arguments)


def test_a_long_document_is_read_in_pieces(store: WordStore, tmp_path: Path) -> None:
    """The read tool says where to go on, and going on reaches the end."""
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "a.txt").write_text("word " * 5000)
    index = CorpusIndex(store, MemorySnapshots())
    index.refresh(tmp_path / "long")
    [_, read] = corpus_tools(index)
    first = read.function(source="a.txt")
    assert first.endswith("read on with start=8000]")
    assert read.function(source="a.txt", start=24_000).endswith("word")


def test_read_folder_yields_documents_in_order(folder: Path) -> None:
    """Sources are relative paths, in order; other formats are passed over."""
    assert [document.source for document in read_folder(folder)] == ["apple.md", "sub/pear.txt"]


def test_progress_counts_files_and_documents(store: WordStore, folder: Path, tmp_path: Path) -> None:
    """Both stages report up to their total."""
    seen: list[tuple[str, int, int | None]] = []
    make(store, tmp_path).refresh(folder, progress=lambda *stage: seen.append(stage))
    assert ("read", 2, 2) in seen and ("index", 2, 2) in seen
