"""Metadata filters: from the caller's dict to one predicate a field, checked before anything is searched.

The language is MongoDB's (`{"year": {"$gte": 2020}, "$or": [...]}`); mem0's spelling (`gte`, `AND`, `OR`, `NOT`, `"*"`,
`contains`) means the same. Predicates look at one value at a time, so a column of repeated values is judged once a distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MISSING", "And", "Field", "Filter", "Not", "Or", "parse_filters"]


class _Missing:
    """The value of a field that a record does not have."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()

Predicate = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """A predicate on one field; dots in `name` reach into nested objects."""

    name: str
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; no part: always."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


Filter = Field | And | Or | Not


def parse_filters(filters: Mapping[str, Any] | None) -> Filter | None:
    """Return the filter, or None when there is nothing to filter.

    Raises
    ------
    ValueError, TypeError
        An unknown operator, or an operand of the wrong kind.
    """
    return None if not filters else _parse(filters)


def _parse(filters: object) -> Filter:
    """Parse one mapping; its entries are joined by and."""
    if not isinstance(filters, Mapping):
        raise TypeError(
            f"filters must be a mapping such as {{'year': {{'$gte': 2020}}}}, not {type(filters).__name__}"
        )
    return And(tuple(_entry(key, value) for key, value in filters.items()))


def _entry(key: object, value: Any) -> Filter:
    """Parse `"$and": [...]` or `field: condition`."""
    if not isinstance(key, str) or not key:
        raise TypeError(f"filter keys must be str, got {key!r}")
    if key in ("$and", "AND"):
        return And(tuple(_parse(part) for part in _list(key, value)))
    if key in ("$or", "OR"):
        return Or(tuple(_parse(part) for part in _list(key, value)))
    if key in ("$not", "NOT"):  # a list: none of them holds, as in mem0
        if isinstance(value, Mapping):
            return Not(_parse(value))
        return Not(Or(tuple(_parse(part) for part in _list(key, value))))
    if key.startswith("$"):
        raise ValueError(f"unknown operator {key!r}: at this place use $and, $or or $not")
    return _condition(key, value)


def _condition(name: str, condition: Any) -> Filter:
    """Parse what a field must be: a value, or a mapping of operators."""
    if not isinstance(condition, Mapping):
        return Field(name, _present if condition == "*" else _equal_to(condition))
    if not condition:
        return Field(name, _equal_to({}))
    parts: list[Filter] = []
    for raw, operand in condition.items():
        operator = raw if str(raw).startswith("$") else f"${raw}"
        if operator.lower() == "$not":
            parts.append(Not(_condition(name, operand)))
        elif operator in _OPERATORS:
            parts.append(Field(name, _OPERATORS[operator](operand)))
        else:
            raise ValueError(_unknown(str(raw), name))
    return And(tuple(parts))


def _unknown(operator: str, name: str) -> str:
    return (
        f"unknown operator {operator!r} on field {name!r}: use one of {', '.join(sorted(_OPERATORS))}, $not"
    )


def _list(operator: str, value: object) -> list[Any]:
    if not isinstance(value, (list, tuple)) or not value:
        raise TypeError(f"{operator} needs a list of at least one filter, got {value!r}")
    return list(value)


def _same(value: Any, operand: Any) -> bool:
    """Equality as in JSON: true is not 1."""
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)


def _present(value: Any) -> bool:
    return value is not MISSING


def _equal_to(operand: Any) -> Predicate:
    if operand is None:
        return lambda value: value is MISSING or value is None
    return lambda value: (
        _same(value, operand)
        or (
            isinstance(value, list)
            and not isinstance(operand, list)
            and any(_same(v, operand) for v in value)
        )
    )


def _not_equal_to(operand: Any) -> Predicate:
    equal = _equal_to(operand)
    return lambda value: not equal(value)


def _in(operand: Any) -> Predicate:
    if not isinstance(operand, (list, tuple)):
        raise TypeError(f"$in and $nin need a list of values, got {operand!r}")
    tests = [_equal_to(item) for item in operand]
    return lambda value: any(test(value) for test in tests)


def _not_in(operand: Any) -> Predicate:
    within = _in(operand)
    return lambda value: not within(value)


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Predicate]:
    """Build an ordering operator; numbers compare with numbers and texts with texts, anything else never holds."""

    def build(operand: Any) -> Predicate:
        if isinstance(operand, bool) or not isinstance(operand, (int, float, str)):
            raise TypeError(f"an ordering operator needs a number or a str, got {operand!r}")
        kinds: tuple[type, ...] = (str,) if isinstance(operand, str) else (int, float)
        return lambda value: (
            isinstance(value, kinds) and not isinstance(value, bool) and compare(value, operand)
        )

    return build


def _contains(*, fold: bool) -> Callable[[Any], Predicate]:
    """Build a containment operator: a part of a text, an element of a list."""

    def build(operand: Any) -> Predicate:
        needle = operand.casefold() if fold and isinstance(operand, str) else operand

        def holds(value: Any) -> bool:
            if isinstance(value, str):
                return isinstance(needle, str) and needle in (value.casefold() if fold else value)
            return isinstance(value, list) and any(
                _same(v.casefold() if fold and isinstance(v, str) else v, needle) for v in value
            )

        return holds

    return build


def _exists(operand: Any) -> Predicate:
    if not isinstance(operand, bool):
        raise TypeError(f"$exists needs true or false, got {operand!r}")
    return lambda value: (value is not MISSING) == operand


_OPERATORS: dict[str, Callable[[Any], Predicate]] = {
    "$eq": _equal_to,
    "$ne": _not_equal_to,
    "$gt": _order(lambda a, b: bool(a > b)),
    "$gte": _order(lambda a, b: bool(a >= b)),
    "$lt": _order(lambda a, b: bool(a < b)),
    "$lte": _order(lambda a, b: bool(a <= b)),
    "$in": _in,
    "$nin": _not_in,
    "$contains": _contains(fold=False),
    "$icontains": _contains(fold=True),
    "$exists": _exists,
}
