"""The embedder that is used when none is given."""

from __future__ import annotations

from functools import lru_cache

from agentcore.memory.embedding._directory import model_directory
from agentcore.memory.embedding._minilm import MiniLMEmbedder

__all__ = ["default_embedder"]


def default_embedder() -> MiniLMEmbedder:
    """Return the packaged MiniLM, loaded once a process.

    Raises
    ------
    ModelMissingError
        It was not pulled yet: the message names the command.
    """
    return _load(str(model_directory()))


@lru_cache(maxsize=1)
def _load(directory: str) -> MiniLMEmbedder:
    return MiniLMEmbedder(directory)
