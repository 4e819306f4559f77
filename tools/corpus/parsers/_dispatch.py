"""Which parser reads which file, and how their failures become one error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath

from agentcore.tools.errors import UnreadableDocumentError

__all__ = ["Parsed", "media_type_of", "parse", "supported_suffixes"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser found: a title (None: it names itself nowhere) and the text."""

    title: str | None
    text: str


@dataclass(frozen=True, slots=True)
class _Format:
    media_type: str
    module: str


_TEXT = _Format("text/plain", "_text")
_MARKDOWN = _Format("text/markdown", "_markdown")
_HTML = _Format("text/html", "_html")
_FORMATS = {
    ".txt": _TEXT,
    ".text": _TEXT,
    ".rst": _TEXT,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": _Format("application/pdf", "_pdf"),
    ".json": _Format("application/json", "_json"),
    ".jsonl": _Format("application/jsonl", "_json"),
    ".docx": _Format("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "_docx"),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_HALF_PAIR = re.compile(r"[\ud800-\udfff]")
_ENTRY = re.compile(r"#\d+\Z")


def supported_suffixes() -> tuple[str, ...]:
    """Return the suffixes of the formats that can be read."""
    return tuple(_FORMATS)


def media_type_of(source: str) -> str | None:
    """Return a file's media type by its suffix, None when no parser reads it."""
    known = _FORMATS.get(PurePosixPath(source).suffix.lower())
    return known.media_type if known else None


def parse(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    r"""Read one file's bytes.

    Parameters
    ----------
    source : str
        The file's path in the corpus: its suffix chooses the parser, its stem is the title of last resort.
    content : bytes
        The whole file.

    Returns
    -------
    list of (str, Parsed)
        The source of each document in it and what it says: one for most formats, one an entry for a JSON collection
        (``name.json#3``). Titles are filled, line ends are ``\n``, control characters gone, halves of surrogate pairs U+FFFD.

    Raises
    ------
    UnreadableDocumentError
        The bytes are damaged, encrypted, of another format, or hold no text.
    """
    known = _FORMATS.get(PurePosixPath(source).suffix.lower())
    if known is None:
        raise UnreadableDocumentError(source, f"no parser for its format (there are {', '.join(_FORMATS)})")
    module = import_module(f"agentcore.tools.corpus.parsers.{known.module}")
    read: Callable[[str, bytes], list[tuple[str, Parsed]]] = module.read
    documents = [
        (name, Parsed(_clean(parsed.title or "") or _title_from(source), _clean(parsed.text)))
        for name, parsed in read(source, content)
    ]
    documents = [(name, parsed) for name, parsed in documents if parsed.text]
    if not documents:
        raise UnreadableDocumentError(source, "it holds no text")
    return documents


def _clean(text: str) -> str:
    """Normalise line ends and take out what no document means and no store holds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HALF_PAIR.sub("\ufffd", _CONTROL.sub("", text)).strip()


def _title_from(source: str) -> str:
    """Make a title of a file's name."""
    stem = PurePosixPath(_ENTRY.sub("", source)).stem
    return " ".join(re.sub(r"[_\-]+", " ", stem).split()) or source
