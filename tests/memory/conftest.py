"""A memory with a clock of its own and an embedder that needs no weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentcore.memory import SwiftMem
from agentcore.memory.embedding import HashEmbedder


@dataclass
class Clock:
    """A clock that stands still until told otherwise."""

    time: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder(64)


@pytest.fixture(params=["file", "ram"])
def memory(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, embedder: HashEmbedder
) -> Iterator[SwiftMem]:
    """Open a memory on a file, and one that lives in RAM."""
    path = tmp_path / "memory.db" if request.param == "file" else None
    with SwiftMem(path, embedder=embedder, now=clock) as opened:
        yield opened
