"""Kinds of number fields of chat models: no bool and no text passes for a number, nor does NaN or an infinity."""

from __future__ import annotations

from typing import Annotated

from pydantic import AllowInfNan, Strict

__all__ = ["Count", "Number"]

Count = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]
