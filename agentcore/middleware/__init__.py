"""Middleware for LangChain agents; each part also serves our own workflow. Loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    "Budget": "agentcore.middleware.budget",
    "ThoughtTrimming": "agentcore.middleware.trimming",
    "trimmed": "agentcore.middleware.trimming",
    "LoopGuard": "agentcore.middleware.loop_guard",
    "MemoryRecall": "agentcore.middleware.memory_recall",
    "ToolCallRepair": "agentcore.middleware.tool_call_repair",
}

__all__ = ["Budget", "LoopGuard", "MemoryRecall", "ThoughtTrimming", "ToolCallRepair", "trimmed"]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
