"""All partitions in RAM, kept in step with the file: every search first applies what any process committed."""

from __future__ import annotations

import threading
from collections import OrderedDict

from agentcore.memory._partition import Partition
from agentcore.memory.storage import ChangeLog, Connection, Database, RowStore

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
        self._cache: OrderedDict[Key, Partition] = OrderedDict()
        self._seen_change = -1

    def get(self, connection: Connection, user_id: str, namespace: str) -> Partition:
        """Return the partition as of now.

        Parameters
        ----------
        connection : Connection
            From `Database.read`.
        """
        key = (user_id, namespace)
        with self._lock:
            self._apply_changes(connection)
            partition = self._cache.get(key)
            if partition is None:
                partition = Partition.build(
                    self._rows.load(connection, user_id, namespace), dimension=self.dimension
                )
                self._cache[key] = partition
                self._evict(key)
            self._cache.move_to_end(key)
            return partition

    def forget(self) -> None:
        """Drop everything; the next search reads the file anew."""
        with self._lock:
            self._cache.clear()
            self._seen_change = -1

    def _apply_changes(self, connection: Connection) -> None:
        """Drop the partitions that changed since the last look."""
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
            for change in changes:
                self._cache.pop((change.user_id, change.namespace), None)
        self._seen_change = newest

    def _evict(self, keep: Key) -> None:
        """Forget the least recently used partitions while there are too many records."""
        total = sum(len(p) for p in self._cache.values())
        while total > MAX_RECORDS and len(self._cache) > 1:
            key = next(iter(self._cache))
            if key == keep:
                self._cache.move_to_end(key)
                continue
            total -= len(self._cache.pop(key))
