"""Keep secrets out of whatever is written: records, logs, messages."""

from __future__ import annotations

import os
import re

__all__ = ["redacted"]

_MARK = "[redacted]"
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SHORTEST = 8  # a shorter value is more likely a word than a key
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|hf|xox[abp])[-_][A-Za-z0-9_*-]{8,}|(?<=Bearer )[A-Za-z0-9._~+/-]{8,}=*",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """Return a text without keys: those of this process's environment, and whatever looks like one.

    Environment variables count whose names end in KEY, TOKEN, SECRET or PASSWORD and whose values are at least
    eight characters long.
    """
    for name in os.environ:
        if name.endswith(_SECRET_NAMES) and len(value := os.environ[name]) >= _SHORTEST:
            text = text.replace(value, _MARK)
    return _KEY_LIKE.sub(_MARK, text)
