"""SwiftMem as a LangGraph store: memory for any graph or `create_agent` app, without a server and without an LLM.

The only module of this package that knows LangGraph.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    ensure_embeddings,
    get_text_at_path,
    validate_op_namespace,
)

from agentcore.memory._store_items import ItemTable, NewItem, StoredItem
from agentcore.memory._store_ranking import CosineRanking, SwiftMemRanking, text_leaves
from agentcore.memory.embedding import Embedder

__all__ = ["SwiftMemStore"]

_SWEEP_EVERY_S = 300.0


@dataclass(frozen=True, slots=True)
class _Texts:
    """What has to be embedded for a batch of operations, and afterwards its vectors."""

    documents: list[str]
    queries: list[str]


class SwiftMemStore(BaseStore):
    """A complete LangGraph `BaseStore` in one SQLite file.

    Without `index`, every text in a value is searchable by SwiftMem's own ranking (meaning, words, tokens) with the packaged
    embedder, and scores are its calibrated ones in [0, 1]. With an explicit `index` (LangGraph's `IndexConfig`) search is exact
    cosine over the vectors of the given embedding function, and scores are cosine similarities, as LangGraph users expect.

    An expired item is never returned, whether or not it was swept. Reads refresh an item's time to live as `TTLConfig` says.
    Results without a query come last updated first. Items that nothing makes searchable (`index=False`, no text) follow the ranked
    ones of a query with score None.

    Parameters
    ----------
    path : str, Path or None
        The file, created when absent; None keeps everything in memory.
    index : IndexConfig or None
        `{"dims": int, "embed": function, Embeddings or "provider:model", "fields": [paths]}`.
    ttl : TTLConfig or None
        `default_ttl` in minutes, `refresh_on_read`, `sweep_interval_minutes`.
    embedder : Embedder, optional
        Replaces the packaged one; only without `index`.

    Raises
    ------
    ValueError
        `index` lacks `dims` or `embed`, or comes together with `embedder`.
    StoreUnavailableError, ReadOnlyStoreError
        The file cannot be used.
    EmbedderMismatchError
        The file holds vectors of another length, or of another embedder.
    """

    supports_ttl = True

    def __init__(
        self,
        path: str | Path | None,
        *,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        if index is not None and (embedder is not None or not index.get("dims") or not index.get("embed")):
            raise ValueError("index needs 'dims' and 'embed', and excludes embedder=")
        self.ttl_config = ttl
        self.index_config = index
        self.embeddings = ensure_embeddings(index.get("embed")) if index else None
        self._fields = list((index or {}).get("fields") or ["$"])
        file = None if path is None else Path(path)
        self._items = ItemTable(file)
        self._cosine: CosineRanking | None = None
        self._swiftmem: SwiftMemRanking | None = None
        self._swept = monotonic()
        try:
            if index:
                self._items.claim_dimension(int(index["dims"]))
                self._cosine = CosineRanking(self._items, dimension=int(index["dims"]))
            else:
                self._swiftmem = SwiftMemRanking(self._items, file, embedder=embedder)
        except BaseException:
            self._items.close()
            raise

    # -- LangGraph's two entry points: all others (put, get, search, ...) come from BaseStore ---------------------------

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Execute operations: all reads see the state before the batch; all writes land in one transaction."""
        ops = _checked(ops)
        texts = self._texts(ops)
        vectors: list[list[float]] = []
        if self.embeddings is not None:
            vectors += self.embeddings.embed_documents(texts.documents) if texts.documents else []
            vectors += [self.embeddings.embed_query(query) for query in texts.queries]
        return self._run(ops, texts, vectors)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Execute operations without blocking the event loop; asynchronous embedding functions are awaited."""
        ops = _checked(ops)
        texts = self._texts(ops)
        vectors: list[list[float]] = []
        if self.embeddings is not None:
            vectors += await self.embeddings.aembed_documents(texts.documents) if texts.documents else []
            vectors += await asyncio.gather(*(self.embeddings.aembed_query(query) for query in texts.queries))
        return await asyncio.to_thread(self._run, ops, texts, vectors)

    # -- beyond BaseStore ------------------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Do nothing: the tables are made on opening. Other stores of LangGraph need this call."""

    def sweep_ttl(self) -> int:
        """Delete expired items for good and return how many."""
        count, records = self._items.sweep()
        self._forget(records)
        self._swept = monotonic()
        return count

    def close(self) -> None:
        """Close the file; again is harmless."""
        if self._swiftmem is not None:
            self._swiftmem.close()
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the work --------------------------------------------------------------------------------------------------------

    def _run(self, ops: Sequence[Op], texts: _Texts, vectors: Sequence[Sequence[float]]) -> list[Result]:
        embedded = dict(zip([*texts.documents], vectors, strict=False))
        queries = dict(zip(texts.queries, vectors[len(texts.documents) :], strict=True))
        results: list[Result] = []
        for op in ops:
            if isinstance(op, GetOp):
                results.append(_public(self._items.get(op.namespace, op.key, refresh=op.refresh_ttl)))
            elif isinstance(op, SearchOp):
                results.append(self._search(op, queries))
            elif isinstance(op, ListNamespacesOp):
                results.append(self._list(op))
            else:
                results.append(None)
        puts = {
            (op.namespace, op.key): op for op in ops if isinstance(op, PutOp)
        }  # the last one of a key wins
        if puts:
            self._put(list(puts.values()), embedded)
        return results

    def _put(self, puts: Sequence[PutOp], embedded: Mapping[str, Sequence[float]]) -> None:
        new = [self._new_item(op, embedded) for op in puts]
        added: list[str] = []
        if self._swiftmem is not None:
            # Record first, item second, old record last: wherever a process dies, an item is searchable or absent.
            searchable = [(place, text) for place, op in enumerate(puts) if (text := self._record_text(op))]
            added = self._swiftmem.remember(
                [(tuple(puts[place].namespace), text) for place, text in searchable]
            )
            for (place, _), record in zip(searchable, added, strict=True):
                item = new[place]
                new[place] = NewItem(item.namespace, item.key, item.value, item.ttl_minutes, None, record)
        try:
            replaced = self._items.apply(new)
        except BaseException:
            self._forget(added)
            raise
        self._forget(replaced)
        interval = (self.ttl_config or {}).get("sweep_interval_minutes")
        if monotonic() - self._swept > (interval * 60 if interval else _SWEEP_EVERY_S):
            self.sweep_ttl()

    def _new_item(self, op: PutOp, embedded: Mapping[str, Sequence[float]]) -> NewItem:
        vectors = None
        if self._cosine is not None and op.value is not None:
            texts = self._paths(op)
            if texts:
                rows = self._cosine.unit([embedded[text] for text in texts.values()])
                vectors = dict(zip(texts, rows, strict=True))
        return NewItem(tuple(op.namespace), op.key, op.value, op.ttl, vectors)

    def _search(self, op: SearchOp, queries: Mapping[str, Sequence[float]]) -> list[SearchItem]:
        if op.limit < 0 or op.offset < 0:
            raise ValueError(f"limit and offset must not be negative, got {op.limit} and {op.offset}")
        fits = _condition(op.filter)
        prefix = tuple(op.namespace_prefix)
        found: list[tuple[StoredItem, float | None]] = []
        wanted = op.offset + op.limit
        if op.query:
            if self._cosine is not None:
                ranked = self._cosine.ranked(prefix, queries[op.query])
            else:
                assert self._swiftmem is not None
                ranked = self._swiftmem.ranked(prefix, op.query) if op.query.strip() else iter(())
            found += islice(((item, score) for item, score in ranked if fits(item.value)), wanted)
        if len(found) < wanted:
            seen = {item.id for item, _ in found}
            rest = (item for item in self._items.newest(prefix) if item.id not in seen and fits(item.value))
            found += [(item, None) for item in islice(rest, wanted - len(found))]
        page = found[op.offset : wanted]
        if op.refresh_ttl:
            self._items.refresh([item.id for item, _ in page])
        return [
            SearchItem(item.namespace, item.key, item.value, item.created_at, item.updated_at, score)
            for item, score in page
        ]

    def _list(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        found = [
            name for name in self._items.namespaces() if all(_matches(each, name) for each in conditions)
        ]
        if op.max_depth is not None:
            found = sorted({name[: op.max_depth] for name in found})
        return found[op.offset : op.offset + op.limit]

    def _texts(self, ops: Sequence[Op]) -> _Texts:
        """Collect what has to be embedded; without an index SwiftMem embeds for itself."""
        if self._cosine is None:
            return _Texts([], [])
        puts = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp) and op.value is not None}
        documents = [text for op in puts.values() for text in self._paths(op).values()]
        queries = [op.query for op in ops if isinstance(op, SearchOp) and op.query]
        return _Texts(list(dict.fromkeys(documents)), list(dict.fromkeys(queries)))

    def _paths(self, op: PutOp) -> dict[str, str]:
        """Return the texts of an item by path, several of one path numbered."""
        if op.index is False:
            return {}
        texts: dict[str, str] = {}
        for path in self._fields if op.index is None else op.index:
            found = get_text_at_path(op.value, path)
            texts |= {
                f"{path}.{number}" if len(found) > 1 else path: text for number, text in enumerate(found)
            }
        return texts

    def _record_text(self, op: PutOp) -> str:
        """Return what SwiftMem should search for an item; empty for nothing."""
        if op.value is None or op.index is False:
            return ""
        if op.index is None:
            return "\n".join(text_leaves(op.value))
        return "\n".join(text for path in op.index for text in get_text_at_path(op.value, path)).strip()

    def _forget(self, records: Sequence[str]) -> None:
        if self._swiftmem is not None:
            self._swiftmem.forget(records)


