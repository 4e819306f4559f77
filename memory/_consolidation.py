"""Tag what is new, merge tags that say the same, and lay records out by cluster.

Based on SwiftMem's embedding-tag co-consolidation (arXiv 2601.08160, section 4). How we differ: the trigger is written out (the
paper's is not public), the home of a record is its rarest tag that has company, a session stays whole in the cluster that most of its
records belong to, and the layout is an order of rows in RAM: the file
does not move, results stay the same to the last bit of their order, and readers keep the old arrays until they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agentcore.memory._partitions import Partitions
from agentcore.memory.index import Vectors
from agentcore.memory.ranking import Structure
from agentcore.memory.storage import Database, TagRows
from agentcore.memory.tags import Tagger, TagGraph

__all__ = ["Consolidation", "Consolidator", "fragmentation"]

Key = tuple[str, str]
Rows = npt.NDArray[np.intp]
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What a consolidation did to one partition."""

    user_id: str
    namespace: str | None
    records: int
    newly_tagged: int
    tags: int
    edges: int
    merged_tags: int
    clusters: int
    fragmentation_before: float
    fragmentation_after: float


class Consolidator:
    """Consolidates partitions of one file.

    Parameters
    ----------
    database : Database
    partitions : callable returning Partitions
    tagger : Tagger
    """

    def __init__(self, database: Database, partitions: Callable[[], Partitions], tagger: Tagger) -> None:
        self._database = database
        self._partitions = partitions
        self._tagger = tagger
        self._rows = TagRows()

    def tag_new(self, key: Key) -> int:
        """Tag the records of a partition that have no tags yet, in batches; return how many."""
        total = 0
        while True:
            with self._database.read() as reader:
                waiting = self._rows.untagged(reader, key, tagger=self._tagger.name, limit=_BATCH)
            if not waiting:
                return total
            # The tagger may be slow (a language model): no transaction is open meanwhile.
            taggings = self._tagger.tag([text for _, text in waiting])
            tags = {seq: tagging.tags for (seq, _), tagging in zip(waiting, taggings, strict=True)}
            relations = sorted({pair for tagging in taggings for pair in tagging.relations})
            with self._database.write() as connection:
                self._rows.store(connection, key, tagger=self._tagger.name, tags=tags, relations=relations)
            total += len(waiting)

    def keep_up(self, key: Key) -> None:
        """Tag what is new; consolidate a large partition whose layout is gone because too much came and went."""
        self.tag_new(key)
        with self._database.read() as reader:
            collection = self._partitions().get(reader, *key)
        if collection.is_large and self._partitions().tags(collection) is None:
            self.run(key)

    def run(self, key: Key) -> Consolidation:
        """Consolidate one partition."""
        tagged = self.tag_new(key)
        with self._database.read() as reader:
            collection = self._partitions().get(reader, *key)
            tags, relations = self._rows.load(reader, key)
        body = collection.merged(change=0).body
        graph = self._graph(body.seq, tags, relations, body.vectors)
        replaced = graph.merged()
        if replaced:
            with self._database.write() as connection:
                self._rows.rename(connection, key, replaced)
            with self._database.read() as reader:
                tags, relations = self._rows.load(reader, key)
            graph = self._graph(body.seq, tags, relations, body.vectors)
        clusters = _whole_sessions(graph.clusters(), body.structure)
        before = fragmentation(clusters)
        order = np.concatenate(clusters) if clusters else np.zeros(0, dtype=np.intp)
        laid_out = body.take(order)
        graph = self._graph(laid_out.seq, tags, relations, laid_out.vectors)
        if collection.is_large:  # a smaller one is read from end to end, in order of insertion at its fastest
            self._partitions().replace(key, collection, laid_out, graph)
        return Consolidation(
            user_id=key[0],
            namespace=key[1] or None,
            records=len(body),
            newly_tagged=tagged,
            tags=len(graph),
            edges=graph.graph.number_of_edges(),
            merged_tags=len(replaced),
            clusters=len(clusters),
            fragmentation_before=before,
            fragmentation_after=fragmentation(_whole_sessions(graph.clusters(), laid_out.structure)),
        )

    def _graph(
        self,
        seq: npt.NDArray[np.int64],
        tags: dict[int, list[str]],
        relations: Sequence[tuple[str, str]],
        vectors: Vectors,
    ) -> TagGraph:
        """Build the graph over records in their present order."""
        return TagGraph([tags.get(number, []) for number in seq.tolist()], relations, vectors)


def _whole_sessions(clusters: Sequence[Rows], structure: Structure) -> list[Rows]:
    """Return the clusters with every session whole in the one that most of its records belong to, its turns in order.

    A search takes turns with their neighbours and sessions, so these lie together before anything else does.
    """
    home = np.empty(len(structure.line), dtype=np.intp)
    for number, rows in enumerate(clusters):
        home[rows] = number
    pairs, counts = np.unique(structure.session * max(len(clusters), 1) + home, return_counts=True)
    sessions, homes = np.divmod(pairs, max(len(clusters), 1))
    best = np.lexsort((homes, -counts, sessions))
    of_session = homes[best[np.flatnonzero(np.diff(sessions, prepend=-1))]]
    joined = of_session[structure.session]
    order = np.lexsort((structure.line, joined))
    return np.split(order, np.flatnonzero(np.diff(joined[order])) + 1)


def fragmentation(clusters: Sequence[npt.NDArray[np.intp]]) -> float:
    """Return how scattered clusters lie, in [0, 1]: runs beyond the first per record beyond the first, weighted by size."""
    scattered = total = 0.0
    for rows in clusters:
        if len(rows) > 1:
            runs = 1 + int(np.count_nonzero(np.diff(np.sort(rows)) != 1))
            scattered += (runs - 1) / (len(rows) - 1) * len(rows)
            total += len(rows)
    return scattered / total if total else 0.0
