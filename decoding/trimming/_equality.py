"""Whether two answers are the same: exact numbers first, then math-verify behind a guard that keeps it fast.

math-verify stops runaway parsing with signals, which only work in the main thread. We switch its clock off and instead refuse,
before parsing, every expression that could run away: then it works in any thread and inside a running event loop.
"""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

from agentcore.decoding.trimming._values import Answer, answer

MAX_EXPRESSION = 160
"""Characters of an expression above which only its text is compared."""

_COSTLY = re.compile(
    r"!|\\(?:int|sum|prod|lim|binom|choose|bigcup|oint|det|mod|bmod|pmod)\b"
    r"|\d{16,}"  # numbers that sympy would factor
    r"|\^\s*\{?\s*-?\d{3,}"  # exponents of three digits
    r"|\^[^,;=]{0,20}\^"  # towers
    r"|\*\*"
)
_COMMAS = re.compile(r"(?<=\d)(?:,|\{,\}|\\[,!;])+\s?(?:\\!)?(?=\d{3}(?!\d))")
_DRESSING = re.compile(r"\\(?:left|right|displaystyle|,|;|!|:| )|\\[dt](?=frac)|\s+|\$|\\\(|\\\)")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_VARIABLE = re.compile(r"(?<![a-zA-Z])(?![eEiI])[a-zA-Z](?![a-zA-Z])")
_SIDE = re.compile(r"^[a-zA-Z]\s*=\s*(?=[^=]+$)")


@lru_cache(maxsize=65_536)
def same_answer(first: str, second: str) -> bool:
    """Whether two pieces of text are the same answer.

    Parameters
    ----------
    first, second : str
        Each a number, an expression in LaTeX or plain, an interval, a letter or a word.

    Returns
    -------
    bool
        Equal as exact numbers, equal as text without dressing, or equal for math-verify. What is too large or too
        costly to parse is compared as text only.
    """
    left, right = answer(first), answer(second)
    if left is None or right is None:
        return False
    if left == right or _bare(first) == _bare(second):
        return True
    if left.number is not None and right.number is not None:
        return left.number == right.number
    if not (is_safe(first) and is_safe(second)):
        return False
    if not (_has_shape(first) and _has_shape(second)):
        return left.key.casefold() == right.key.casefold()
    if _is_number_against_variables(left, second) or _is_number_against_variables(right, first):
        return False
    parsed_left, parsed_right = _parse(_SIDE.sub("", first.strip())), _parse(_SIDE.sub("", second.strip()))
    if not parsed_left or not parsed_right:
        return False
    return bool(_math_verify().verify(list(parsed_right), list(parsed_left), timeout_seconds=None))


def is_safe(text: str) -> bool:
    """Whether an expression is small enough to be parsed and compared without a clock."""
    return len(text) <= MAX_EXPRESSION and not _COSTLY.search(text)


def _has_shape(text: str) -> bool:
    """Whether there is anything for a parser of mathematics in it."""
    return bool(re.search(r"[\d\\^_=+*/(\[{-]|√|π|∞", text)) or len(text.strip()) == 1


def _is_number_against_variables(known: Answer, other: str) -> bool:
    """Whether a number is compared with an expression in free variables, which saves parsing it."""
    return known.number is not None and "=" not in other and bool(_VARIABLE.search(_COMMAND.sub(" ", other)))


def _bare(text: str) -> str:
    """Strip spacing and dressing."""
    return _DRESSING.sub("", _COMMAS.sub("", text)).strip(".").casefold()


@lru_cache(maxsize=16_384)
def _parse(text: str) -> tuple[Any, ...]:
    """Parse one expression with math-verify, its clock off."""
    library = _math_verify()
    return tuple(
        library.parse(
            f"${text.strip().strip('$')}$",
            extraction_config=(library.LatexExtractionConfig(), library.ExprExtractionConfig()),
            parsing_timeout=None,
            fallback_mode="no_fallback",
        )
    )


@cache
def _math_verify() -> ModuleType:
    """Load math-verify (and sympy) on first need; silence its reminder that its clock is off, which `is_safe` answers."""
    library = import_module("math_verify")
    for name in ("math_verify.parser", "math_verify.grader"):
        logging.getLogger(name).addFilter(lambda record: "Timeout is disabled" not in record.getMessage())
    return library
