"""A pytest plugin that puts SwiftMemStore where LangGraph's own store tests import theirs.

Those tests name `SqliteStore` and its asynchronous twin; what differs is only how a store is made.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any

from agentcore.memory import SwiftMemStore
from agentcore.memory.embedding import HashEmbedder


class _Shim(SwiftMemStore):
    """SwiftMemStore made the way of SqliteStore."""

    MIGRATIONS: tuple[str, ...] = ()  # those tests look at SQL that is not ours

    def __init__(self, conn_string: str, *, index: Any = None, ttl: Any = None) -> None:
        if index is not None:
            index = {**index, "fields": index.get("text_fields") or index.get("fields")}
        if ttl is not None:  # BaseStore refreshes by default, SqliteStore does not
            ttl = {"refresh_on_read": False, **ttl}
        path = None if conn_string == ":memory:" else conn_string
        super().__init__(path, index=index, ttl=ttl, embedder=None if index else HashEmbedder(32))

    def setup(self) -> None:
        """Do nothing: the schema is there once the file is open."""


class SqliteStore(_Shim):
    """The synchronous face; nothing has to sweep, because an expired item is never returned."""

    def start_ttl_sweeper(self) -> None:
        """Do nothing."""

    def stop_ttl_sweeper(self) -> None:
        """Do nothing."""

    @classmethod
    @contextmanager
    def from_conn_string(cls, conn_string: str, **options: Any) -> Iterator[SqliteStore]:
        with cls(conn_string, **options) as store:
            yield store


class AsyncSqliteStore(_Shim):
    """The asynchronous face."""

    @classmethod
    @asynccontextmanager
    async def from_conn_string(cls, conn_string: str, **options: Any) -> AsyncIterator[AsyncSqliteStore]:
        with cls(conn_string, **options) as store:
            yield store

    async def setup(self) -> None:  # type: ignore[override]
        """Do nothing."""

    async def sweep_ttl(self) -> int:  # type: ignore[override]
        return super().sweep_ttl()

    async def start_ttl_sweeper(self) -> None:
        """Do nothing."""

    async def stop_ttl_sweeper(self) -> None:
        """Do nothing."""


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


_module("langgraph.store.sqlite", SqliteStore=SqliteStore, AsyncSqliteStore=AsyncSqliteStore)
_module("langgraph.store.sqlite.aio", AsyncSqliteStore=AsyncSqliteStore)
_module(
    "langgraph.store.sqlite.base",
    SqliteIndexConfig=dict,
    BaseSqliteStore=None,
    NS_MATCH_FUNCTION="",
    _escape_glob_literal=None,
    _namespace_match_pattern=None,
)
