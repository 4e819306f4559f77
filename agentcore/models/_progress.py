"""How a download tells its caller how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from time to time with the stage's name and its bytes."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report that `done` of `total` bytes (None: unknown) of the stage are there."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""
