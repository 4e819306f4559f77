"""AgentCore: an agent runtime with efficient memory and decoding.

The names below are loaded on first use, so that ``import agentcore.memory`` pulls in
neither torch nor langgraph.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore.agent import Agent
    from agentcore.backbones import load_backbone
    from agentcore.middleware.budget import Budget
    from agentcore.result import Result

__version__ = version("agentcore-runtime")

_EXPORTS: dict[str, str] = {
    "Agent": "agentcore.agent",
    "Budget": "agentcore.middleware.budget",
    "Result": "agentcore.result",
    "load_backbone": "agentcore.backbones",
}

__all__ = ["Agent", "Budget", "Result", "__version__", "load_backbone"]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
