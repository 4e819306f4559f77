"""What a constraint on the output must offer to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

__all__ = ["Constraint"]


class Constraint(Protocol):
    """The state of one output under one grammar.

    The end of a turn is a token like any other here: it is allowed exactly when the output may end.
    """

    @property
    def is_complete(self) -> bool:
        """Whether the output may end here."""
        ...

    @property
    def is_finished(self) -> bool:
        """Whether nothing more may follow; `allowed` must not be asked then."""
        ...

    def allowed(self) -> Tensor:
        """Return which tokens may come next, (V,), bool."""
        ...

    def forced(self) -> list[int]:
        """Return the tokens that must come next, in their canonical split; empty where there is a choice."""
        ...

    def advance(self, ids: Sequence[int]) -> int:
        """Take tokens until one is not allowed; return how many were taken."""
        ...

    def rollback(self, count: int) -> None:
        """Undo the last `count` tokens."""
        ...

    def fork(self) -> Constraint:
        """Return an independent copy of the state."""
        ...