def _checked(ops: Iterable[Op]) -> list[Op]:
    """Return the operations as a list; refuse unknown ones and impossible namespaces before anything happens."""
    checked = list(ops)
    for op in checked:
        if not isinstance(op, (GetOp, SearchOp, PutOp, ListNamespacesOp)):
            raise ValueError(f"unknown operation type: {type(op).__name__}")
        validate_op_namespace(op)
    return checked


def _public(item: StoredItem | None) -> Item | None:
    if item is None:
        return None
    return Item(
        value=item.value,
        key=item.key,
        namespace=item.namespace,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    """Whether a namespace begins or ends with a path; `*` stands for any label."""
    path = condition.path
    if len(namespace) < len(path):
        return False
    if condition.match_type not in ("prefix", "suffix"):
        raise ValueError(f"match_type must be 'prefix' or 'suffix', got {condition.match_type!r}")
    part = (
        namespace[: len(path)]
        if condition.match_type == "prefix"
        else namespace[len(namespace) - len(path) :]
    )
    return all(label in ("*", have) for label, have in zip(path, part, strict=True))


def _condition(filters: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """Return a test of a value; unknown operators are refused before any item is read."""
    for wanted in (filters or {}).values():
        if isinstance(wanted, Mapping):
            for name in wanted:
                if name.startswith("$") and name not in _OPERATORS:
                    raise ValueError(f"Unsupported operator: {name} (known: {', '.join(_OPERATORS)})")
    return lambda value: all(_fits(_lookup(value, key), wanted) for key, wanted in (filters or {}).items())


def _lookup(value: Mapping[str, Any], key: str) -> Any:
    """Return a field by its name or, where there is none of that name, by a dotted path."""
    if key in value or "." not in key:
        return value.get(key)
    found: Any = value
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _fits(value: Any, wanted: Any) -> bool:
    """Compare as Postgres compares JSONB: mappings by the keys asked for, lists element by element."""
    if isinstance(wanted, Mapping):
        if any(name.startswith("$") for name in wanted):
            return all(
                name in _OPERATORS and _OPERATORS[name](value, operand) for name, operand in wanted.items()
            )
        return isinstance(value, Mapping) and all(
            _fits(value.get(key), inner) for key, inner in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(wanted)
            and all(_fits(one, other) for one, other in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare numbers as numbers and strings as strings; what cannot be compared does not match."""

    def test(value: Any, operand: Any) -> bool:
        if isinstance(value, str) and isinstance(operand, str):
            with suppress(ValueError):
                return compare(float(value), float(operand))
            return compare(value, operand)
        try:
            return compare(float(value), float(operand))
        except (TypeError, ValueError):
            return False

    return test


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, operand: bool(value == operand),
    "$ne": lambda value, operand: bool(value != operand),
    "$gt": _order(lambda value, operand: bool(value > operand)),
    "$gte": _order(lambda value, operand: bool(value >= operand)),
    "$lt": _order(lambda value, operand: bool(value < operand)),
    "$lte": _order(lambda value, operand: bool(value <= operand)),
}
