"""What can go wrong in the memory, as one tree.

```
MemoryStoreError
├── StoreClosedError          the memory was used after close()
├── StoreUnavailableError     the file cannot be opened, read or written (permissions, disk full, not a database)
│   ├── ReadOnlyStoreError    the file or its folder may not be written
│   └── NewerStoreError       written by a newer version of this library
├── EmbedderMismatchError     the file holds vectors of another embedder; cure: reembed
├── EmbedderUnavailableError  the embedder's weights or service cannot be reached
├── DuplicateRecordError      add(duplicates="reject") met a duplicate, or the id is taken
└── RecordNotFoundError       update of an id that does not exist
```

Mistakes of the caller in an argument (empty text, negative limit, start after end, unknown operator) are `ValueError` or
`TypeError`, raised before anything is written.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "DuplicateRecordError",
    "EmbedderMismatchError",
    "EmbedderUnavailableError",
    "MemoryStoreError",
    "NewerStoreError",
    "ReadOnlyStoreError",
    "RecordNotFoundError",
    "StoreClosedError",
    "StoreUnavailableError",
]


class MemoryStoreError(Exception):
    """Root of every error of the memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt from what it says, whatever its class is made of: so it reaches the caller of another process.
        return _again, (type(self), self.args), self.__dict__


class StoreClosedError(MemoryStoreError):
    """The memory was used after `close()`."""

    def __init__(self) -> None:
        super().__init__("this memory is closed: open it again with SwiftMem(path)")


class StoreUnavailableError(MemoryStoreError):
    """The file cannot be opened, read or written."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"memory {path!r}: {reason}")


class ReadOnlyStoreError(StoreUnavailableError):
    """The file or its folder may not be written."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path, "it is read-only: give write permission on the file and its folder, or copy it elsewhere"
        )


class NewerStoreError(StoreUnavailableError):
    """The file was written by a newer version of this library."""

    def __init__(self, path: str, *, found: int, known: int) -> None:
        super().__init__(
            path, f"schema {found} is newer than {known}, the newest known here: upgrade agentcore-runtime"
        )


class EmbedderMismatchError(MemoryStoreError):
    """The file holds vectors of another embedder."""

    def __init__(self, path: str, *, stored: str, given: str) -> None:
        self.stored, self.given = stored, given
        super().__init__(
            f"memory {path!r} holds vectors of {stored}, but the embedder given is {given}: "
            "open it with the first, or rewrite the vectors with SwiftMem.reembed(path, embedder=...)"
        )


class EmbedderUnavailableError(MemoryStoreError):
    """The embedder's weights or service cannot be reached."""


class DuplicateRecordError(MemoryStoreError):
    """`add(duplicates="reject")` met a record that says the same, or the given id is taken."""

    def __init__(self, record_id: str, *, reason: str = "the same text is stored already") -> None:
        self.record_id = record_id
        super().__init__(f"{reason} as record {record_id!r}: use update(), or duplicates='keep' or 'merge'")


class RecordNotFoundError(MemoryStoreError):
    """No record has this id."""

    def __init__(self, record_id: str) -> None:
        self.record_id = record_id
        super().__init__(f"no record has the id {record_id!r}: get_all() lists the ids of a user")


def _again(kind: type[MemoryStoreError], args: tuple[Any, ...]) -> MemoryStoreError:
    """Make an error anew without asking its class for anything."""
    return kind.__new__(kind, *args)
