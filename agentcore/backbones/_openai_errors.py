"""The SDK's errors as ours, each with what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import openai

from agentcore.backbones.errors import (
    BackboneError,
    ContextTooLongError,
    KeyRefusedError,
    MalformedResponseError,
    RateLimitedError,
    RequestRefusedError,
    ServerFailedError,
    ServerTooSlowError,
    ServerUnreachableError,
    StreamInterruptedError,
    UnknownModelError,
)
from agentcore.messages import join_surrogates

__all__ = ["Server", "translated"]

# Servers agree on no code for this; the words are those of OpenAI, vLLM, llama.cpp, SGLang, Ollama and TGI.
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (?:length|window|size)|exceeds? the (?:available |model'?s )?(?:maximum )?"
    r"(?:context|input)|prompt is too long|too many (?:input )?tokens|input (?:is )?(?:too long|longer than)"
    r"|max_new_tokens.*must be <=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Server:
    """Who was asked, for the words of an error.

    Attributes
    ----------
    url, model : str
        The address and the model's name.
    timeout : float
        Seconds of silence that were waited for.
    secret : str
        The key, cut out of every message; empty if none is used.
    """

    url: str
    model: str
    timeout: float
    secret: str = ""


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Raise what the SDK raises inside as an error of ours.

    Raises
    ------
    BackboneError
        Of the fitting kind, with the original as its cause.
    """
    try:
        yield
    except BackboneError:
        raise
    except openai.APIStatusError as exc:
        raise _status_error(exc, server) from exc
    except openai.APITimeoutError as exc:
        raise ServerTooSlowError(
            f"{server.url} was silent for {server.timeout:g} s: raise timeout or ask for fewer tokens"
        ) from exc
    except openai.APIConnectionError as exc:
        if isinstance(exc.__cause__, httpx2.ReadError | httpx2.RemoteProtocolError):
            raise StreamInterruptedError(
                f"the connection to {server.url} broke during the answer: ask again"
            ) from exc
        raise ServerUnreachableError(
            f"no connection to {server.url}: check the address and that the server runs"
        ) from exc
    except openai.APIError as exc:  # an error object inside a stream
        message = _clean(exc.message, server)
        if _is_context_overflow(exc.code, message):
            raise _context_error(message, server) from exc
        raise ServerFailedError(f"{server.url} reports {message!r}: ask again or look at its log") from exc
    except (json.JSONDecodeError, UnicodeDecodeError, openai.APIResponseValidationError) as exc:
        raise MalformedResponseError(
            f"{server.url} sent something that is not JSON: check that it speaks the chat-completions protocol"
        ) from exc


def _status_error(exc: openai.APIStatusError, server: Server) -> BackboneError:
    """Choose the error for an HTTP status."""
    message, status = _clean(exc.message, server), exc.status_code
    if status in (400, 413, 422, 500) and _is_context_overflow(exc.code, message):
        return _context_error(message, server)
    if status in (401, 403):
        return KeyRefusedError(
            f"{server.url} refused the key ({status}): set AGENTCORE_API_KEY or OPENAI_API_KEY to a valid one"
        )
    if status == 404:
        return UnknownModelError(
            f"{server.url} does not know {server.model!r} (404): check the model's name and that the address "
            "ends where the API begins, often in /v1"
        )
    if status == 429:
        return RateLimitedError(f"{server.url} takes no more requests now: wait, or raise max_retries")
    if status == 408:
        return ServerTooSlowError(f"{server.url} gave up waiting (408): ask again")
    if status >= 500:
        return ServerFailedError(f"{server.url} failed ({status}: {message}): ask again or look at its log")
    return RequestRefusedError(f"{server.url} refused the request ({status}): {message}")


def _context_error(message: str, server: Server) -> ContextTooLongError:
    """Build the error that says the messages are too long."""
    return ContextTooLongError(
        f"the messages are too long for {server.model!r} ({message}): shorten them or use a model that reads more"
    )


def _is_context_overflow(code: str | None, message: str) -> bool:
    """Tell whether a refusal is about the number of tokens."""
    return code in _CONTEXT_CODES or bool(_CONTEXT_WORDS.search(message))


def _clean(message: str, server: Server) -> str:
    """Make a server's message one line of bounded length without the key."""
    if server.secret:
        message = message.replace(server.secret, "***")
    line = " ".join(join_surrogates(message).split())
    return line if len(line) <= 300 else line[:300] + "…"
