"""Whether tool calls are the expected ones, by the rules of the Berkeley function-calling leaderboard (single turn)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["CallScore", "score_calls"]

Expected = Sequence[Mapping[str, Mapping[str, Sequence[Any]]]]


@dataclass(frozen=True, slots=True)
class CallScore:
    """How one answer compares with what was expected.

    Attributes
    ----------
    has_right_names : bool
        Whether the called tools are the expected ones, counted with repetition, in any order.
    has_right_arguments : bool
        Whether besides every call's arguments are accepted.
    """

    has_right_names: bool
    has_right_arguments: bool


def score_calls(calls: Sequence[tuple[str, Mapping[str, Any]]], expected: Expected) -> CallScore:
    """Compare calls, as (name, arguments), with the accepted ones; no call is right where none is expected.

    Notes
    -----
    Dots in expected names stand for underscores. Text is compared without case, blanks and punctuation, as the leaderboard
    does; an accepted value of ``""`` means that the argument may be left out.
    """
    wanted = [(name.replace(".", "_"), arguments) for call in expected for name, arguments in call.items()]
    names = Counter(name for name, _ in calls) == Counter(name for name, _ in wanted)
    return CallScore(names, names and _can_match(list(calls), wanted))


def _can_match(
    calls: list[tuple[str, Mapping[str, Any]]], wanted: list[tuple[str, Mapping[str, Sequence[Any]]]]
) -> bool:
    """Whether calls and expectations pair off one to one."""
    if not calls:
        return True
    (name, arguments), rest = calls[0], calls[1:]
    for i, (other, accepted) in enumerate(wanted):
        if name == other and _accepts(accepted, arguments) and _can_match(rest, wanted[:i] + wanted[i + 1 :]):
            return True
    return False


def _accepts(accepted: Mapping[str, Sequence[Any]], arguments: Mapping[str, Any]) -> bool:
    if any(key not in accepted for key in arguments):
        return False
    for key, values in accepted.items():
        if key not in arguments:
            if "" not in values:
                return False
        elif not any(_equal(value, arguments[key]) for value in values):
            return False
    return True


def _equal(accepted: Any, given: Any) -> bool:
    if isinstance(accepted, bool) or isinstance(given, bool):
        return accepted is given
    if isinstance(accepted, int | float) and isinstance(given, int | float):
        return float(accepted) == float(given)
    if isinstance(accepted, str) and isinstance(given, str):
        return _plain(accepted) == _plain(given)
    if isinstance(accepted, list) and isinstance(given, list):
        return len(accepted) == len(given) and all(map(_equal, accepted, given))
    if isinstance(accepted, dict) and isinstance(given, dict):
        # Inside a dictionary every key has its own list of accepted values.
        return _accepts({key: v if isinstance(v, list) else [v] for key, v in accepted.items()}, given)
    return bool(accepted == given)


def _plain(text: str) -> str:
    return re.sub(r"[\s,./\-_*^'\"]", "", text.lower())
