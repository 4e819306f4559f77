"""Tools for agents: a name, a schema and a callable, and the corpus of documents behind two of them.

This package knows no runtime, no model and no message: `agentcore` adapts it.
"""

from __future__ import annotations

from agentcore.tools.errors import (
    CorpusNotFoundError,
    DocumentError,
    EmptyCorpusError,
    InvalidArgumentsError,
    PathOutsideError,
    SnapshotMissingError,
    ToolError,
    ToolFailedError,
    UnknownDocumentError,
    UnknownToolError,
    UnreadableDocumentError,
)
from agentcore.tools.paths import RootedFolder
from agentcore.tools.registry import ToolRegistry, ToolSpec

__all__ = [
    "CorpusNotFoundError",
    "DocumentError",
    "EmptyCorpusError",
    "InvalidArgumentsError",
    "PathOutsideError",
    "RootedFolder",
    "SnapshotMissingError",
    "ToolError",
    "ToolFailedError",
    "ToolRegistry",
    "ToolSpec",
    "UnknownDocumentError",
    "UnknownToolError",
    "UnreadableDocumentError",
]
