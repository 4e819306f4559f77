"""SwiftMem under test, with the defaults that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agentcore.memory import SwiftMem
from agentcore.memory._encoding import dense_text
from agentcore.memory.benchmarks._dataset import Item, Question
from agentcore.memory.benchmarks.engines._protocol import Found, TextForm
from agentcore.memory.embedding import Embedder, Encoded, EncodedQuery

__all__ = ["SwiftMemEngine"]


class SwiftMemEngine:
    """One file for all partitions, a user each.

    Parameters
    ----------
    folder : Path
        Receives `swiftmem.db`.
    embedder : Embedder
        Named in the file; the vectors themselves are handed over.
    search : mapping
        Further arguments of `SwiftMem.search`, for ablations; may be replaced between searches.
    name : str
        In tables, and of the file.
    consolidates : bool
        Whether `finish` tags the records and lays them out by cluster.
    """

    form: TextForm = "turn"

    def __init__(
        self,
        folder: Path,
        *,
        embedder: Embedder,
        search: Mapping[str, Any] | None = None,
        name: str = "swiftmem",
        consolidates: bool = False,
    ) -> None:
        self.name = name
        self._consolidates = consolidates
        self._path = folder / f"{name}.db"
        self._embedder = embedder
        self.search_options = dict(search or {})
        self._now = datetime.now(UTC)
        self._last: dict[str, datetime] = {}
        self._memory = self._open()

    def add(self, partition: str, items: Sequence[Item], encoded: Encoded) -> None:
        """Add all items in one transaction."""
        messages = [
            {
                "content": item.text,
                "role": item.role,
                "timestamp": item.timestamp,
                "metadata": metadata(item),
                "id": f"{partition}|{item.id}",
            }
            for item in items
        ]
        self._memory.add_messages(messages, user_id=partition, encoded=encoded)
        latest = _aware(max(item.timestamp for item in items)) + timedelta(days=1)
        self._last[partition] = max(latest, self._last.get(partition, latest))

    def finish(self) -> None:
        """Wait for the tags that are being made in the background, or make them."""
        self._memory.flush()
        if self._consolidates:
            self._memory.consolidate()

    def search(self, partition: str, question: Question, encoded: EncodedQuery, *, limit: int) -> Found:
        """Search with the default plan; now is when the question was asked."""
        self._now = _aware(question.asked_at) if question.asked_at else self._last[partition]
        hits = self._memory.search(
            question.text,
            user_id=partition,
            limit=limit,
            encoded=encoded,
            explain=True,
            **self.search_options,
        )
        start = len(partition) + 1
        plan = hits.plan
        return Found(
            tuple(hit.id[start:] for hit in hits),
            max((hit.score for hit in hits), default=0.0),
            rows_scored=plan.counts.get("scored") if plan else None,
            route=plan.route if plan else None,
        )

    def remove(self, partition: str) -> None:
        """Delete the user."""
        self._memory.delete_all(user_id=partition)

    def consolidate(self) -> None:
        """Rewrite the derived indexes."""
        self._memory.consolidate()

    def reopen(self) -> bool:
        """Close the file and open it again."""
        self._memory.close()
        self._memory = self._open()
        return True

    def size_bytes(self) -> int:
        """Return the size of the file and of what lies beside it."""
        return sum(
            path.stat().st_size for path in self._path.parent.glob(f"{self._path.name}*") if path.is_file()
        )

    def close(self) -> None:
        """Close the file."""
        self._memory.close()

    def _open(self) -> SwiftMem:
        return SwiftMem(self._path, embedder=self._embedder, now=lambda: self._now)


def metadata(item: Item) -> dict[str, str]:
    """Return the metadata of a turn that SwiftMem's ranking reads."""
    named = {"session": item.session, "speaker": item.speaker, "caption": item.caption}
    return {name: value for name, value in named.items() if value is not None}


def turn_text(item: Item) -> str:
    """Return the text that SwiftMem embeds for an item."""
    return dense_text(item.text, role=item.role, metadata=metadata(item))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
