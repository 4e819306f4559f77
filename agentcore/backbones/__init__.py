"""Chat models behind LangChain's interface: one per way of generating.

The names below are loaded on first use: choosing a backbone imports only what that one needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore.backbones._loading import load_backbone
    from agentcore.backbones._local import LocalChatModel
    from agentcore.backbones._text import Attention

_EXPORTS = {"Attention": "_text", "LocalChatModel": "_local", "load_backbone": "_loading"}

__all__ = ["Attention", "LocalChatModel", "load_backbone"]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
