"""What a linear layer is to those who call it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

__all__ = ["Linear"]

Linear = Callable[[Tensor], Tensor]
