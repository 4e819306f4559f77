"""Word documents (.docx), through python-docx."""

from __future__ import annotations

import io
import zipfile

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.errors import UnreadableDocumentError


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read paragraphs and table rows in order; the title is the document property, else the first Title or Heading 1."""
    try:
        document = docx.Document(io.BytesIO(content))
        blocks = list(document.iter_inner_content())
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise UnreadableDocumentError(
            source, "it is a damaged or no .docx: save it again from a word processor"
        ) from exc
    title = document.core_properties.title or None
    parts = []
    for block in blocks:
        if isinstance(block, Table):
            rows = (" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows)
            parts.append("\n".join(rows))
            continue
        text = block.text.strip()
        if title is None and text and block.style is not None and block.style.name in {"Title", "Heading 1"}:
            title = text
        parts.append(text)
    return [(source, Parsed(title, "\n\n".join(part for part in parts if part)))]
