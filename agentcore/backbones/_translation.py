"""Errors of decoding as the errors that callers of a chat model expect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agentcore import decoding
from agentcore.backbones.errors import ContextTooLongError
from agentcore.errors import ConfigurationError, ModelFailedError, ModelOutputError

__all__ = ["translated"]


@contextmanager
def translated() -> Iterator[None]:
    """Raise `ContextTooLongError` (also LangChain's `ContextOverflowError`) and this runtime's errors in place of decoding's.

    `GenerationCancelled` passes: it is the caller's own wish.
    """
    try:
        yield
    except decoding.ContextOverflowError as exc:
        raise ContextTooLongError(str(exc)) from exc
    except (
        decoding.ModelFileError,
        decoding.ConstraintError,
        decoding.TokenizerMismatchError,
        decoding.UnknownMethodError,
    ) as exc:
        raise ConfigurationError(str(exc)) from exc
    except decoding.CacheFullError as exc:
        raise ModelFailedError("local", reason=str(exc)) from exc
    except decoding.NonFiniteLogitsError as exc:
        raise ModelOutputError(str(exc)) from exc
