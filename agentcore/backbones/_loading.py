"""Backbones by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentcore.errors import UnknownBackboneError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["load_backbone"]

_KNOWN = ("local", "gguf:/path/to/model.gguf", "openai:model@base_url")


def load_backbone(spec: str, **options: Any) -> BaseChatModel:
    """Return the chat model that a name describes, without loading any weights yet.

    Parameters
    ----------
    spec : str
        ``"local"`` (the embedded SmolLM2), ``"local:NAME"`` (another pulled model), ``"gguf:/path"`` (any llama or qwen2
        GGUF file) or ``"openai:model@base_url"`` (any server of the OpenAI chat API).
    **options
        Fields of the chat model, such as `temperature` or `max_tokens`.

    Raises
    ------
    UnknownBackboneError
        If no backbone answers to the name.
    """
    kind, _, rest = spec.partition(":")
    if kind == "local":
        from agentcore.backbones._local import LocalChatModel

        return LocalChatModel(model=rest or "smollm2", **options)
    if kind == "gguf" and rest:
        from agentcore.backbones._local import LocalChatModel

        return LocalChatModel(model=spec, **options)
    if kind == "openai" and rest:
        module = import_module("agentcore.backbones.openai_compatible")
        chat_model: BaseChatModel = module.from_spec(rest, **options)
        return chat_model
    raise UnknownBackboneError(spec, known=_KNOWN)
