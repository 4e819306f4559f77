"""What can go wrong in tools.

::

    ToolError
    ├── UnknownToolError           no tool of that name; names the nearest (the model may retry)
    ├── InvalidArgumentsError      the arguments do not fit the schema (the model may retry)
    ├── ToolFailedError            the tool itself failed; trying the same again will not help
    ├── PathOutsideError           a path that leaves the folder it must stay in
    └── DocumentError
        ├── CorpusNotFoundError    there is no such folder (also a ValueError)
        ├── EmptyCorpusError       the folder holds nothing that can be read
        ├── UnknownDocumentError   no such document in the corpus (the model may retry)
        ├── UnreadableDocumentError   damaged, encrypted, binary, or without text
        └── SnapshotMissingError   a text that should have been kept is gone

Every message is one line that says what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "CorpusNotFoundError",
    "DocumentError",
    "EmptyCorpusError",
    "InvalidArgumentsError",
    "PathOutsideError",
    "SnapshotMissingError",
    "ToolError",
    "ToolFailedError",
    "UnknownDocumentError",
    "UnknownToolError",
    "UnreadableDocumentError",
]


class ToolError(Exception):
    """The root of everything the tools raise on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt from what it says, whatever its class is made of: so it reaches the caller of another process.
        return _again, (type(self), self.args), self.__dict__


class UnknownToolError(ToolError):
    """There is no tool of this name."""

    def __init__(self, tool_name: str, *, known: Sequence[str], nearest: str | None) -> None:
        hint = f"did you mean {nearest!r}?" if nearest else f"there are {', '.join(known) or 'none'}"
        super().__init__(f"no tool is called {tool_name!r}: {hint}")
        self.tool_name = tool_name
        self.nearest = nearest


class InvalidArgumentsError(ToolError):
    """The arguments of a call do not fit the tool's schema."""

    def __init__(self, tool_name: str, reason: str) -> None:
        super().__init__(f"the arguments of {tool_name!r} do not fit: {reason}; correct them and call again")
        self.tool_name = tool_name
        self.reason = reason


class ToolFailedError(ToolError):
    """A tool raised something that it does not promise to raise."""

    def __init__(self, tool_name: str, reason: str) -> None:
        super().__init__(f"the tool {tool_name!r} failed: {reason}; go on without it")
        self.tool_name = tool_name
        self.reason = reason


class PathOutsideError(ToolError):
    """A path does not stay inside its folder."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"the path {path!r} is refused: {reason}; use a plain path below the folder")
        self.path = path


class DocumentError(ToolError):
    """A document or a folder of documents cannot be used."""


class CorpusNotFoundError(DocumentError, ValueError):
    """There is no such folder."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"the corpus {folder!r} {reason}")
        self.folder = folder


class EmptyCorpusError(DocumentError):
    """The folder holds nothing that can be read."""

    def __init__(self, folder: str, *, suffixes: Sequence[str], first_reason: str | None) -> None:
        reason = first_reason or f"put files of these kinds there: {' '.join(suffixes)}"
        super().__init__(f"the corpus {folder!r} holds no document that can be read: {reason}")
        self.folder = folder


class UnknownDocumentError(DocumentError, LookupError):
    """The corpus has no document of this name."""

    def __init__(self, source: str, *, nearest: str | None) -> None:
        hint = f"did you mean {nearest!r}?" if nearest else "use a `source` that search_corpus returned"
        super().__init__(f"the corpus has no document {source!r}: {hint}")
        self.source = source
        self.nearest = nearest


class UnreadableDocumentError(DocumentError):
    """A document's text cannot be had."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source} cannot be read: {reason}")
        self.source = source
        self.reason = reason


class SnapshotMissingError(DocumentError, LookupError):
    """The stored text of a document is gone or damaged."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"no intact snapshot {sha256[:12]}… is stored: open the corpus again to index it anew"
        )
        self.sha256 = sha256


def _again(kind: type[ToolError], args: tuple[Any, ...]) -> ToolError:
    """Make an error anew without asking its class for anything."""
    return kind.__new__(kind, *args)
