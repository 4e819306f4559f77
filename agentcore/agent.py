"""The agent: one object that researches documents with any backbone, remembers, and answers with citations."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from langchain_core.language_models.chat_models import BaseChatModel

from agentcore.backbones import load_backbone
from agentcore.corpus import Corpus
from agentcore.decoding.trimming import Trimming, TrimmingConfig
from agentcore.errors import ConfigurationError, RunCancelledError, RunNotFoundError
from agentcore.events import Event, EventLog
from agentcore.memory import SwiftMem
from agentcore.memory.embedding import default_embedder
from agentcore.middleware.budget import Budget
from agentcore.middleware.trimming import trimmed
from agentcore.tools import ToolRegistry, ToolSpec
from agentcore.workflow.checkpoints import open_checkpoints
from agentcore.workflow.citations import Citation, Claim
from agentcore.workflow.dependencies import Dependencies, WorkflowSettings
from agentcore.workflow.graph import build_graph
from agentcore.workflow.language import ChoiceMode, Language
from agentcore.workflow.reading.passages import Encoder, Searchable
from agentcore.workflow.reading.reader import Chooser, ModelChooser, Reader
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.workspace import Workspace

__all__ = ["Agent", "Result", "RunCancelledError", "Status"]

Status = Literal["done", "partial", "not_found", "failed"]
MAX_QUESTION_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave.

    Attributes
    ----------
    question : str
        What was asked.
    answer : str
        A few words, or ``"not found"``.
    statement : str
        The answer as a sentence.
    citations : tuple of Citation
        The spans the answer rests on.
    claims : tuple of Claim
        The sentences of the answer, each with what its spans do not support.
    is_found : bool
        False when the documents do not hold an answer.
    status : "done", "partial", "not_found" or "failed"
        ``partial``: a limit was reached, the answer is what was there. ``not_found``: all was looked at and the
        documents do not hold an answer.
    limit : str or None
        The limit that was reached.
    report_path : Path or None
        The report, Markdown.
    usage : mapping
        Tokens, calls, seconds.
    trace : tuple of Event
        Everything that happened, in order.
    run_id : str
        Name of the run, to resume it by.
    model, mode : str
        Which model answered and how the answer was chosen.
    details : mapping
        What the writer knew besides: order of titles, signals, alternatives.
    """

    question: str
    answer: str
    statement: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    is_found: bool
    status: Status
    limit: str | None
    report_path: Path | None
    usage: Mapping[str, float]
    trace: tuple[Event, ...]
    run_id: str
    model: str
    mode: str
    details: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, without the trace."""
        supported = {number for claim in self.claims if claim.is_supported for number in claim.citations}
        return {
            "run_id": self.run_id,
            "question": self.question,
            "status": self.status,
            "answer": self.answer,
            "statement": self.statement,
            "found": self.is_found,
            "limit": self.limit,
            "citations": [{**c.as_dict(), "supported": c.number in supported} for c in self.citations],
            "claims": [claim.as_dict() for claim in self.claims],
            "report_path": None if self.report_path is None else str(self.report_path),
            "usage": dict(self.usage),
            "model": self.model,
            "mode": self.mode,
        }


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
        self._trimming = None if trimming is None else Trimming(trimming)
        self._resources = contextlib.ExitStack()
        self._settings = settings or WorkflowSettings()
        self._reading = reading or ReaderSettings()
        self._budget = budget or Budget()
        self._user_id = user_id
        self._choice = choice
        self._chooser = chooser
        self._embedder = embedder
        self._tools = ToolRegistry(tools)
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
        run_id: str | None = None,
        on_event: Callable[[Event], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Result:
        """Answer a question.

        Parameters
        ----------
        question : str
            What to find out.
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
        question = _checked_question(question)
        run_id = run_id or f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        workspace = self._workspace(run_id)
        if workspace.path("run.json").exists():
            raise ConfigurationError(f"there is a run {run_id!r} already: resume it or choose another name")
        workspace.write(
            "run.json", json.dumps({"question": question, "started": time.time(), "user": self._user_id})
        )
        return self._execute(question, run_id, workspace, {"question": question}, on_event, cancel)

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
        folder = self._runs.with_suffix("") / run_id
        if not run_id or not (folder / "run.json").is_file():
            raise RunNotFoundError(run_id)
        workspace = Workspace(folder)
        question = json.loads(workspace.read("run.json"))["question"]
        return self._execute(question, run_id, workspace, None, on_event, cancel)

    async def arun(self, question: str, *, run_id: str | None = None) -> Result:
        """Async twin of :meth:`run`; cancelling the task stops the run at its next step."""
        cancel = threading.Event()
        try:
            return await asyncio.to_thread(self.run, question, run_id=run_id, cancel=cancel)
        except asyncio.CancelledError:
            cancel.set()
            raise

    async def astream(self, question: str, *, run_id: str | None = None) -> AsyncIterator[Event]:
        """Yield the events of a run as they happen; leaving the loop early stops the run."""
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        cancel = threading.Event()

        def work() -> None:
            try:
                self.run(question, run_id=run_id, on_event=events.put, cancel=cancel)
            finally:
                events.put(None)

        worker = asyncio.create_task(asyncio.to_thread(work))
        try:
            while (event := await asyncio.to_thread(events.get)) is not None:
                yield event
            await worker
        finally:
            cancel.set()  # the worker ends by itself at its next step; nobody waits for it

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
        question: str,
        run_id: str,
        workspace: Workspace,
        start: dict[str, Any] | None,
        on_event: Callable[[Event], None] | None,
        cancel: threading.Event | None,
    ) -> Result:
        """Run the graph to its end under the run's lease and put the result together."""
        budget = self._budget.fresh()
        budget.start()
        with workspace.lease(), open_checkpoints(self._runs) as saver, _recorder(workspace) as record:

            def publish(event: Event) -> None:
                record(event)
                if on_event is not None:
                    on_event(event)

            events = EventLog(publish, first=_next_number(workspace))
            language = Language(self._watched_model(events), budget=budget, mode=self._choice)
            deps = self._dependencies(language, budget, events, workspace, cancel)
            graph = build_graph(deps).compile(checkpointer=saver)
            config: Any = {"configurable": {"thread_id": run_id}, "recursion_limit": 100}
            if start is None:
                saved = graph.get_state(config)
                budget.restore(saved.values.get("spent", {}))
                start = None if saved.values else {"question": question}
            events.emit(
                "run_started",
                question=question,
                run_id=run_id,
                model=language.name,
                mode=self._mode(language),
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
            result = _result(question, state["outcome"], run_id, workspace, budget)
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
        if chooser is None and language.mode != "json":
            chooser = ModelChooser(language, mode=language.mode, settings=self._reading)
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

    def _workspace(self, run_id: str) -> Workspace:
        """Make the folder of a run."""
        if not run_id or Path(run_id).name != run_id or run_id.startswith("."):
            raise ConfigurationError(f"{run_id!r} cannot name a run: use letters, digits, '-' and '_'")
        return Workspace(self._runs.with_suffix("") / run_id)

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


def _checked_question(question: str) -> str:
    """Return the question without surrounding space, or say what is wrong with it."""
    text = question.strip() if isinstance(question, str) else ""
    if not text:
        raise ConfigurationError("the question is empty: ask something")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise ConfigurationError(
            f"the question has {len(text):,} characters: ask in at most {MAX_QUESTION_CHARACTERS:,} and put long "
            "material into the corpus"
        )
    return text


@contextlib.contextmanager
def _recorder(workspace: Workspace) -> Iterator[Callable[[Event], None]]:
    """Append each event to the run's own record."""
    path = workspace.path("events.jsonl")
    known = workspace.read("events.jsonl") if path.exists() else ""
    if not path.exists() or not known.endswith("\n"):  # a kill may have cut the last line
        workspace.write("events.jsonl", known[: known.rfind("\n") + 1])
    with path.open("a", encoding="utf-8", errors="surrogatepass") as file:

        def record(event: Event) -> None:
            file.write(json.dumps(event.as_dict(), ensure_ascii=False) + "\n")
            file.flush()

        yield record


def _next_number(workspace: Workspace) -> int:
    """Return the number of the next event of a run."""
    return workspace.read("events.jsonl").count("\n") + 1


def _result(
    question: str, outcome: Mapping[str, Any], run_id: str, workspace: Workspace, budget: Budget
) -> Result:
    """Turn the writer's outcome into the result; the trace is added when the run is over."""
    status: Status = "partial" if outcome["limit"] else "done" if outcome["is_found"] else "not_found"
    return Result(
        question=question,
        answer=outcome["answer"],
        statement=outcome["statement"],
        citations=tuple(Citation(**values) for values in outcome["citations"]),
        claims=tuple(Claim.from_dict(values) for values in outcome["claims"]),
        is_found=outcome["is_found"],
        status=status,
        limit=outcome["limit"],
        report_path=workspace.path(outcome["report"]),
        usage=budget.usage.as_dict(),
        trace=(),
        run_id=run_id,
        model=outcome["model"],
        mode=outcome["mode"],
        details={key: outcome[key] for key in ("titles", "sources", "found_probability", "alternatives")},
    )
