"""Which known name a model meant: for tools and for arguments.

Near means: the same letters but for case and separators, a known prefix before it, or one slip of the hand in a
word of five letters or more. ``get_user`` is never taken for ``set_user``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["nearest_name"]

_PREFIX = re.compile(r"\A(?:functions?|tools?|default_api|api|assistant|python)[.:/]", re.IGNORECASE)
_NUMBER = re.compile(r"[:#]\d+\Z")


def nearest_name(written: str, names: Collection[str]) -> str | None:
    """Return the one name that can have been meant, or None if there is none or more than one."""
    if written in names:
        return written
    cleaned = _NUMBER.sub("", _PREFIX.sub("", written.strip().strip("\"'`").removesuffix("()")))
    if cleaned in names:
        return cleaned
    same = [name for name in names if _letters(name) == _letters(cleaned)]
    if not same:
        same = [name for name in names if _is_slip(_words(cleaned), _words(name))]
    return same[0] if len(same) == 1 else None


def _letters(name: str) -> str:
    """Return the letters and digits in lower case."""
    return re.sub(r"[\W_]+", "", name).lower()


def _words(name: str) -> list[str]:
    """Return the words of a name in snake, kebab or camel case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def _is_slip(written: list[str], meant: list[str]) -> bool:
    """Tell whether two names differ by one slip in one long word that begins the same."""
    if len(written) != len(meant):
        return False
    differing = [(a, b) for a, b in zip(written, meant, strict=True) if a != b]
    if len(differing) != 1:
        return False
    a, b = differing[0]
    return min(len(a), len(b)) >= 5 and a[0] == b[0] and _is_one_edit(a, b)


def _is_one_edit(a: str, b: str) -> bool:
    """Tell whether one insertion, deletion, substitution or swap of neighbours makes one word the other."""
    if len(a) > len(b):
        a, b = b, a
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return len(b) - len(a) == 1 and a[at:] == b[at + 1 :]
    is_swap = a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]
    return a[at + 1 :] == b[at + 1 :] or is_swap
