"""A folder of documents as a searchable corpus, kept in step with the files."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentcore.tools.corpus._chunking import chunk
from agentcore.tools.corpus._documents import Document, Passage, PassageHit
from agentcore.tools.corpus._folder import document_names, open_folder, read_file
from agentcore.tools.corpus._manifest import DocumentRef, Manifest
from agentcore.tools.corpus._snapshots import SnapshotStore
from agentcore.tools.corpus.parsers import supported_suffixes
from agentcore.tools.errors import EmptyCorpusError, UnknownDocumentError, UnreadableDocumentError
from agentcore.tools.paths import RootedFolder

__all__ = ["CorpusIndex", "IndexReport", "PassageStore", "Progress", "StoredDocument", "silent"]

BATCH_PASSAGES = 128

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What a store holds of one source."""

    title: str
    sha256: str


class PassageStore(Protocol):
    """Where passages are kept and searched."""

    def add(self, passages: Sequence[Passage]) -> None:
        """Index passages, all or none."""

    def search(self, query: str, *, limit: int) -> Sequence[PassageHit]:
        """Return the best passages for a query, best first."""

    def remove(self, sources: Collection[str]) -> None:
        """Forget every passage of some sources."""

    def documents(self) -> Mapping[str, StoredDocument]:
        """Return what is indexed, by source."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What bringing the index up to date did, in documents.

    Attributes
    ----------
    skipped : tuple of str
        One line for each file that could not be read.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    passages: int
    skipped: tuple[str, ...]


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""


class CorpusIndex:
    """Search and read a corpus.

    Parameters
    ----------
    store : PassageStore
        Where passages are kept; it is the truth about what is indexed.
    snapshots : SnapshotStore
        Where the texts of documents are kept, old versions too.
    manifest : Path or None
        A file that remembers which files were read; None reads every file at each refresh.
    """

    def __init__(
        self, store: PassageStore, snapshots: SnapshotStore, *, manifest: Path | None = None
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._manifest = Manifest(manifest)
        self._documents = dict(store.documents())

    @property
    def documents(self) -> Mapping[str, StoredDocument]:
        """What is indexed, by source."""
        return self._documents

    def refresh(self, path: str | Path, *, progress: Progress = silent) -> IndexReport:
        """Bring the index in step with a folder.

        Only new and changed documents are cut and embedded; documents whose files are gone leave the index, while
        their snapshots stay for the citations that point at them.

        Parameters
        ----------
        path : path
            The folder.
        progress : callable
            Called with ("read", files, files) and ("index", documents, documents).

        Raises
        ------
        CorpusNotFoundError
            There is no such folder.
        EmptyCorpusError
            No document in it can be read.
        """
        folder = open_folder(path)
        skipped: list[str] = []
        current = {ref.source: ref for ref in self._read(folder, progress, skipped)}
        if not current:
            reason = skipped[0] if skipped else None
            raise EmptyCorpusError(str(path), suffixes=supported_suffixes(), first_reason=reason)
        report = self._apply(current, progress, tuple(skipped))
        self._manifest.save()
        return report

    def add_documents(self, documents: Sequence[Document]) -> IndexReport:
        """Make these documents the whole corpus, as :meth:`refresh` does with files."""
        for document in documents:
            self._snapshots.put(document.text)
        return self._apply({document.source: DocumentRef.of(document) for document in documents}, silent, ())

    def search(self, query: str, limit: int = 5) -> list[PassageHit]:
        """Return the best passages for a query, best first.

        Raises
        ------
        ValueError
            An empty query or a limit below 1.
        """
        if not query.strip():
            raise ValueError("the query is empty: say what to look for")
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        return list(self._store.search(query, limit=limit))

    def read_document(self, source: str, start: int = 0, end: int | None = None) -> str:
        """Return a span of a document's current snapshot, in code points.

        Raises
        ------
        UnknownDocumentError
            The corpus has no such document; the error names the nearest.
        ValueError
            A negative start, or an end before it.
        """
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"no span from {start} to {end}: start at 0 or later and end after it")
        if source not in self._documents:
            near = difflib.get_close_matches(source, self._documents, n=1)
            raise UnknownDocumentError(source, nearest=near[0] if near else None)
        return self._snapshots.get(self._documents[source].sha256)[start:end]

    def snapshot(self, sha256: str) -> str:
        """Return the text of a document as it was once read.

        Raises
        ------
        SnapshotMissingError
            No intact text of this sha256 is kept.
        """
        return self._snapshots.get(sha256)

    def _read(self, folder: RootedFolder, progress: Progress, skipped: list[str]) -> Iterator[DocumentRef]:
        """Yield every document of the folder, with its snapshot kept."""
        files = document_names(folder, lambda exc: skipped.append(str(exc)))
        for done, source in enumerate(files, start=1):
            try:
                yield from self._read_one(folder, source)
            except UnreadableDocumentError as exc:
                skipped.append(str(exc))
            progress("read", done, len(files))

    def _read_one(self, folder: RootedFolder, source: str) -> Sequence[DocumentRef]:
        known = self._manifest.unchanged(folder, source)
        if known is not None and all(ref.sha256 in self._snapshots for ref in known):
            return known
        documents = read_file(folder, source)
        for document in documents:
            self._snapshots.put(document.text)
        self._manifest.record(folder, source, documents)
        return [DocumentRef.of(document) for document in documents]

    def _apply(
        self, current: Mapping[str, DocumentRef], progress: Progress, skipped: tuple[str, ...]
    ) -> IndexReport:
        """Remove what is gone or changed, then add what is new: a crash in between leaves gaps, never doubles."""
        before = dict(self._store.documents())
        wanted = {source: StoredDocument(ref.title, ref.sha256) for source, ref in current.items()}
        gone = [source for source in before if source not in wanted]
        changed = [source for source in wanted if source in before and before[source] != wanted[source]]
        new = [source for source in wanted if source not in before]
        if gone or changed:
            self._store.remove({*gone, *changed})
        passages = self._add([current[source] for source in (*changed, *new)], progress)
        self._documents = wanted
        return IndexReport(
            added=len(new),
            changed=len(changed),
            removed=len(gone),
            unchanged=len(wanted) - len(new) - len(changed),
            passages=passages,
            skipped=skipped,
        )

    def _add(self, refs: Sequence[DocumentRef], progress: Progress) -> int:
        """Cut and index documents, whole ones at a time so that none is ever half indexed."""
        batch: list[Passage] = []
        total = 0
        for done, ref in enumerate(refs, start=1):
            text = self._snapshots.get(ref.sha256)
            batch += chunk(Document(ref.source, ref.title, text, ref.sha256, ""))
            if len(batch) >= BATCH_PASSAGES or done == len(refs):
                self._store.add(batch)
                total += len(batch)
                batch = []
                progress("index", done, len(refs))
        return total
