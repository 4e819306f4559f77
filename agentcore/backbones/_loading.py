"""Backbones by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentcore.errors import ConfigurationError, UnknownBackboneError

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
    ConfigurationError
        If the chat model has no field of an option's name.
    """
    kind, _, rest = spec.partition(":") if isinstance(spec, str) else ("", "", "")
    if kind == "local" or (kind == "gguf" and rest):
        return _local(spec if kind == "gguf" else rest or "smollm2", options)
    if kind == "openai" and rest:
        module = import_module("agentcore.backbones.openai_compatible")
        chat_model: BaseChatModel = module.from_spec(rest, **options)
        return chat_model
    raise UnknownBackboneError(spec, known=_KNOWN)


def _local(model: str, options: dict[str, Any]) -> BaseChatModel:
    """Return a local chat model; LangChain's own base class would pass over a misspelt option."""
    from agentcore.backbones._local import LocalChatModel

    own = LocalChatModel.__annotations__.keys() - {"model_name", "supports_prefill", "_engine"}
    if unknown := sorted(options.keys() - LocalChatModel.model_fields.keys()):
        raise ConfigurationError(f"unknown option {unknown[0]!r}: use {', '.join(sorted(own))}")
    return LocalChatModel(model=model, **options)
