"""PDF: its text layer, through pypdf."""

from __future__ import annotations

import io
import logging

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.errors import UnreadableDocumentError


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read a PDF, pages apart; its title is that of its metadata.

    Raises
    ------
    UnreadableDocumentError
        It is damaged, needs a password, or is scanned without a text layer.
    """
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns about every repaired cross-reference
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocumentError(source, "it needs a password: save a copy without one")
        pages = [page.extract_text() for page in reader.pages]
        title = reader.metadata.title if reader.metadata else None
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OSError,
    ) as exc:
        # A damaged file surfaces in pypdf as any of these.
        raise UnreadableDocumentError(
            source, f"it is a damaged or no PDF ({type(exc).__name__}): replace the file"
        ) from exc
    text = "\n\n".join(page.strip() for page in pages if page.strip())
    if not text:
        raise UnreadableDocumentError(source, "the PDF has no text layer: run OCR on it first")
    return [(source, Parsed(title, text))]
