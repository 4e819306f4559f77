"""What can go wrong between a text and its vectors.

```
EmbedderUnavailableError    (of `agentcore.memory.errors`, a MemoryStoreError)
├── ModelMissingError       the weights are not in the user cache
├── ModelDamagedError       they are there, and are not what they should be
└── EmbeddingRequestError   a remote embedding server refused or answered nonsense
```
"""

from __future__ import annotations

from agentcore.memory.errors import EmbedderUnavailableError

__all__ = ["EmbeddingRequestError", "ModelDamagedError", "ModelMissingError"]


class ModelMissingError(EmbedderUnavailableError):
    """The embedder's files are not where they are looked for.

    Attributes
    ----------
    directory : str
        The folder that was searched.
    """

    def __init__(self, directory: str, *, missing: str) -> None:
        self.directory = directory
        super().__init__(
            f"no embedding model in {directory!r} ({missing} is missing): run `agentcore models pull minilm`"
        )


class ModelDamagedError(EmbedderUnavailableError):
    """The embedder's files cannot be read as the model they claim to be."""

    def __init__(self, path: str, *, reason: str) -> None:
        self.path = path
        super().__init__(f"{path!r} is damaged ({reason}): run `agentcore models pull minilm` again")


class EmbeddingRequestError(EmbedderUnavailableError):
    """A remote server did not return the vectors that were asked for.

    Attributes
    ----------
    status : int | None
        HTTP status, None when there was no answer at all.
    """

    def __init__(self, base_url: str, *, reason: str, status: int | None = None) -> None:
        self.base_url, self.status = base_url, status
        super().__init__(f"embeddings from {base_url!r} failed: {reason}")
