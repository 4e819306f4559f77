"""Long-term memory for agents: SwiftMem, a query-aware store on SQLite that needs no LLM."""

from agentcore.memory._records import Hit, Plan, Record, SearchResult
from agentcore.memory._swiftmem import SwiftMem
from agentcore.memory.errors import (
    DuplicateRecordError,
    EmbedderMismatchError,
    EmbedderUnavailableError,
    MemoryStoreError,
    NewerStoreError,
    ReadOnlyStoreError,
    RecordNotFoundError,
    StoreClosedError,
    StoreUnavailableError,
)

__all__ = [
    "DuplicateRecordError",
    "EmbedderMismatchError",
    "EmbedderUnavailableError",
    "Hit",
    "MemoryStoreError",
    "NewerStoreError",
    "Plan",
    "ReadOnlyStoreError",
    "Record",
    "RecordNotFoundError",
    "SearchResult",
    "StoreClosedError",
    "StoreUnavailableError",
    "SwiftMem",
]
