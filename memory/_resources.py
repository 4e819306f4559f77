"""What an open memory works with, each made when first needed and then kept."""

from __future__ import annotations

import threading
import uuid

from agentcore.memory._compiled import prepare_kernels
from agentcore.memory._partitions import Partitions
from agentcore.memory._progress import Progress
from agentcore.memory._reembed import embedder_label
from agentcore.memory._searcher import Searcher
from agentcore.memory._snapshot import SnapshotFolder
from agentcore.memory.embedding import Embedder, QueryCache, default_embedder
from agentcore.memory.errors import EmbedderMismatchError
from agentcore.memory.storage import Database

__all__ = ["Resources"]


class Resources:
    """The embedder of a file, the queries it has embedded, and the records in RAM. Safe from several threads.

    Parameters
    ----------
    database : Database
    embedder : Embedder or None
        None: the packaged one, loaded when the first text must be embedded.
    progress : Progress
        Told how far the indexes and the compiler are.
    """

    def __init__(self, database: Database, embedder: Embedder | None, *, progress: Progress) -> None:
        self._database = database
        self._given_embedder = embedder
        self._progress = progress
        self._lock = threading.RLock()
        self._queries: QueryCache | None = None
        self._partitions: Partitions | None = None
        self._searcher: Searcher | None = None

    def embedder(self) -> Embedder:
        """Return the embedder, checked against the file.

        Raises
        ------
        EmbedderMismatchError
            The file holds vectors of another.
        """
        with self._lock:
            if self._queries is None:
                embedder = self._given_embedder or default_embedder()
                self._claim(embedder_label(embedder))
                self._given_embedder = embedder
                self._queries = QueryCache(embedder)
            assert self._given_embedder is not None
            return self._given_embedder

    def queries(self) -> QueryCache:
        """Return the embedder behind a memory of recent queries."""
        self.embedder()
        assert self._queries is not None
        return self._queries

    def partitions(self) -> Partitions:
        """Return the records in RAM."""
        with self._lock:
            if self._partitions is None:
                embedder = self.embedder()
                snapshots = None
                if self._database.path is not None:
                    identity = {"embedder": embedder_label(embedder), "file": self._file_id()}
                    snapshots = SnapshotFolder(self._database.path, identity)
                self._partitions = Partitions(
                    self._database, dimension=embedder.dimension, snapshots=snapshots, progress=self._progress
                )
            return self._partitions

    def searcher(self) -> Searcher:
        """Return what searches the file; before the first search of a process its loops are compiled, or read from the cache."""
        if self._searcher is None:
            prepare_kernels(self._progress)
            self._searcher = Searcher(self._database, self.partitions())
        return self._searcher

    def forget_queries(self) -> None:
        """Drop the embedded queries: what is erased may have been asked for."""
        if self._queries is not None:
            self._queries.clear()

    def discard_snapshots(self) -> None:
        """Delete the snapshots: nothing derived from what is erased may be left. Needs no embedder."""
        if self._partitions is not None:
            self._partitions.discard()
        elif self._database.path is not None:
            SnapshotFolder(self._database.path, identity={}).remove()

    def save(self) -> None:
        """Write the snapshots of what is in RAM, if anything is."""
        if self._partitions is not None:
            self._partitions.save()

    def _claim(self, given: str) -> None:
        """Write the embedder's name into a new file; refuse one that has another."""
        with self._database.write() as connection:
            stored = connection.execute("SELECT value FROM settings WHERE key = 'embedder'").fetchone()
            if stored is None:
                connection.execute("INSERT INTO settings (key, value) VALUES ('embedder', ?)", (given,))
            elif stored[0] != given:
                raise EmbedderMismatchError(self._database.name, stored=stored[0], given=given)

    def _file_id(self) -> str:
        """Return a random id that the file keeps, so that a snapshot of another file is never taken for its own."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO settings (key, value) VALUES ('file', ?)", (uuid.uuid4().hex,)
            )
            return str(connection.execute("SELECT value FROM settings WHERE key = 'file'").fetchone()[0])
