"""Backbones by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

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
        If the chat model has no field of an option's name, or the value cannot be meant.
    """
    kind, _, rest = spec.partition(":") if isinstance(spec, str) else ("", "", "")
    try:
        if kind == "local" or (kind == "gguf" and rest):
            return _local(spec if kind == "gguf" else rest or "smollm2", options)
        if kind == "openai" and rest:
            return _remote(rest, options)
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        message = problem["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        raise ConfigurationError(f"{problem['loc'][0]} is {problem['input']!r}: {message}") from exc
    raise UnknownBackboneError(spec, known=_KNOWN)


def _local(model: str, options: dict[str, Any]) -> BaseChatModel:
    """Return a model of this process."""
    from agentcore.backbones._local import LocalChatModel

    _check_names(options, LocalChatModel)
    return LocalChatModel(model=model, **options)


def _remote(address: str, options: dict[str, Any]) -> BaseChatModel:
    """Return a model behind a server."""
    from agentcore.backbones._openai_address import KEY_OPTIONS
    from agentcore.backbones.openai_compatible import OpenAICompatible, from_spec

    _check_names(options.keys() - KEY_OPTIONS, OpenAICompatible)  # which says what to do with a key
    return from_spec(address, **options)


def _check_names(options: Iterable[str], model_class: type[BaseChatModel]) -> None:
    """Refuse a misspelt option, which LangChain's own base class would pass over."""
    if unknown := sorted(set(options) - model_class.model_fields.keys()):
        own = model_class.__annotations__.keys() & model_class.model_fields.keys() - {"model_name"}
        raise ConfigurationError(f"unknown option {unknown[0]!r}: use {', '.join(sorted(own))}")
