"""Errors of decoding as the errors that callers of a chat model expect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.exceptions import ContextOverflowError

from agentcore import decoding
from agentcore.errors import ConfigurationError, ModelOutputError

__all__ = ["translated"]


@contextmanager
def translated() -> Iterator[None]:
    """Raise LangChain's `ContextOverflowError` and this runtime's errors in place of decoding's.

    `GenerationCancelled` passes: it is the caller's own wish.
    """
    try:
        yield
    except decoding.ContextOverflowError as exc:
        raise ContextOverflowError(str(exc)) from exc
    except (
        decoding.ModelFileError,
        decoding.ConstraintError,
        decoding.TokenizerMismatchError,
        decoding.UnknownMethodError,
    ) as exc:
        raise ConfigurationError(str(exc)) from exc
    except decoding.NonFiniteLogitsError as exc:
        raise ModelOutputError(str(exc)) from exc
