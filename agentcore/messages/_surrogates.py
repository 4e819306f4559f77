"""Halves of surrogate pairs: joined where both came, else U+FFFD, so that what a model wrote can be written as UTF-8.

A half comes by an escape of JSON: a server cuts a text between the halves of an emoji, or a model writes one by itself.
"""

from __future__ import annotations

import re

__all__ = ["SurrogateJoiner", "join_surrogates"]

_HALF = re.compile(r"[\ud800-\udfff]")
_HIGH_ESCAPE = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW_ESCAPE = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# An escaped backslash and a whole pair are read over, so that what is left is alone.
_ESCAPED = re.compile(rf"(\\\\|{_HIGH_ESCAPE}{_LOW_ESCAPE})|{_HIGH_ESCAPE}|{_LOW_ESCAPE}")
_PENDING = re.compile(r"[\ud800-\udbff]\Z")  # what the next piece may complete
# The same in JSON, with all backslashes before it: only the whole run tells which of them begins an escape.
_PENDING_IN_JSON = re.compile(rf"[\ud800-\udbff]\Z|(?:\\*{_HIGH_ESCAPE})?(?:\\+(?:u[0-9a-fA-F]{{0,3}})?)?\Z")


def join_surrogates(text: str, *, is_json: bool = False) -> str:
    r"""Return the text without halves of pairs.

    Parameters
    ----------
    text : str
        As it came.
    is_json : bool
        The text is JSON itself: halves written as ``\ud83d`` count too.
    """
    if is_json and "\\u" in text:
        text = _ESCAPED.sub(lambda found: found[1] or r"\ufffd", text)
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SurrogateJoiner:
    """Does the same for a text that comes in pieces: a half at the end of one waits for the next.

    Parameters
    ----------
    is_json : bool
        As of :func:`join_surrogates`.
    """

    def __init__(self, *, is_json: bool = False) -> None:
        self._is_json = is_json
        self._pending = _PENDING_IN_JSON if is_json else _PENDING
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; return what is certain by now."""
        text = self._held + text
        pending = self._pending.search(text)
        end = len(text) if pending is None else pending.start()
        self._held = text[end:]
        return join_surrogates(text[:end], is_json=self._is_json)

    def finish(self) -> str:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return join_surrogates(held, is_json=self._is_json)
