"""Plain text, and how bytes become text."""

from __future__ import annotations

import codecs

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.errors import UnreadableDocumentError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_TITLE = 120


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read a text file; a short first line set off by an empty one is its title."""
    text = decode(source, content).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.strip().split("\n", 2)
    first = lines[0].strip()
    is_title = len(lines) > 1 and not lines[1].strip() and len(first) <= _LONGEST_TITLE
    return [(source, Parsed(first if is_title and not first.endswith((".", "。")) else None, text))]


def decode(source: str, content: bytes) -> str:
    """Return the text of some bytes: by their byte order mark, else UTF-8, else Windows-1252.

    Raises
    ------
    UnreadableDocumentError
        The file is empty or binary.
    """
    if not content.strip():
        raise UnreadableDocumentError(source, "the file is empty")
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as exc:
                raise UnreadableDocumentError(source, f"it is no valid {encoding}") from exc
    if b"\0" in content[:65536]:
        raise UnreadableDocumentError(source, "it is binary, not text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
