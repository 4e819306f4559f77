"""The SDK's clients of one server: one for threads, one for each event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import openai

from agentcore.backbones._openai_address import KEY_VARIABLES, find_key
from agentcore.backbones.errors import KeyRefusedError

__all__ = ["ClientOptions", "Clients", "authorization"]

_PLACEHOLDER = "unused"  # the SDK wants a key at construction; ours is in the header of each request
_CONNECT_S = 10.0
_NO_KEEPALIVE = openai.DEFAULT_CONNECTION_LIMITS.__class__(
    max_connections=openai.DEFAULT_CONNECTION_LIMITS.max_connections, max_keepalive_connections=0
)


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What a client is made for: the address, seconds of silence, and how often a request is repeated."""

    base_url: str
    timeout: float
    max_retries: int


class Clients:
    """Makes clients when they are first needed; safe from several threads.

    Parameters
    ----------
    options : ClientOptions
        What they are made for.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = WeakKeyDictionary()

    def for_threads(self) -> openai.OpenAI:
        """Return the client of blocking calls."""
        with self._lock:
            if self._client is None:
                self._client = openai.OpenAI(**self._arguments())
            return self._client

    def for_loop(self) -> openai.AsyncOpenAI:
        """Return the client of the running event loop: connections cannot be carried to another one."""
        loop = asyncio.get_running_loop()
        with self._lock:
            client = self._by_loop.get(loop)
            if client is None:
                # No connection outlives its answer: nobody would close it before the loop ends.
                connections = openai.DefaultAsyncHttpxClient(limits=_NO_KEEPALIVE)
                client = openai.AsyncOpenAI(http_client=connections, **self._arguments())
                self._by_loop[loop] = client
        return client

    def close(self) -> None:
        """Close the connections of the blocking client; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _arguments(self) -> dict[str, Any]:
        options = self.options
        return {
            "api_key": _PLACEHOLDER,
            "base_url": options.base_url,
            "max_retries": options.max_retries,
            "timeout": openai.Timeout(options.timeout, connect=min(options.timeout, _CONNECT_S)),
        }


def authorization() -> dict[str, Any]:
    """Return the header with the key of this moment, or word that there is none.

    Raises
    ------
    KeyRefusedError
        The key holds what no header can.
    """
    key = find_key()
    if not (key.isascii() and key.isprintable()):
        raise KeyRefusedError(
            f"the key in {' or '.join(KEY_VARIABLES)} holds characters that no header can: copy it anew"
        )
    return {"Authorization": f"Bearer {key}" if key else openai.Omit()}
