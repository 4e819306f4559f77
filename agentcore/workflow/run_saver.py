"""LangGraph's SQLite saver with the rest of the checkpointer contract: its async half, copying, deleting, pruning."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver

__all__ = ["RunSaver"]

_TABLES = ("checkpoints", "writes")


class RunSaver(SqliteSaver):
    """Keeps the checkpoints of runs; every method has a sync and an async form.

    Notes
    -----
    The async forms run the sync ones in a thread. Pruning and deleting look at rows only: states that are stored as
    deltas of earlier checkpoints (``DeltaChannel``), which no graph of ours uses, would lose what they build on.
    """

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy every checkpoint and write of a thread to another one."""
        with self.cursor() as cursor:
            for table in _TABLES:
                columns = [row[1] for row in cursor.execute(f"PRAGMA table_info({table})")]
                kept = ", ".join(name for name in columns if name != "thread_id")
                cursor.execute(
                    f"INSERT OR REPLACE INTO {table} (thread_id, {kept}) "  # noqa: S608 - names from the schema
                    f"SELECT ?, {kept} FROM {table} WHERE thread_id = ?",
                    (target_thread_id, source_thread_id),
                )

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints whose metadata name one of these runs, with their writes."""
        with self.cursor() as cursor:
            for run_id in run_ids:
                rows = cursor.execute(
                    "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
                    "WHERE json_extract(CAST(metadata AS TEXT), '$.run_id') = ?",
                    (run_id,),
                ).fetchall()
                self._delete(cursor, rows)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep the latest checkpoint of each namespace of the threads (``"delete"``: none).

        Raises
        ------
        ValueError
            Another strategy.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"unknown strategy {strategy!r}: use 'keep_latest' or 'delete'")
        with self.cursor() as cursor:
            for thread_id in thread_ids:
                rows = cursor.execute(
                    "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints AS old WHERE thread_id = ? "
                    "AND (? = 'delete' OR checkpoint_id < (SELECT MAX(checkpoint_id) FROM checkpoints AS new "
                    "WHERE new.thread_id = old.thread_id AND new.checkpoint_ns = old.checkpoint_ns))",
                    (thread_id, strategy),
                ).fetchall()
                self._delete(cursor, rows)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Async form of ``get_tuple``."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async form of ``list``."""
        found = await asyncio.to_thread(
            lambda: list(self.list(config, filter=filter, before=before, limit=limit))
        )
        for point in found:
            yield point

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Async form of ``put``."""
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async form of ``put_writes``."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Async form of ``delete_thread``."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async form of :meth:`copy_thread`."""
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async form of :meth:`delete_for_runs`."""
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Async form of :meth:`prune`."""
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)

    @staticmethod
    def _delete(cursor: Any, rows: Sequence[tuple[str, str, str]]) -> None:
        """Delete checkpoints, given by thread, namespace and id, with their writes."""
        for table in _TABLES:
            cursor.executemany(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?",  # noqa: S608
                rows,
            )
