"""Embeddings from any server that speaks OpenAI's `/embeddings`: vLLM, Ollama, llama.cpp, OpenAI itself."""

from __future__ import annotations

import email.utils
import math
import os
import random
import time
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from agentcore.memory._validation import check_count
from agentcore.memory.embedding._protocol import Encoded, Float32
from agentcore.memory.embedding.errors import EmbeddingRequestError

__all__ = ["OpenAICompatibleEmbedder"]

_RETRIED = frozenset({429, 500, 502, 503, 504})
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_LONGEST_WISH_S = 60.0  # a server that wants us to wait for longer is told of instead


class OpenAICompatibleEmbedder:
    """Pooled vectors from a remote model; there are no token vectors, so ranking uses dense and lexical alone.

    Parameters
    ----------
    model : str
        Name the server knows.
    base_url : str, default "https://api.openai.com/v1"
        Root of the API.
    dimension : int or None
        Length of the vectors; None asks the server once.
    api_key : str or None
        None reads `OPENAI_API_KEY`; servers without keys ignore it. Never stored, never logged.
    batch_size : int, default 128
        Texts a request.
    timeout_s : float, default 30
        Seconds a request may take.
    retries : int, default 2
        Further attempts after a refusal that may pass (429, 5xx, no connection), each after the pause that the server
        asks for (``Retry-After``, up to a minute), else after half a second, doubling.
    transport : httpx.BaseTransport or None
        For proxies and tests.

    Raises
    ------
    EmbeddingRequestError
        The server cannot be reached, refuses, or returns something else than the vectors asked for.
    """

    def __init__(
        self,
        model: str,
        base_url: str = "https://api.openai.com/v1",
        *,
        dimension: int | None = None,
        api_key: str | None = None,
        batch_size: int = 128,
        timeout_s: float = 30.0,
        retries: int = 2,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if not model:
            raise ValueError("model must be the name of an embedding model, not ''")
        check_count(batch_size, what="batch_size", least=1)
        check_count(retries, what="retries")
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)):
            raise TypeError(f"timeout_s must be a number of seconds, not {type(timeout_s).__name__}")
        if not 0 < timeout_s < math.inf:
            raise ValueError(f"timeout_s must be above 0 and finite, got {timeout_s}")
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must begin with http:// or https://, not {base_url!r}")
        if dimension is not None:
            check_count(dimension, what="dimension", least=1)
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._batch_size = batch_size
        self._retries = retries
        key = (api_key or os.environ.get("OPENAI_API_KEY") or "").strip()  # files of keys end in a line end
        if not (key.isascii() and key.isprintable()):
            raise ValueError(
                "the API key holds characters that no header can: copy it anew"
            )  # never the key itself
        self._secret = key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=timeout_s, transport=transport)
        self._dimension = dimension

    @property
    def name(self) -> str:
        """Identity of the vector space: the model's name, wherever it is served."""
        return self._model

    @property
    def dimension(self) -> int:
        """Length of a vector; asks the server where it was not given."""
        if self._dimension is None:
            self._dimension = int(self._request(["dimension"]).shape[1])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Float32:
        """Return pooled vectors, (N, D) float32, L2-normalised."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        step = self._batch_size
        parts = [self._request(texts[start : start + step]) for start in range(0, len(texts), step)]
        vectors = np.concatenate(parts)
        if self._dimension is None:
            self._dimension = int(vectors.shape[1])
        elif vectors.shape[1] != self._dimension:
            raise self._failure(
                f"vectors of length {vectors.shape[1]} where {self._dimension} was expected: set dimension="
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        result: Float32 = vectors / np.maximum(norms, 1e-12)
        return result

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return pooled vectors; `tokens` is None."""
        return Encoded(self.embed(texts), None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _request(self, texts: Sequence[str]) -> Float32:
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._client.post(f"{self._base_url}/embeddings", json=body)
            except httpx.TransportError as exc:
                if last:
                    raise self._failure(f"no answer ({exc})") from exc
                time.sleep(_pause_s(attempt))
                continue
            if response.status_code == httpx.codes.OK:
                return self._vectors(response, len(texts))
            wish_s = _wish_s(response)
            if last or response.status_code not in _RETRIED or (wish_s or 0.0) > _LONGEST_WISH_S:
                reason = f"HTTP {response.status_code} {response.text[:200]!r}"
                if wish_s is not None:
                    reason += f", to be asked again in {wish_s:.0f} s"
                raise self._failure(reason, status=response.status_code)
            time.sleep(_pause_s(attempt) if wish_s is None else wish_s)
        raise AssertionError("the last attempt returns or raises")

    def _vectors(self, response: httpx.Response, count: int) -> Float32:
        try:
            data: list[dict[str, Any]] = response.json()["data"]
            ordered = sorted(data, key=lambda item: int(item["index"]))
            vectors = np.array([item["embedding"] for item in ordered], dtype=np.float32)
        except (ValueError, KeyError, TypeError) as exc:
            raise self._failure(f"not an embeddings response: {exc!r}", status=response.status_code) from exc
        if vectors.ndim != 2 or len(vectors) != count or not vectors.size:
            raise self._failure(f"{len(data)} vectors for {count} texts", status=response.status_code)
        if not np.isfinite(vectors).all():
            raise self._failure("vectors that are no numbers", status=response.status_code)
        return vectors

    def _failure(self, reason: str, *, status: int | None = None) -> EmbeddingRequestError:
        if self._secret:  # some servers repeat it
            reason = reason.replace(self._secret, "***")
        return EmbeddingRequestError(self._base_url, reason=reason, status=status)


def _pause_s(attempt: int) -> float:
    """Return how long to wait before the next attempt: doubling, with jitter, so that callers do not come back together."""
    return float(min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S) * random.uniform(0.75, 1.0))


def _wish_s(response: httpx.Response) -> float | None:
    """Return how long the server asks us to wait, by seconds or by a date; None where it says nothing that can be read."""
    text = response.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
