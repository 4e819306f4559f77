"""The agent: one object that researches documents with any backbone, remembers, and answers with citations."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import platformdirs
from langchain_core.language_models.chat_models import BaseChatModel

from agentcore._arguments import check_parts, checked_conversation, checked_question, checked_tools
from agentcore.backbones import load_backbone
from agentcore.background import in_thread
from agentcore.corpus import Corpus
from agentcore.decoding.trimming import Trimming, TrimmingConfig
from agentcore.errors import ConfigurationError, RunCancelledError
from agentcore.events import Event, EventLog
from agentcore.memory import SwiftMem
from agentcore.memory.embedding import default_embedder
from agentcore.middleware.budget import Budget
from agentcore.middleware.trimming import trimmed
from agentcore.result import Result, result_of
from agentcore.tools import ToolRegistry, ToolSpec
from agentcore.workflow.checkpoints import open_checkpoints
from agentcore.workflow.dependencies import Dependencies, WorkflowSettings
from agentcore.workflow.draft import Draft
from agentcore.workflow.forks import Step, copy_point, fork_point
from agentcore.workflow.graph import build_graph
from agentcore.workflow.language import ChoiceMode, Language
from agentcore.workflow.reading.choosers import Chooser, ModelChooser
from agentcore.workflow.reading.passages import Encoder, Searchable
from agentcore.workflow.reading.reader import Reader
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.record import RunRecord
from agentcore.workflow.state import Turn
from agentcore.workflow.workspace import Workspace

__all__ = ["Agent"]


class Agent:
    """Researches a question over documents and answers with citations. Use as a context manager, or close it.

    Parameters
    ----------
    backbone : str or BaseChatModel
        A name for :func:`agentcore.load_backbone`, or a chat model.
    memory : path, memory object or None
        Where findings are kept between runs; None remembers nothing.
    tools : sequence of ToolSpec
        Further tools.
    corpus : path, Corpus or None
        A folder of documents, or anything with ``search`` and ``snapshot``.
    budget : Budget, optional
        Limits of each run; what one run uses does not count against the next.
    runs : path, optional
        The SQLite file of checkpoints; the runs' folders lie beside it. By default in the user's state folder.
    user_id : str
        Whose memory it is.
    embedder : object, optional
        Gives sentence vectors; the packaged one by default.
    choice : ChoiceMode, optional
        How answers are chosen; by default what the backbone can do best.
    chooser : Chooser, optional
        Replaces the model in choosing among candidates.
    settings, reading
        Constants of the workflow and of the reader.
    progress : callable, optional
        Told (step, done, total) while documents are indexed.
    trimming : TrimmingConfig, optional
        Cuts the marked reasoning of the backbone's answers short; each cut is a ``trim`` event. None leaves it be.

    Raises
    ------
    ConfigurationError
        An argument cannot be used.
    """

    def __init__(
        self,
        backbone: str | BaseChatModel = "local",
        memory: str | Path | Any | None = None,
        tools: Sequence[ToolSpec] = (),
        corpus: str | Path | Searchable | None = None,
        budget: Budget | None = None,
        *,
        runs: str | Path | None = None,
        user_id: str = "default",
        embedder: Encoder | None = None,
        choice: ChoiceMode | None = None,
        chooser: Chooser | None = None,
        settings: WorkflowSettings | None = None,
        reading: ReaderSettings | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        trimming: TrimmingConfig | None = None,
    ) -> None:
        check_parts(
            backbone=backbone,
            user_id=user_id,
            choice=choice,
            embedder=embedder,
            budget=budget,
            settings=settings,
            reading=reading,
            trimming=trimming,
        )
        self._trimming = None if trimming is None else Trimming(trimming)
        self._resources = contextlib.ExitStack()
        self._settings = settings or WorkflowSettings()
        self._reading = reading or ReaderSettings()
        self._budget = budget or Budget()
        self._user_id = user_id
        self._choice = choice
        self._chooser = chooser
        self._embedder = embedder
        self._tools = ToolRegistry(checked_tools(tools))
        self._runs = (
            Path(runs) if runs is not None else Path(platformdirs.user_state_dir("agentcore")) / "runs.db"
        )
        with contextlib.ExitStack() as undo:
            self._corpus = self._open_corpus(corpus, memory, progress)
            undo.push(self._resources)
            self._memory = self._open_memory(memory)
            self._model = load_backbone(backbone) if isinstance(backbone, str) else backbone
            undo.pop_all()

    def run(
        self,
        question: str,
        *,
        conversation: Sequence[Turn] = (),
        run_id: str | None = None,
        on_event: Callable[[Event], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Result:
        """Answer a question.

        Parameters
        ----------
        question : str
            What to find out.
        conversation : sequence of Turn
            The turns before it, oldest first (:meth:`Result.as_turn`): "and where did she die?" is understood by them.
        run_id : str, optional
            Name of the run; a new one by default.
        on_event : callable, optional
            Gets each event as it happens; must be quick.
        cancel : threading.Event, optional
            Set it to stop the run at the next step.

        Raises
        ------
        ConfigurationError
            An empty question, one that is far too long, or a run id that is taken.
        RunStorageError
            The run cannot be written down.
        RunCancelledError
            It was cancelled.
        """
        question = checked_question(question)
        record = RunRecord.begin(
            self._folder,
            run_id or _new_id(),
            question=question,
            conversation=checked_conversation(conversation),
            user=self._user_id,
        )
        return self._execute(record, _from_the_question, on_event, cancel)

    def resume(
        self,
        run_id: str,
        *,
        on_event: Callable[[Event], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Result:
        """Continue a run that was interrupted; finished seekers are not run again.

        Raises
        ------
        RunNotFoundError
            No such run.
        RunBusyError
            Another process is working on it.
        """
        return self._execute(RunRecord.open(self._folder, run_id), _where_it_was, on_event, cancel)

    def fork(
        self,
        run_id: str,
        *,
        step: Step | None = None,
        question: str | None = None,
        fork_id: str | None = None,
        on_event: Callable[[Event], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Result:
        """Continue a recorded run from one of its checkpoints as a run of its own, with this agent's parts.

        What was done before the checkpoint is taken over, its files copied; the earlier run stays as it is. The budget
        is this agent's and counts from zero.

        Parameters
        ----------
        run_id : str
            The run to fork.
        step : Step, optional
            The step to continue with; by default the last one before the answer that no limit had cut short.
        question : str, optional
            Another question to ask of what was found; not for the step ``seeker``, whose tasks are cut already.
        fork_id : str, optional
            Name of the new run.

        Raises
        ------
        RunNotFoundError
            No such run.
        ConfigurationError
            The run has no checkpoint at that step, or the question cannot be changed there.
        """
        origin = RunRecord.open(self._folder, run_id)
        asked = origin.question if question is None else checked_question(question)
        if question is not None and step == "seeker":
            raise ConfigurationError("the tasks of the step 'seeker' belong to its question: fork at 'plan'")
        with open_checkpoints(self._runs) as saver:
            point = fork_point(saver, run_id, step)
        record = RunRecord.begin(
            self._folder,
            fork_id or _new_id(),
            question=asked,
            conversation=origin.conversation,
            user=self._user_id,
            forked_from=run_id,
        )
        record.copy_files(origin)
        with open_checkpoints(self._runs) as saver:
            copy_point(saver, point, record.run_id, question=question)
        return self._execute(record, _where_the_fork_begins, on_event, cancel)

    async def arun(
        self, question: str, *, conversation: Sequence[Turn] = (), run_id: str | None = None
    ) -> Result:
        """Async twin of :meth:`run`; cancelling the task stops the run at its next step."""
        cancel = threading.Event()
        try:
            return await in_thread(
                lambda: self.run(question, conversation=conversation, run_id=run_id, cancel=cancel)
            )
        except asyncio.CancelledError:
            cancel.set()
            raise

    async def astream(
        self, question: str, *, conversation: Sequence[Turn] = (), run_id: str | None = None
    ) -> AsyncIterator[Event]:
        """Yield the events of a run as they happen; leaving the loop early stops the run."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        cancel = threading.Event()

        def tell(event: Event | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any longer
                loop.call_soon_threadsafe(events.put_nowait, event)

        def work() -> None:
            try:
                self.run(question, conversation=conversation, run_id=run_id, on_event=tell, cancel=cancel)
            finally:
                tell(None)

        worker = asyncio.create_task(in_thread(work))
        try:
            while (event := await events.get()) is not None:
                yield event
            await worker
        finally:
            cancel.set()  # the run ends by itself at its next step; nobody waits for it
            worker.cancel()

    def close(self) -> None:
        """Close what the agent opened itself; again is harmless."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watched_model(self, events: EventLog) -> BaseChatModel:
        """Return the backbone, its thinking trimmed where that is wished for."""
        if self._trimming is None:
            return self._model
        return trimmed(self._model, trimming=self._trimming, on_trim=lambda cut: events.emit("trim", **cut))

    def _execute(
        self,
        record: RunRecord,
        begin: Callable[[RunRecord, Mapping[str, Any], Budget], dict[str, Any] | None],
        on_event: Callable[[Event], None] | None,
        cancel: threading.Event | None,
    ) -> Result:
        """Run the graph to its end under the run's lease and put the result together."""
        budget = self._budget.fresh()
        budget.start()
        workspace = record.workspace
        with workspace.lease(), open_checkpoints(self._runs) as saver, record.recorder() as write_down:

            def publish(event: Event) -> None:
                write_down(event)
                if on_event is not None:
                    on_event(event)

            events = EventLog(publish, first=record.next_number(), tokens=lambda: budget.usage.tokens)
            language = Language(self._watched_model(events), budget=budget, mode=self._choice)
            deps = self._dependencies(language, budget, events, workspace, cancel)
            graph = build_graph(deps).compile(checkpointer=saver)
            config: Any = {"configurable": {"thread_id": record.run_id}, "recursion_limit": 100}
            start = begin(record, graph.get_state(config).values, budget)
            events.emit(
                "run_started",
                question=record.question,
                run_id=record.run_id,
                model=language.name,
                mode=self._mode(language),
                **record.origin,
            )
            try:
                state = graph.invoke(start, config, durability="sync")
            except RunCancelledError:
                events.emit("run_finished", status="failed", reason="cancelled", usage=budget.usage.as_dict())
                raise
            except Exception as exc:
                events.emit("error", message=f"{type(exc).__name__}: {exc}", recovered=False)
                events.emit("run_finished", status="failed", usage=budget.usage.as_dict())
                raise
            result = result_of(record, state, budget)
            events.emit("run_finished", **result.as_dict())
        return replace(result, trace=events.events)

    def _dependencies(
        self,
        language: Language,
        budget: Budget,
        events: EventLog,
        workspace: Workspace,
        cancel: threading.Event | None,
    ) -> Dependencies:
        """Put together what the nodes need."""

        def check_cancelled() -> None:
            if cancel is not None and cancel.is_set():
                raise RunCancelledError("the run was cancelled: resume it to go on")

        chooser = self._chooser
        if chooser is None and language.mode != "chat":
            chooser = ModelChooser(
                language,
                mode=language.mode,
                settings=self._reading,
                draft=lambda: Draft(events, check_cancelled),
            )
        return Dependencies(
            language=language,
            budget=budget,
            events=events,
            workspace=workspace,
            reader=Reader(self._encoder(), settings=self._reading),
            chooser=chooser,
            corpus=self._corpus,
            memory=self._memory,
            tools=self._tools,
            user_id=self._user_id,
            settings=self._settings,
            reading=self._reading,
            check_cancelled=check_cancelled,
        )

    def _mode(self, language: Language) -> str:
        """Return how answers will be chosen."""
        return self._chooser.mode if self._chooser is not None else language.mode

    def _encoder(self) -> Encoder:
        """Return the embedder, loaded when first needed."""
        if self._embedder is None:
            self._embedder = default_embedder()
        return self._embedder

    @property
    def _folder(self) -> Path:
        """Where each run has a folder."""
        return self._runs.with_suffix("")

    def _open_corpus(
        self, corpus: Any, memory: Any, progress: Callable[[str, int, int], None] | None
    ) -> Searchable | None:
        """Open a folder, or take over what searches."""
        if corpus is None:
            return None
        if isinstance(corpus, str | Path):
            kept = memory if isinstance(memory, str | Path) else None
            opened = Corpus.open(corpus, kept, progress=progress, embedder=self._embedder)  # type: ignore[arg-type]
            return self._resources.enter_context(opened)
        if not hasattr(corpus, "search") or not hasattr(corpus, "snapshot"):
            raise ConfigurationError(f"corpus is a {type(corpus).__name__}: give a folder, a Corpus or None")
        return corpus  # type: ignore[no-any-return]

    def _open_memory(self, memory: Any) -> Any:
        """Open a memory file, or take over a memory."""
        if memory is None:
            return None
        if isinstance(memory, str | Path):
            return self._resources.enter_context(SwiftMem(memory))
        if not hasattr(memory, "search") or not hasattr(memory, "add"):
            raise ConfigurationError(f"memory is a {type(memory).__name__}: give a file, a SwiftMem or None")
        return memory


def _new_id() -> str:
    """Return a name for a run: the moment, and something nobody else has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"


def _from_the_question(record: RunRecord, saved: Mapping[str, Any], budget: Budget) -> dict[str, Any]:  # noqa: ARG001
    """Begin a run."""
    return {"question": record.question, "conversation": record.conversation}


def _where_it_was(record: RunRecord, saved: Mapping[str, Any], budget: Budget) -> dict[str, Any] | None:
    """Go on with a run; one that never reached its first checkpoint begins."""
    budget.restore(saved.get("spent", {}))
    return None if saved else _from_the_question(record, saved, budget)


def _where_the_fork_begins(record: RunRecord, saved: Mapping[str, Any], budget: Budget) -> None:
    """Go on from the copied checkpoint; what the earlier run spent is not this one's."""
