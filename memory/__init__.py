"""Long-term memory for agents: SwiftMem, a query-aware store on SQLite that needs no LLM."""

from typing import TYPE_CHECKING, Any

from agentcore.memory._consolidation import Consolidation
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

if TYPE_CHECKING:
    from agentcore.memory.langgraph_store import SwiftMemStore

__all__ = [
    "Consolidation",
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
    "SwiftMemStore",
]


def __getattr__(name: str) -> Any:
    """Load what needs LangGraph when it is asked for."""
    if name == "SwiftMemStore":
        from agentcore.memory.langgraph_store import SwiftMemStore

        return SwiftMemStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
