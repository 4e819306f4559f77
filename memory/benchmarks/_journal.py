"""What an interrupted run has already measured, so that the next one goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Answered", "Journal"]


@dataclass(frozen=True, slots=True)
class Answered:
    """One engine's results for the questions of one partition, in the order of the questions.

    Attributes
    ----------
    rankings : list of list of str
        Item ids, best first.
    seconds : list of float
        Search alone.
    add_s : float
        Storing the partition, vectors given.
    """

    engine: str
    partition: str
    rankings: list[list[str]]
    scores: list[float]
    seconds: list[float]
    rows_scored: list[int | None]
    routes: list[str | None]
    num_items: int
    add_s: float


class Journal:
    """A JSON-lines file of finished partitions; a run that completes removes it.

    Parameters
    ----------
    folder : Path or None
        None remembers nothing beyond this process.
    settings : Mapping
        Whatever changes the result: another configuration starts another file.
    """

    def __init__(self, folder: Path | None, *, settings: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]
        self._path = folder / f".unfinished-{digest}.jsonl" if folder is not None else None
        self._done: dict[tuple[str, str], Answered] = {}
        if self._path is not None and self._path.is_file():
            self._load(self._path)

    def get(self, engine: str, partition: str) -> Answered | None:
        """Return what was measured already."""
        return self._done.get((engine, partition))

    def add(self, answered: Answered) -> None:
        """Remember a partition's results."""
        self._done[answered.engine, answered.partition] = answered
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(answered)) + "\n")

    def of(self, engine: str) -> list[Answered]:
        """Return all partitions of an engine."""
        return [answered for (name, _), answered in self._done.items() if name == engine]

    def discard(self) -> None:
        """Remove the file: the run is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _load(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                answered = Answered(**json.loads(line))
            except (ValueError, TypeError):
                continue  # the line that was being written when the run was stopped
            self._done[answered.engine, answered.partition] = answered
