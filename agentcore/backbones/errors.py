"""What can go wrong when a model is asked, as one tree.

::

    AgentError
    └── BackboneError
        ├── AddressError            (ConfigurationError)        the backbone's name cannot be read
        ├── KeyRefusedError         (ModelAuthenticationError)  the server wants another key
        ├── UnknownModelError       (ModelNotFoundError)        the server has no such model
        ├── RequestRefusedError     (ModelInvalidRequestError)  the server does not take the request
        ├── ContextTooLongError     (ContextOverflowError)      more tokens than the model can read
        ├── RateLimitedError        (ModelRateLimitError)       too many requests, also after waiting
        ├── ServerFailedError       (ModelAPIError)             the server reports its own failure
        ├── ServerUnreachableError  (ModelConnectionError)      no connection
        ├── ServerTooSlowError      (ModelTimeoutError)         silence for longer than the time-out
        ├── MalformedResponseError  (ModelAPIError)             the answer is not of the protocol
        └── StreamInterruptedError  (ModelConnectionError)      the answer broke off

In brackets the class of LangChain that each one also is, so that its retry and fallback parts know it.
"""

from __future__ import annotations

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from agentcore.errors import AgentError, ConfigurationError

__all__ = [
    "AddressError",
    "BackboneError",
    "ContextTooLongError",
    "KeyRefusedError",
    "MalformedResponseError",
    "RateLimitedError",
    "RequestRefusedError",
    "ServerFailedError",
    "ServerTooSlowError",
    "ServerUnreachableError",
    "StreamInterruptedError",
    "UnknownModelError",
]


class BackboneError(AgentError):
    """Root of what goes wrong when a model is asked."""


class AddressError(BackboneError, ConfigurationError):
    """The name of a backbone cannot be read."""


class KeyRefusedError(BackboneError, ModelAuthenticationError):
    """The server wants a key, or another one."""


class UnknownModelError(BackboneError, ModelNotFoundError):
    """The server has no model of that name, or the address is not the one of its API."""


class RequestRefusedError(BackboneError, ModelInvalidRequestError):
    """The server understood the request and does not take it."""


class ContextTooLongError(BackboneError, ContextOverflowError):
    """The messages have more tokens than the model can read."""


class RateLimitedError(BackboneError, ModelRateLimitError):
    """Too many requests, also after the waits that the server asked for."""


class ServerFailedError(BackboneError, ModelAPIError):
    """The server reports a failure of its own."""


class ServerUnreachableError(BackboneError, ModelConnectionError):
    """No connection could be made."""


class ServerTooSlowError(BackboneError, ModelTimeoutError):
    """The server was silent for longer than the time-out."""


class MalformedResponseError(BackboneError, ModelAPIError):
    """The server's answer is not of the chat-completions protocol."""


class StreamInterruptedError(BackboneError, ModelConnectionError):
    """The answer broke off before it was complete.

    Parameters
    ----------
    message : str
        What happened and what to do.
    partial : str
        The text that had come until then.
    """

    def __init__(self, message: str, *, partial: str = "") -> None:
        super().__init__(message)
        self.partial = partial
