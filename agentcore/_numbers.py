"""Refusing numbers that cannot be meant: a bool or a fraction where things are counted, NaN, what lies below the least."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import TYPE_CHECKING

from agentcore.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["check_count", "check_number", "check_settings"]


def check_count(name: str, value: object, *, least: float = 0, cure: str = "") -> None:
    """Refuse what is no whole number of at least `least`; `cure` is what else may be given."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ConfigurationError(f"{name} is {value!r}: use a whole number{_bound(least)}{cure}")


def check_number(name: str, value: object, *, least: float = -math.inf, cure: str = "") -> None:
    """Refuse what is no finite number of at least `least`; `cure` is what else may be given."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or value < least:
        raise ConfigurationError(f"{name} is {value!r}: use a finite number{_bound(least)}{cure}")


def check_settings(settings: DataclassInstance, least: Mapping[str, float]) -> None:
    """Refuse a field that is not of its declared kind (int, float or bool), or below the `least` of its name."""
    for field in fields(settings):
        value, bound = getattr(settings, field.name), least.get(field.name, -math.inf)
        if field.type == "int":
            check_count(field.name, value, least=bound)
        elif field.type == "float":
            check_number(field.name, value, least=bound)
        elif field.type == "bool" and not isinstance(value, bool):
            raise ConfigurationError(f"{field.name} is {value!r}: use True or False")


def _bound(least: float) -> str:
    return f" of at least {least:g}" if math.isfinite(least) else ""
