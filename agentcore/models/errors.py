"""What can go wrong with fetching models.

::

    ModelsError                (an AgentError)
    ├── UnknownModelError      a name that the catalogue does not know (also a ValueError)
    ├── NoPipError             this Python has no pip, which fetches the packaged models
    ├── DownloadError          no network, an HTTP error, a package index that refuses
    ├── DigestMismatchError    the bytes are not the pinned ones; nothing was kept
    └── DiskFullError          not enough room in the cache
"""

from __future__ import annotations

from pathlib import Path

from agentcore.errors import AgentError


class ModelsError(AgentError):
    """The root of everything this package raises on purpose."""


class UnknownModelError(ModelsError, ValueError):
    """The catalogue has no model of this name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no model is called {name!r}: choose one of {', '.join(known)}")


class NoPipError(ModelsError):
    """The running Python has no pip."""

    def __init__(self, package: str, version: str) -> None:
        self.package = package
        super().__init__(
            f"this Python has no pip to download {package} {version} with: run `python -m ensurepip`, "
            "or pull on another machine and copy its model cache (`agentcore models path`)"
        )


class DownloadError(ModelsError):
    """The source could not be read to the end."""

    def __init__(self, name: str, reason: str, *, cure: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"could not download {name}: {reason}; {cure}")


class DigestMismatchError(ModelsError):
    """A downloaded file is not the one that was pinned."""

    def __init__(self, file: str, *, expected: str, actual: str) -> None:
        self.file = file
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"{file} has sha256 {actual[:16]}… and not the pinned {expected[:16]}…: nothing was kept; "
            "pull again, and if it stays so, do not trust the source"
        )


class DiskFullError(ModelsError):
    """The cache has no room for the model."""

    def __init__(self, directory: Path, *, needed_bytes: int | None = None) -> None:
        self.directory = directory
        self.needed_bytes = needed_bytes
        amount = f" ({needed_bytes / 1e6:.0f} MB needed)" if needed_bytes else ""
        super().__init__(
            f"no space left in {directory}{amount}: free some, or set AGENTCORE_CACHE to a larger disk"
        )
