"""All partitions in RAM, kept in step with the file: every search first applies what any process committed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

from agentcore.memory._collection import Collection
from agentcore.memory._partition import Partition
from agentcore.memory.storage import Change, ChangeLog, Connection, Database, RowStore
from agentcore.memory.tags import TagGraph

__all__ = ["Partitions"]

MAX_RECORDS = 2_000_000
"""Records kept in RAM over all partitions, about 2.5 KB each; the least recently searched partition goes first."""

Key = tuple[str, str]


class Partitions:
    """A cache of partitions, loaded when first searched.

    Parameters
    ----------
    database : Database
    dimension : int
        Of the stored vectors.
    """

    def __init__(self, database: Database, *, dimension: int) -> None:
        self._database = database
        self.dimension = dimension
        self._rows = RowStore()
        self._log = ChangeLog()
        self._lock = threading.Lock()
        self._cache: OrderedDict[Key, Collection] = OrderedDict()
        self._seen_change = -1
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
                collection = Collection.of(
                    Partition.build(self._rows.load(connection, user_id, namespace), dimension=self.dimension)
                )
                self._cache[key] = collection
                self._evict(key)
            self._cache.move_to_end(key)
            return collection

    def tags(self, collection: Collection) -> TagGraph | None:
        """Return the tag graph of a large collection's body, where it has one."""
        return self._graphs.get(collection.body) if collection.is_large else None

    def forget(self) -> None:
        """Drop everything; the next search reads the file anew."""
        with self._lock:
            self._cache.clear()
            self._seen_change = -1

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
                    self._refresh(connection, key, here)
        self._seen_change = newest

    def _refresh(self, connection: Connection, key: Key, changes: list[Change]) -> None:
        """Take the changes of one partition in, or forget it where that is simpler."""
        if any(change.kind == "reset" for change in changes):
            del self._cache[key]
            return
        collection = self._cache[key]
        removed = {seq for c in changes if c.kind == "remove" for seq in range(c.first, c.last + 1)}
        rows = self._rows.load(connection, *key, after=collection.last)
        added = Partition.build(rows, dimension=self.dimension) if rows else None
        last = max((c.last for c in changes if c.kind == "add"), default=0)
        self._cache[key] = collection.changed(added, removed, last=last)

    def _evict(self, keep: Key) -> None:
        """Forget the least recently used partitions while there are too many records."""
        total = sum(len(p) for p in self._cache.values())
        while total > MAX_RECORDS and len(self._cache) > 1:
            key = next(iter(self._cache))
            if key == keep:
                self._cache.move_to_end(key)
                continue
            total -= len(self._cache.pop(key))
