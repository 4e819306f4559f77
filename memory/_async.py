"""Async twins of every method that touches the file, and `async with`: one writer thread, readers beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from agentcore.memory._consolidation import Consolidation
    from agentcore.memory._records import Record, SearchResult

__all__ = ["AsyncTwins"]

P = ParamSpec("P")
T = TypeVar("T")
READERS = 4


class AsyncTwins:
    """Gives a class `aadd`, `asearch` and so on, with the arguments of `add`, `search` and so on.

    Writes queue up in one thread and so never fight for the file's lock; reads run beside them, each on its own connection.
    The event loop is never blocked.
    """

    _writes: ThreadPoolExecutor | None = None
    _reads: ThreadPoolExecutor | None = None

    async def _write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._writes is None:
            self._writes = ThreadPoolExecutor(1, thread_name_prefix="swiftmem-write")
        return await asyncio.get_running_loop().run_in_executor(
            self._writes, partial(function, *args, **kwargs)
        )

    async def _read(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._reads is None:
            self._reads = ThreadPoolExecutor(READERS, thread_name_prefix="swiftmem-read")
        return await asyncio.get_running_loop().run_in_executor(
            self._reads, partial(function, *args, **kwargs)
        )

    def _stop_threads(self) -> None:
        """Wait for what is under way and end the threads."""
        # Let go of first: whoever comes while they end is told by the memory itself that it is closed.
        pools, self._writes, self._reads = (self._writes, self._reads), None, None
        for pool in pools:
            if pool is not None:
                pool.shutdown(wait=True)

    async def aadd(self, text: str, **options: Any) -> str:
        """Do what `add` does."""
        return await self._write(self.add, text, **options)  # type: ignore[attr-defined]

    async def aadd_messages(self, messages: Any, **options: Any) -> list[str]:
        """Do what `add_messages` does."""
        return await self._write(self.add_messages, messages, **options)  # type: ignore[attr-defined]

    async def aupdate(self, id: str, text: str | None = None, **options: Any) -> Record:  # noqa: A002
        """Do what `update` does."""
        return await self._write(self.update, id, text, **options)  # type: ignore[attr-defined]

    async def asearch(self, query: str, **options: Any) -> SearchResult:
        """Do what `search` does."""
        return await self._read(self.search, query, **options)  # type: ignore[attr-defined]

    async def asearch_text(self, query: str, **options: Any) -> SearchResult:
        """Do what `search_text` does."""
        return await self._read(self.search_text, query, **options)  # type: ignore[attr-defined]

    async def aget(self, id: str, **options: Any) -> Record | None:  # noqa: A002
        """Do what `get` does."""
        return await self._read(self.get, id, **options)  # type: ignore[attr-defined]

    async def aget_all(self, **options: Any) -> list[Record]:
        """Do what `get_all` does."""
        return await self._read(self.get_all, **options)  # type: ignore[attr-defined]

    async def ahistory(self, id: str, **options: Any) -> list[Record]:  # noqa: A002
        """Do what `history` does."""
        return await self._read(self.history, id, **options)  # type: ignore[attr-defined]

    async def adelete(self, id: str | Collection[str], **options: Any) -> int:  # noqa: A002
        """Do what `delete` does."""
        return await self._write(self.delete, id, **options)  # type: ignore[attr-defined]

    async def adelete_all(self, **options: Any) -> int:
        """Do what `delete_all` does."""
        return await self._write(self.delete_all, **options)  # type: ignore[attr-defined]

    async def aexport(self, path: Any, **options: Any) -> int:
        """Do what `export` does."""
        return await self._read(self.export, path, **options)  # type: ignore[attr-defined]

    async def aimport_(self, path: Any, **options: Any) -> int:
        """Do what `import_` does."""
        return await self._write(self.import_, path, **options)  # type: ignore[attr-defined]

    async def astats(self) -> dict[str, Any]:
        """Do what `stats` does."""
        return await self._read(self.stats)  # type: ignore[attr-defined]

    async def aconsolidate(self, **options: Any) -> list[Consolidation]:
        """Do what `consolidate` does."""
        return await self._write(self.consolidate, **options)  # type: ignore[attr-defined]

    async def avacuum(self) -> int:
        """Do what `vacuum` does."""
        return await self._write(self.vacuum)  # type: ignore[attr-defined]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Do what `close` does."""
        await asyncio.to_thread(self.close)  # type: ignore[attr-defined]
