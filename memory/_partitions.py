"""All partitions in RAM, kept in step with the file: every search first applies what any process committed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

from agentcore.memory._collection import Collection
from agentcore.memory._partition import Partition
from agentcore.memory._progress import LONG, Progress
from agentcore.memory._snapshot import SnapshotFolder
from agentcore.memory.storage import Change, ChangeLog, Connection, Database, RowStore
from agentcore.memory.tags import TagGraph

__all__ = ["Partitions"]

MAX_RECORDS = 2_000_000
"""Records kept in RAM over all partitions, about 3 KB each; the least recently searched partition goes first."""

_SLICE = 50_000

Key = tuple[str, str]


class Partitions:
    """A cache of partitions, loaded when first searched.

    Parameters
    ----------
    database : Database
    dimension : int
        Of the stored vectors.
    snapshots : SnapshotFolder, optional
        Where the indexes of large collections are kept between processes.
    progress : Progress, optional
        Told how far the indexes of a large collection are, when they have to be made from its records.
    """

    def __init__(
        self,
        database: Database,
        *,
        dimension: int,
        snapshots: SnapshotFolder | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._database = database
        self._progress = progress
        self.dimension = dimension
        self._rows = RowStore()
        self._log = ChangeLog()
        self._lock = threading.Lock()
        self._cache: OrderedDict[Key, Collection] = OrderedDict()
        self._seen_change = -1
        self._snapshots = snapshots
        self._saved: dict[Key, Partition] = {}
        self._graphs: WeakKeyDictionary[Partition, TagGraph] = WeakKeyDictionary()

    def get(self, connection: Connection, user_id: str, namespace: str) -> Collection:
        """Return the user's records as of now.

        Parameters
        ----------
        connection : Connection
            From `Database.read`.
        """
        key = (user_id, namespace)
        with self._lock:
            self._apply_changes(connection)
            collection = self._cache.get(key)
            if collection is None:
                collection = self._restored(connection, key)
                if collection is None:
                    collection = self._rebuilt(connection, key)
                self._cache[key] = collection
                self._evict(key)
            self._cache.move_to_end(key)
            return collection

    def tags(self, collection: Collection) -> TagGraph | None:
        """Return the tag graph of a large collection's body, where it has one."""
        return self._graphs.get(collection.body) if collection.is_large else None

    def replace(self, key: Key, old: Collection, body: Partition, graph: TagGraph) -> bool:
        """Put a new layout of the same records in place, unless they changed meanwhile; return whether it was."""
        with self._lock:
            present = self._cache.get(key)
            if present is None or present.last != old.last or len(present) != len(old):
                return False
            self._cache[key] = Collection.of(body, change=self._seen_change, last=old.last)
            self._graphs[body] = graph
            return True

    def forget(self) -> None:
        """Drop everything; the next search reads the file anew."""
        with self._lock:
            self._cache.clear()
            self._seen_change = -1

    def save(self) -> None:
        """Write a snapshot of every large collection that changed since its last one."""
        if self._snapshots is None:
            return
        with self._lock:
            for key, collection in self._cache.items():
                body = collection.body
                if collection.is_large and self._saved.get(key) is not body:
                    # What came after the body is applied from the change log when the snapshot is read.
                    self._snapshots.save(
                        key, body, self._graphs.get(body), change=collection.change, last=int(body.seq.max())
                    )
                    self._saved[key] = body

    def discard(self) -> None:
        """Delete the snapshots: after an erasure nothing derived from what is gone may be left."""
        if self._snapshots is not None:
            self._snapshots.remove()
            self._saved.clear()

    def _rebuilt(self, connection: Connection, key: Key) -> Collection:
        """Return a collection made from its records; where there are many, its indexes too, with a word on how far it is."""
        count = self._rows.count(connection, *key)
        tell = self._progress if self._progress is not None and count >= LONG else None
        if tell is not None:
            tell(f"reading {count:,} records", 0, 4)
        collection = Collection.of(self._loaded(connection, key), change=self._seen_change)
        if tell is not None:
            for done, (what, index) in enumerate(
                (("words", "lexical"), ("tokens", "tokens"), ("vectors", "nearest")), start=1
            ):
                tell(f"indexing {what}", done, 4)
                getattr(collection.body, index)
            tell("indexed", 4, 4)
        return collection

    def _loaded(self, connection: Connection, key: Key) -> Partition:
        """Return the records of a user, read in slices: the rows of a million at once would be a second copy of them."""
        parts: list[Partition] = []
        last = 0
        while True:
            rows = self._rows.load(connection, *key, after=last, limit=_SLICE)
            parts.append(Partition.build(rows, dimension=self.dimension))
            if len(rows) < _SLICE:
                return parts[0] if len(parts) == 1 else Partition.joined(parts)
            last = int(rows[-1][0])

    def _restored(self, connection: Connection, key: Key) -> Collection | None:
        """Return a collection from its snapshot, brought up to date."""
        snapshot = None if self._snapshots is None else self._snapshots.load(key)
        if snapshot is None:
            return None
        changes = self._log.since(connection, snapshot.change)
        if changes is None or snapshot.change > self._log.newest(connection):
            return None
        here = [change for change in changes if (change.user_id, change.namespace) == key]
        collection = Collection.of(snapshot.body, change=snapshot.change, last=snapshot.last)
        if snapshot.graph is not None:
            self._graphs[collection.body] = snapshot.graph
        self._saved[key] = collection.body
        if not here:
            return collection
        self._cache[key] = collection
        self._refresh(connection, key, here, self._seen_change)
        return self._cache.pop(key, None)

    def _apply_changes(self, connection: Connection) -> None:
        """Take in what changed since the last look."""
        if self._database.path is not None:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            # It moves when *another* connection commits, so each connection remembers its own.
            if connection.seen_version == version and self._seen_change >= 0:
                return
            connection.seen_version = version
        newest = self._log.newest(connection)
        if newest == self._seen_change:
            return
        changes = self._log.since(connection, self._seen_change) if self._seen_change >= 0 else None
        if changes is None:
            self._cache.clear()
        else:
            by_key: dict[Key, list[Change]] = {}
            for change in changes:
                by_key.setdefault((change.user_id, change.namespace), []).append(change)
            for key, here in by_key.items():
                if key in self._cache:
                    self._refresh(connection, key, here, newest)
        self._seen_change = newest

    def _refresh(self, connection: Connection, key: Key, changes: list[Change], newest: int) -> None:
        """Take the changes of one partition in, or forget it where that is simpler."""
        if any(change.kind == "reset" for change in changes):
            del self._cache[key]
            return
        collection = self._cache[key]
        removed = {seq for c in changes if c.kind == "remove" for seq in range(c.first, c.last + 1)}
        rows = self._rows.load(connection, *key, after=collection.last)
        added = Partition.build(rows, dimension=self.dimension) if rows else None
        last = max((c.last for c in changes if c.kind == "add"), default=0)
        self._cache[key] = collection.changed(added, removed, last=last, change=newest)

    def _evict(self, keep: Key) -> None:
        """Forget the least recently used partitions while there are too many records."""
        total = sum(len(p) for p in self._cache.values())
        while total > MAX_RECORDS and len(self._cache) > 1:
            key = next(iter(self._cache))
            if key == keep:
                self._cache.move_to_end(key)
                continue
            total -= len(self._cache.pop(key))
