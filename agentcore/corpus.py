"""A folder of documents, searched by SwiftMem: the runtime's adapter between tools and memory.

The passages of a corpus live in the memory file, as records of the user ``corpus`` in a namespace of their own;
the snapshots that citations point at lie in a folder beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from agentcore.memory import SwiftMem
from agentcore.memory.embedding import Embedder
from agentcore.tools import ToolSpec
from agentcore.tools.corpus import (
    CorpusIndex,
    Document,
    FolderSnapshots,
    IndexReport,
    MemorySnapshots,
    Passage,
    PassageHit,
    StoredDocument,
    corpus_tools,
    open_folder,
    text_digest,
)
from agentcore.tools.corpus._index import Progress, silent

__all__ = ["CORPUS_USER", "Corpus", "SwiftMemPassages"]

CORPUS_USER = "corpus"


class SwiftMemPassages:
    """Passages as records of one SwiftMem namespace: a `PassageStore`.

    Parameters
    ----------
    memory : SwiftMem
        Where they are kept; not closed here.
    namespace : str
        The corpus.
    """

    def __init__(self, memory: SwiftMem, namespace: str) -> None:
        self._memory = memory
        self._namespace = namespace

    def add(self, passages: Sequence[Passage]) -> None:
        """Index passages: one embedding batch, one transaction."""
        self._memory.add_messages(
            [{"content": passage.text, "metadata": _metadata(passage)} for passage in passages],
            user_id=CORPUS_USER,
            namespace=self._namespace,
        )

    def search(self, query: str, *, limit: int) -> list[PassageHit]:
        """Return the best passages for a query, best first."""
        hits = self._memory.search(query, user_id=CORPUS_USER, namespace=self._namespace, limit=limit)
        return [_hit(hit.text, hit.metadata, score=hit.score, signals=hit.signals) for hit in hits]

    def remove(self, sources: Collection[str]) -> None:
        """Forget every passage of some sources, in one transaction."""
        passages = self._memory.get_all(user_id=CORPUS_USER, namespace=self._namespace)
        self._memory.delete([each.id for each in passages if each.metadata["source"] in sources])

    def documents(self) -> Mapping[str, StoredDocument]:
        """Return what is indexed, by source."""
        return {
            record.metadata["source"]: StoredDocument(record.metadata["title"], record.metadata["sha256"])
            for record in self._memory.get_all(user_id=CORPUS_USER, namespace=self._namespace)
        }


class Corpus:
    """Documents to search, read and cite. Make one with :meth:`open` or :meth:`from_passages`.

    Parameters
    ----------
    index : CorpusIndex
        What finds and reads.
    memory : SwiftMem
        Closed with the corpus.
    report : IndexReport
        What bringing the index up to date did.
    """

    def __init__(self, index: CorpusIndex, memory: SwiftMem, report: IndexReport) -> None:
        self._index = index
        self._memory = memory
        self.report = report

    @classmethod
    def open(
        cls,
        folder: str | Path,
        memory_path: str | Path | None = None,
        *,
        progress: Progress | None = None,
        embedder: Embedder | None = None,
    ) -> Self:
        """Index a folder, or bring its index up to date, and return it.

        Parameters
        ----------
        folder : path
            The documents (txt, md, html, pdf, json, docx).
        memory_path : path or None
            The memory file that keeps the index; None indexes anew, in memory.
        progress : callable, optional
            Called with ("read" | "index", done, total).
        embedder : Embedder, optional
            The packaged one by default.

        Raises
        ------
        CorpusNotFoundError
            There is no such folder.
        EmptyCorpusError
            No document in it can be read.
        EmbedderUnavailableError
            The embedder's weights are not here.
        """
        open_folder(folder)  # a wrong name leaves no memory file behind
        name = _corpus_name(Path(folder))
        with contextlib.ExitStack() as undo:
            memory = undo.enter_context(SwiftMem(memory_path, embedder=embedder))
            passages = SwiftMemPassages(memory, name)
            if memory_path is None:
                index = CorpusIndex(passages, MemorySnapshots())
                report = index.refresh(folder, progress=progress or silent)
            else:
                beside = Path(f"{memory_path}.corpora")
                beside.mkdir(parents=True, exist_ok=True, mode=0o700)
                with _alone(beside / f"{name}.lock"):
                    manifest = beside / f"{name}.json"
                    index = CorpusIndex(passages, FolderSnapshots(beside / "snapshots"), manifest=manifest)
                    report = index.refresh(folder, progress=progress or silent)
            undo.pop_all()
        return cls(index, memory, report)

    @classmethod
    def from_passages(cls, passages: Iterable[tuple[str, str]], *, embedder: Embedder | None = None) -> Self:
        """Index (title, text) pairs in memory, each a document of its own named ``title`` (``title#2``, … when repeated)."""
        documents: dict[str, Document] = {}
        for title, text in passages:
            source, count = title, 1
            while source in documents:
                count += 1
                source = f"{title}#{count}"
            documents[source] = Document(source, title, text, text_digest(text), "text/plain")
        memory = SwiftMem(None, embedder=embedder)
        index = CorpusIndex(SwiftMemPassages(memory, "passages"), MemorySnapshots())
        return cls(index, memory, index.add_documents(list(documents.values())))

    @property
    def titles(self) -> tuple[str, ...]:
        """The distinct titles, in the order of the sources."""
        return tuple(dict.fromkeys(document.title for document in self._index.documents.values()))

    @property
    def sources(self) -> tuple[str, ...]:
        """Every document's source."""
        return tuple(self._index.documents)

    def search(self, query: str, limit: int = 5) -> list[PassageHit]:
        """Return the best passages for a query, best first."""
        return self._index.search(query, limit)

    def read(self, source: str, start: int = 0, end: int | None = None) -> str:
        """Return a span of a document's current snapshot.

        Raises
        ------
        UnknownDocumentError
            The corpus has no such document.
        """
        return self._index.read_document(source, start, end)

    def snapshot(self, sha256: str) -> str:
        """Return a document's text as it was when it was cited.

        Raises
        ------
        SnapshotMissingError
            It is not kept.
        """
        return self._index.snapshot(sha256)

    def tools(self) -> list[ToolSpec]:
        """Return `search_corpus` and `read_document`."""
        return corpus_tools(self._index)

    def close(self) -> None:
        """Close the memory file; again is harmless."""
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _metadata(passage: Passage) -> dict[str, str | int]:
    """Return what a record keeps of a passage beside its text."""
    return {
        "source": passage.source,
        "title": passage.title,
        "start": passage.start,
        "end": passage.end,
        "sha256": passage.sha256,
    }


def _hit(
    text: str, metadata: Mapping[str, object], *, score: float, signals: Mapping[str, float]
) -> PassageHit:
    """Make a search result of a record."""
    return PassageHit(
        text=text,
        title=str(metadata["title"]),
        source=str(metadata["source"]),
        start=int(str(metadata["start"])),
        end=int(str(metadata["end"])),
        sha256=str(metadata["sha256"]),
        score=score,
        signals=signals,
    )


def _corpus_name(folder: Path) -> str:
    """Return a name for a folder that no other folder has."""
    resolved = folder.expanduser().resolve()
    return f"{resolved.name or 'root'}-{hashlib.sha256(str(resolved).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time bring an index up to date."""
    with path.open("a") as file:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
