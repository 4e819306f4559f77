"""The DAG of tags: broad above narrow, each with its records.

Based on SwiftMem (arXiv 2601.08160): tags with vectors and posting sets, edges from broader to more specific, found by vector
and walked both ways. How we differ: the vector of a tag is the mean of its records' vectors (no text is embedded for it), the
words of the query are seeds too, and specificity is made explicit: an edge is taken only if the child is more specific than the
parent by (records fewer, then words more, then spelling), a strict order, so no insertion order can make a cycle.

Letters: V tags, N records, D dimension.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

import networkx as nx
import numpy as np
import numpy.typing as npt

from agentcore.memory.index import Vectors

__all__ = ["TagGraph"]

Rows = npt.NDArray[np.intp]
MIN_COSINE = 0.3
"""Floor for an edge: below it the two tags share a word and no meaning."""

DEPTH = 2
MIN_RECORDS = 2
MIN_SUBSUMED, MAX_SUBSUMED = 3, 200
MERGE_COSINE = 0.66


class TagGraph:
    """Tags of one partition.

    Parameters
    ----------
    tags : sequence of (sequence of str)
        The tags of each record.
    relations : iterable of (broader, narrower)
    vectors : Vectors, or ndarray, (N, D), float32
        Of the records.
    """

    def __init__(
        self,
        tags: Sequence[Sequence[str]],
        relations: Iterable[tuple[str, str]],
        vectors: Vectors | npt.NDArray[np.float32],
    ) -> None:
        postings: dict[str, list[int]] = {}
        for row, names in enumerate(tags):
            for name in names:
                postings.setdefault(name, []).append(row)
        self.num_records = len(tags)
        # A tag of one record leads nowhere that the record's own words do not.
        self.names = sorted(name for name, rows in postings.items() if len(rows) >= MIN_RECORDS)
        self.postings: dict[str, Rows] = {
            name: np.array(postings[name], dtype=np.intp) for name in self.names
        }
        self._place = {name: place for place, name in enumerate(self.names)}
        self.vectors = self._centroids(vectors)
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self.graph.add_nodes_from(self.names)
        self.rejected_edges = 0
        for parent, child in relations:
            self.relate(parent, child)
        self._subsume()

    def __len__(self) -> int:
        return len(self.names)

    def specificity(self, tag: str) -> tuple[int, int, str]:
        """Return the key of the strict order: fewer records, then more words, then spelling."""
        return (-len(self.postings[tag]), tag.count("_"), tag)

    def relate(self, parent: str, child: str) -> bool:
        """Add an edge from a broader to a narrower tag; return whether it was taken."""
        known = parent in self.postings and child in self.postings
        if (
            not known
            or self.specificity(child) <= self.specificity(parent)
            or self._cosine(parent, child) < MIN_COSINE
        ):
            self.rejected_edges += known
            return False
        self.graph.add_edge(parent, child)
        return True

    def seeds(self, query: npt.NDArray[np.float32], words: Iterable[str], *, count: int = 5) -> list[str]:
        """Return the tags a query is about: those spelled in it, then the nearest by vector."""
        said = list(words)
        pairs = (f"{a}_{b}" for a, b in pairwise(said))
        spoken = [tag for tag in dict.fromkeys([*pairs, *said]) if tag in self.postings]
        similarity = self.vectors @ query
        left_out = max(len(similarity) - count, 0)
        near = np.argpartition(similarity, left_out)[left_out:] if left_out else np.arange(len(similarity))
        near = near[np.lexsort((near, -similarity[near]))]
        return list(dict.fromkeys(spoken + [self.names[place] for place in near.tolist()]))

    def walk(self, seeds: Iterable[str], *, depth: int = DEPTH) -> set[str]:
        """Return the seeds with everything up to `depth` steps above or below them."""
        reached = {seed for seed in seeds if seed in self.graph}
        for neighbours in (self.graph.successors, self.graph.predecessors):
            frontier = set(reached)
            for _ in range(depth):
                frontier = {tag for known in frontier for tag in neighbours(known)} - reached
                reached |= frontier
        return reached

    def rows(self, tags: Iterable[str]) -> Rows:
        """Return the records that have any of the tags, ascending."""
        found = [self.postings[tag] for tag in tags]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.intp)

    def merged(self) -> dict[str, str]:
        """Return which tags say the same as another: singular and plural, with nearly the same records' meaning."""
        replaced: dict[str, str] = {}
        keepers: dict[str, str] = {}
        for name in sorted(self.names, key=self.specificity):
            keeper = keepers.setdefault(name.rstrip("s") if len(name) > 4 else name, name)
            if keeper != name and self._cosine(keeper, name) >= MERGE_COSINE:
                replaced[name] = keeper
        return replaced

    @classmethod
    def restored(
        cls,
        postings: dict[str, Rows],
        edges: Iterable[tuple[str, str]],
        vectors: npt.NDArray[np.float32],
        *,
        num_records: int,
    ) -> TagGraph:
        """Return a graph whose parts were worked out before."""
        new = cls.__new__(cls)
        new.num_records, new.names, new.postings = num_records, list(postings), postings
        new._place = {name: place for place, name in enumerate(new.names)}
        new.vectors, new.rejected_edges = vectors, 0
        new.graph = nx.DiGraph()
        new.graph.add_nodes_from(new.names)
        new.graph.add_edges_from(edges)
        return new

    def clusters(self, *, largest: int = 4096) -> list[Rows]:
        """Return a partition of all records into clusters, parents beside their children, each in order of record.

        The home of a record is the tag that tells most: the rarest of its tags that still has company. Records without
        company go last, together.
        """
        home = np.full(self.num_records, -1, dtype=np.int64)
        order = list(nx.lexicographical_topological_sort(self.graph)) if len(self) else []
        rank = {tag: place for place, tag in enumerate(_depth_first(self.graph, order))}
        best = np.full(self.num_records, np.inf)
        for tag in self.names:
            rows = self.postings[tag]
            size = len(rows)
            if 4 <= size <= largest:
                better = rows[size < best[rows]]
                best[better] = size
                home[better] = rank[tag]
        numbers = np.where(home < 0, len(rank), home)
        arranged = np.lexsort((np.arange(self.num_records), numbers))
        cuts = np.flatnonzero(np.diff(numbers[arranged])) + 1
        return np.split(arranged, cuts)

    def _cosine(self, a: str, b: str) -> float:
        return float(self.vectors[self._place[a]] @ self.vectors[self._place[b]])

    def _centroids(self, vectors: Vectors | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the unit mean vector of each tag's records, (V, D)."""
        means = np.zeros((len(self.names), vectors.shape[1]), dtype=np.float32)
        for place, name in enumerate(self.names):
            rows = self.postings[name]
            means[place] = vectors[rows[:256]].mean(axis=0)
        norms = np.linalg.norm(means, axis=1, keepdims=True)
        means /= np.maximum(norms, 1e-9)
        return means

    def _subsume(self) -> None:
        """Add edges by co-occurrence: p is broader than c if P(p|c) >= .8 and not the reverse (Sanderson and Croft 1999)."""
        tags_of: list[list[str]] = [[] for _ in range(self.num_records)]
        for name in self.names:
            for row in self.postings[name].tolist():
                tags_of[row].append(name)
        for child in self.names:
            rows = self.postings[child]
            if not MIN_SUBSUMED <= len(rows) <= MAX_SUBSUMED:
                continue
            together = Counter(chain.from_iterable(tags_of[row] for row in rows.tolist()))
            for parent, count in sorted(together.items()):
                if parent != child and count >= 0.8 * len(rows) and count < 0.8 * len(self.postings[parent]):
                    self.relate(parent, child)


def _depth_first(graph: nx.DiGraph[str], order: Sequence[str]) -> Iterable[str]:
    """Yield every tag once, children right after their first parent."""
    seen: set[str] = set()
    for root in order:
        stack = [root]
        while stack:
            tag = stack.pop()
            if tag in seen:
                continue
            seen.add(tag)
            yield tag
            stack.extend(sorted(graph.successors(tag), reverse=True))
