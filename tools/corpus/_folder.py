"""Reading a folder of documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from agentcore.tools.corpus._documents import Document, text_digest
from agentcore.tools.corpus.parsers import media_type_of, parse
from agentcore.tools.errors import CorpusNotFoundError, PathOutsideError, UnreadableDocumentError
from agentcore.tools.paths import RootedFolder

__all__ = ["document_names", "open_folder", "read_file", "read_folder"]

LARGEST_FILE_BYTES = 256 << 20


def read_folder(
    path: str | Path, *, on_error: Callable[[UnreadableDocumentError], None] | None = None
) -> Iterator[Document]:
    """Yield the documents of a folder, in the order of their paths.

    Files of other formats, hidden files and symbolic links are passed over.

    Parameters
    ----------
    path : path
        The folder.
    on_error : callable, optional
        Told of each file that cannot be read, which is then passed over; without it, the first one raises.

    Raises
    ------
    CorpusNotFoundError
        There is no such folder.
    UnreadableDocumentError
        A file cannot be read and `on_error` is None.
    """
    folder = open_folder(path)

    def pass_over(exc: UnreadableDocumentError) -> None:
        if on_error is None:
            raise exc
        on_error(exc)

    for source in document_names(folder, pass_over):
        try:
            yield from read_file(folder, source)
        except UnreadableDocumentError as exc:
            pass_over(exc)


def document_names(folder: RootedFolder, on_error: Callable[[UnreadableDocumentError], None]) -> list[str]:
    """Return the names of the files that a parser reads, telling of folders that cannot be listed."""

    def tell(exc: OSError) -> None:
        name = Path(os.fsdecode(exc.filename)).relative_to(folder.root).as_posix()
        on_error(UnreadableDocumentError(_printable(name), f"the folder cannot be listed ({exc.strerror})"))

    return [source for source in folder.files(on_error=tell) if media_type_of(source) is not None]


def open_folder(path: str | Path) -> RootedFolder:
    """Return the folder as one that nothing leads out of.

    Raises
    ------
    CorpusNotFoundError
        There is no such folder.
    """
    folder = Path(path).expanduser()
    if not str(path) or "\0" in str(path) or not folder.exists():
        raise CorpusNotFoundError(str(path), "is not there: name a folder of documents")
    if not folder.is_dir():
        raise CorpusNotFoundError(str(path), "is a file: name the folder that holds it")
    return RootedFolder(folder)


def read_file(folder: RootedFolder, source: str) -> list[Document]:
    """Read one file: one document, or one an entry of a JSON collection.

    Raises
    ------
    UnreadableDocumentError
        See :func:`agentcore.tools.corpus.parsers.parse`; also a file that may not be read or is too large.
    """
    media_type = media_type_of(source)
    if _printable(source) != source:  # neither a citation nor a store could name it
        raise UnreadableDocumentError(_printable(source), "its name is no UTF-8: rename it")
    return [
        Document(
            source=name,
            title=parsed.title or name,
            text=parsed.text,
            sha256=text_digest(parsed.text),
            media_type=media_type or "application/octet-stream",
        )
        for name, parsed in parse(source, read_bytes(folder, source))
    ]


def read_bytes(folder: RootedFolder, source: str) -> bytes:
    """Return a file's bytes, refusing what is too large to be a document."""
    try:
        with folder.open(source) as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, PathOutsideError) as exc:
        raise UnreadableDocumentError(source, str(exc)) from exc
    if len(content) > LARGEST_FILE_BYTES:
        raise UnreadableDocumentError(source, f"it is larger than {LARGEST_FILE_BYTES >> 20} MB: split it")
    return content


def _printable(name: str) -> str:
    """Return a file's name with U+FFFD for bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", errors="replace")
