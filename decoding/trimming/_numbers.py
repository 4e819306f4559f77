r"""Read numbers out of prose and LaTeX, and evaluate plain arithmetic, as exact fractions."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

_DROP = re.compile(
    r"\\(?:left|right|displaystyle|big|Big|bigl|bigr|,|;|:|!|quad|qquad|boldsymbol|mathbf|mathrm|operatorname|limits)(?![a-zA-Z])"
)
_TEXT = re.compile(r"\\(?:text|mbox|textbf|textit|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")
_FRAC = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
_REPLACE = (
    ("{,}", ","),
    ("\\%", "%"),
    ("\\$", ""),
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("\\(", " "),
    ("\\)", " "),
    ("\\[", " "),
    ("\\]", " "),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("−", "-"),
    ("–", "-"),
    ("^\\circ", ""),
    ("^{\\circ}", ""),
    ("°", ""),
    ("$", ""),
    ("`", ""),
    ("**", ""),
    ("~", " "),
    ("\\ ", " "),
)
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<![A-Za-z0-9_.])[-+]?\.\d+"
)
"""A plain number in prose, thousands commas allowed; Chinese has no space before it."""

_PLAIN = re.compile(r"[-+]?(?:\d{1,3}(?:,\s?\d{3})+|\d+|(?=\.\d))(?:\.\d+)?")
_SLASH = re.compile(r"([-+]?\d+)\s*/\s*(\d+)")
_MIXED = re.compile(r"([-+]?)(\d+)\s+(\d+)\s*/\s*(\d+)")
_UNITS = re.compile(r"(?:%|(?:\s*[A-Za-z][A-Za-z'²³-]+){0,5})\s*[.,;:!?]*")
_ARITHMETIC = re.compile(r"[\d\s+\-*/().^,]+")
_MAX_DIGITS = 40
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@lru_cache(maxsize=512)
def plain(text: str) -> str:
    r"""Strip LaTeX dressing: ``\text{}``, spacing, currency, degree and maths delimiters; fractions become ``(a)/(b)``."""
    text = _DROP.sub("", _TEXT.sub(r" \1 ", text))
    for old, new in _REPLACE:
        text = text.replace(old, new)
    for _ in range(3):
        replaced = _FRAC.sub(_slash, text)
        if replaced == text:
            break
        text = replaced
    return text


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last match of a pattern in a text."""
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def number(text: str) -> Fraction | None:
    """Return the number that the whole text is, with unit words or a percent sign allowed after it.

    Parameters
    ----------
    text : str
        Plain text, as `plain` leaves it.

    Returns
    -------
    Fraction | None
        None if the text is not one number or pure arithmetic.
    """
    text = text.strip()
    if not text or len(text) > 160:
        return None
    mixed = _MIXED.match(text)
    if mixed and _UNITS.fullmatch(text, mixed.end()) and int(mixed[4]):
        value = int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))
        return -value if mixed[1] == "-" else value
    for pattern in (_SLASH, _PLAIN):
        found = pattern.match(text)
        if found and _UNITS.fullmatch(text, found.end()):
            return _fraction(found.group())
    return evaluate(text)


def evaluate(text: str) -> Fraction | None:
    """Evaluate ``+ - * / ^`` and brackets over numbers exactly; None for anything else or anything huge."""
    body = text.strip().rstrip(".,;: ")
    if not body or len(body) > 120 or not _ARITHMETIC.fullmatch(body) or not re.search(r"\d", body):
        return None
    body = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", body)
    if "," in body:
        return None
    try:
        tree = ast.parse(re.sub(r"(?<![\d.])0+(?=\d)", "", body).replace("^", "**").strip(), mode="eval")
        return _walk(tree.body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None


def _walk(node: ast.expr) -> Fraction:
    """Evaluate one node; ValueError for what is not plain arithmetic."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _walk(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _walk(node.left), _walk(node.right)
        if isinstance(node.op, ast.Pow):
            if right.denominator != 1 or abs(right) > 64:
                raise ValueError("exponent")
            value = left ** int(right)
        elif type(node.op) in _OPERATORS:
            value = _OPERATORS[type(node.op)](left, right)
        else:
            raise ValueError("operator")
        if isinstance(value, Fraction) and value.numerator.bit_length() < _MAX_DIGITS * 4:
            return value
    raise ValueError("not arithmetic")


def _fraction(text: str) -> Fraction | None:
    """Return the value of one matched number."""
    text = re.sub(r"[,\s]", "", text)
    if len(text) > _MAX_DIGITS:
        return None
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def _slash(found: re.Match[str]) -> str:
    r"""Write a ``\frac`` with a slash, with brackets only where they are needed."""
    top = (found.group(1) or found.group(2) or "").strip()
    bottom = (found.group(3) or found.group(4) or "").strip()
    if top.lstrip("-").isdigit() and bottom.isdigit():
        return f" {top}/{bottom} "
    return f"(({top})/({bottom}))"
