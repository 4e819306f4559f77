"""One owner of the connections: a single writer under a lock, readers beside it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import sqlite_utils

from agentcore.memory.errors import ReadOnlyStoreError, StoreClosedError, StoreUnavailableError
from agentcore.memory.storage._migrations import migrate

__all__ = ["Connection", "Database", "Synchronous"]

Synchronous = Literal["NORMAL", "FULL"]
BUSY_TIMEOUT_S = 30.0
PAGE_BYTES = 8192
"""A record's vectors take 2.4 KB: of the usual 4096 bytes a page a third would stay empty."""

CHECKPOINT_PAGES = 2000
"""About 16 MB of log before it is moved into the file, which costs two waits for the disk."""

CACHE_KIB = 8192
"""Of pages, a connection: the upper parts of the indexes of a large file."""

MAX_IDLE_READERS = 8


class Connection(sqlite3.Connection):
    """A connection that remembers the `data_version` at which its reader last looked for changes."""

    seen_version: int = -1


class Database:
    """SQLite in WAL mode: one writer, any number of readers, from any number of threads and processes.

    Parameters
    ----------
    path : Path or None
        None keeps everything in memory, on the single writer connection.
    synchronous : "NORMAL" or "FULL"
        NORMAL survives the death of the process at any point, FULL also the loss of power.

    Raises
    ------
    StoreUnavailableError, ReadOnlyStoreError, NewerStoreError
        The file cannot be used.
    """

    def __init__(self, path: Path | None, *, synchronous: Synchronous = "NORMAL") -> None:
        if synchronous not in ("NORMAL", "FULL"):
            raise ValueError(f"synchronous must be 'NORMAL' or 'FULL', got {synchronous!r}")
        self.path = path
        self.name = ":memory:" if path is None else str(path)
        self._synchronous = synchronous
        self._write_lock = threading.RLock()
        self._idle: list[Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        if path is not None:
            self._check_place(path)
        with self.translated():
            self._create_private()
            self._connection = self._connect()
            self._writer = sqlite_utils.Database(
                self._connection, recursive_triggers=False, execute_plugins=False
            )
            try:
                migrate(self._connection, path=self.name)
            except BaseException:
                self._connection.close()
                raise

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Yield the writer inside one transaction: all of it lands, or none. Nests by savepoint."""
        with self._write_lock, self.translated():
            self._check_open()
            connection = self._connection
            if connection.in_transaction:
                with self._writer.atomic():
                    yield connection
                return
            # IMMEDIATE: the lock is taken now, under the busy timeout, and never half-way through.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def read(self) -> AbstractContextManager[Connection]:
        """Return a context with a connection that sees what is committed."""
        return _Reading(self)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Yield the writer outside any transaction, for VACUUM and checkpoints."""
        with self._write_lock, self.translated():
            self._check_open()
            yield self._connection

    def flush(self) -> None:
        """Move the write-ahead log into the file and empty it, so that no deleted text is left in either.

        Raises
        ------
        StoreUnavailableError
            Another process kept reading the log, and so it could not be emptied.
        """
        if self.path is None:
            return
        with self.exclusive() as connection:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailableError(
                self.name,
                "the change is made, but its log cannot be emptied while another process reads it, and so deleted text stays "
                "in that: call vacuum() once the other is done",
            )

    def close(self) -> None:
        """Close every connection; again is harmless."""
        with self._write_lock:
            if self._closed:
                return
            self._closed = True
            with self._idle_lock:
                for connection in self._idle:
                    connection.close()
                self._idle.clear()
            self._connection.close()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.DatabaseError as exc:
            self._raise_ours(exc)
            raise

    def _raise_ours(self, exc: sqlite3.DatabaseError) -> None:
        """Raise what an error of SQLite means to our caller; return where it is a fault of our own."""
        if isinstance(exc, sqlite3.OperationalError):
            message = str(exc)
            if "readonly" in message or "read-only" in message:
                raise ReadOnlyStoreError(self.name) from exc
            cure = {
                "database or disk is full": "the disk is full: free some space; nothing was changed",
                "unable to open database file": "it cannot be opened: check that its folder exists, and that both may be read and written",
                "database is locked": f"another process held it for {BUSY_TIMEOUT_S:.0f} s: try again",
            }.get(message, message)
            raise StoreUnavailableError(self.name, cure) from exc
        if not isinstance(exc, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise StoreUnavailableError(
                self.name,
                f"not a sound SQLite file ({exc}): name another file, or restore this one from an export or a backup",
            ) from exc

    def _check_place(self, path: Path) -> None:
        """Refuse what is there and can be no memory, before SQLite leaves a journal beside it."""
        if self.name == ":memory:":
            raise StoreUnavailableError(self.name, "give None as the path for a memory that is not kept")
        if path.is_dir():
            raise StoreUnavailableError(self.name, "it is a folder: name a file in it, such as memory.db")
        if path.exists() and not path.is_file():
            raise StoreUnavailableError(
                self.name, "it is a device or a pipe, which keeps nothing: name a file, such as memory.db"
            )

    def _create_private(self) -> None:
        """Create a new file readable by its owner alone; SQLite gives its side files the same mode."""
        if self.path is not None and not self.path.exists():
            with contextlib.suppress(OSError):  # SQLite says below what is wrong with the place
                self.path.touch(mode=0o600)

    def _connect(self) -> Connection:
        """Open a connection with our pragmas."""
        # An absolute path is never read as a URI or as the name of a database in memory.
        connection: Connection = sqlite3.connect(
            ":memory:" if self.path is None else self.path.absolute(),
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
            isolation_level=None,
            factory=Connection,
        )
        try:
            connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
            if self.path is not None:
                connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # heeded by a new file only
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA secure_delete = ON")  # freed pages are overwritten with zeros
            connection.execute("PRAGMA temp_store = MEMORY")
        except BaseException:
            connection.close()
            raise
        return connection

    def _reader(self) -> Connection:
        """Return a connection for reading that nobody else uses until it is released."""
        if self.path is None:
            self._write_lock.acquire()
            if self._closed:
                self._write_lock.release()
                raise StoreClosedError
            return self._connection
        with self._idle_lock:
            self._check_open()
            if self._idle:
                return self._idle.pop()
        with self.translated():
            return self._connect()

    def _release(self, connection: Connection) -> None:
        """Keep a reader for the next caller, or close it."""
        if self.path is None:
            self._write_lock.release()
            return
        with self._idle_lock:
            if not self._closed and len(self._idle) < MAX_IDLE_READERS and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError


class _Reading(AbstractContextManager[Connection]):
    """A connection for reading while a block runs; a class, for a generator takes several times as long to enter and leave."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Connection:
        self._connection = self._database._reader()
        return self._connection

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        self._database._release(self._connection)
        if isinstance(exc, sqlite3.DatabaseError):
            self._database._raise_ours(exc)
