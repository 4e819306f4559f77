"""The two tools through which an agent uses a corpus."""

from __future__ import annotations

from typing import Any

from agentcore.tools.corpus._index import CorpusIndex
from agentcore.tools.errors import InvalidArgumentsError
from agentcore.tools.registry import ToolSpec

__all__ = ["corpus_tools"]

READ_LIMIT = 8000

_SEARCH_PARAMETERS = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1, "description": "What to look for, in plain words."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": 50,
            "description": "How many passages (default 5).",
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}
_READ_PARAMETERS = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "minLength": 1, "description": "A source that search_corpus returned."},
        "start": {"type": "integer", "minimum": 0, "description": "First character (default 0)."},
        "end": {
            "type": "integer",
            "minimum": 0,
            "description": "One past the last character (default: as far as fits).",
        },
    },
    "required": ["source"],
    "additionalProperties": False,
}


def corpus_tools(index: CorpusIndex) -> list[ToolSpec]:
    """Return `search_corpus` and `read_document` over an index. Both return text from outside: untrusted."""

    def search_corpus(query: str, limit: int = 5) -> list[dict[str, Any]]:
        if not query.strip():
            raise InvalidArgumentsError("search_corpus", "the query is empty")
        return [
            {"source": hit.source, "title": hit.title, "start": hit.start, "end": hit.end, "text": hit.text}
            for hit in index.search(query, limit)
        ]

    def read_document(source: str, start: int = 0, end: int | None = None) -> str:
        try:
            text = index.read_document(source, start, end)
        except ValueError as exc:
            raise InvalidArgumentsError("read_document", str(exc)) from exc
        if len(text) <= READ_LIMIT:
            return text
        rest = len(text) - READ_LIMIT
        return f"{text[:READ_LIMIT]}\n[{rest} more characters: read on with start={start + READ_LIMIT}]"

    return [
        ToolSpec(
            name="search_corpus",
            description="Search the documents and return the best passages with their source and place.",
            parameters=_SEARCH_PARAMETERS,
            function=search_corpus,
            untrusted=True,
        ),
        ToolSpec(
            name="read_document",
            description="Read a document, or a span of it.",
            parameters=_READ_PARAMETERS,
            function=read_document,
            untrusted=True,
        ),
    ]
