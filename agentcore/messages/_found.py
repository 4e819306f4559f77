"""A tool call as a model wrote it, before anybody has checked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FoundCalls", "WrittenCall"]


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """One call, or what was meant as one.

    Attributes
    ----------
    format : str
        Which way of writing it was, for reports.
    payload : str or mapping
        The text of the arguments, or, if `name` is None, of the whole call; a mapping where the format
        writes each argument by itself.
    name : str or None
        The tool, where the format writes it outside the payload.
    id : str or None
        The call's id, where the model or the server gave one.
    """

    format: str
    payload: str | Mapping[str, Any]
    name: str | None = None
    id: str | None = None

    @property
    def text(self) -> str:
        """What was written, for a message to the model."""
        payload = self.payload if isinstance(self.payload, str) else str(dict(self.payload))
        return payload if self.name is None else f"{self.name} {payload}"


@dataclass(frozen=True, slots=True)
class FoundCalls:
    """The calls in a text, and the text without them.

    Attributes
    ----------
    text : str
        What is left when the calls are taken out.
    calls : tuple of WrittenCall
        In the order of the text.
    """

    text: str
    calls: tuple[WrittenCall, ...]
