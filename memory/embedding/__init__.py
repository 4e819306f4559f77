"""From texts to vectors: the packaged MiniLM on onnxruntime, remote servers, and a model-free stand-in for tests."""

from agentcore.memory.embedding._build import build_onnx
from agentcore.memory.embedding._default import default_embedder
from agentcore.memory.embedding._directory import model_directory
from agentcore.memory.embedding._hash_embedder import HashEmbedder
from agentcore.memory.embedding._minilm import MiniLMEmbedder
from agentcore.memory.embedding._openai_compatible import OpenAICompatibleEmbedder
from agentcore.memory.embedding._protocol import Embedder, Encoded, TokenVectors
from agentcore.memory.embedding._query_cache import EncodedQuery, QueryCache
from agentcore.memory.embedding.errors import (
    EmbeddingRequestError,
    ModelDamagedError,
    ModelMissingError,
)

__all__ = [
    "Embedder",
    "EmbeddingRequestError",
    "Encoded",
    "EncodedQuery",
    "HashEmbedder",
    "MiniLMEmbedder",
    "ModelDamagedError",
    "ModelMissingError",
    "OpenAICompatibleEmbedder",
    "QueryCache",
    "TokenVectors",
    "build_onnx",
    "default_embedder",
    "model_directory",
]
