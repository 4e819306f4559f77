"""What the nodes of the workflow work with, given to them from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentcore._numbers import check_settings
from agentcore.events import EventLog
from agentcore.middleware.budget import Budget
from agentcore.tools import ToolRegistry
from agentcore.workflow.language import Language
from agentcore.workflow.reading.choosers import Chooser
from agentcore.workflow.reading.passages import Searchable
from agentcore.workflow.reading.reader import Reader
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.workspace import Workspace

__all__ = ["Dependencies", "Memory", "WorkflowSettings"]


class Memory(Protocol):
    """The part of SwiftMem that the workflow uses."""

    def add(
        self,
        text: str,
        *,
        user_id: str = ...,
        metadata: dict[str, Any] | None = ...,
        namespace: str | None = ...,
    ) -> str:
        """Remember a text and return its id."""

    def search(
        self, query: str, *, user_id: str = ..., limit: int = ..., namespace: str | None = ...
    ) -> Sequence[Any]:
        """Return the best hits, best first."""

    def delete(self, id: str, /) -> int:  # noqa: A002 - SwiftMem's own name
        """Forget one record."""


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """How a run goes about its work.

    Attributes
    ----------
    max_rounds : int
        Plans at most (a second one only when the first found too little).
    max_tasks : int
        Seekers a round at most.
    recalled : int
        Findings of earlier runs shown to the planner.
    phrase : bool
        Whether the model also writes the answer as a full sentence.
    tool_rounds : int
        Turns of a seeker that works with tools.

    Raises
    ------
    ConfigurationError
        A number that cannot be meant, by name.
    """

    max_rounds: int = 2
    max_tasks: int = 5
    recalled: int = 3
    phrase: bool = True
    tool_rounds: int = 8

    def __post_init__(self) -> None:
        check_settings(self, {"max_rounds": 1, "max_tasks": 1, "recalled": 0, "tool_rounds": 1})


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything outside a run's state.

    Attributes
    ----------
    check_cancelled : callable
        Raises when the run was cancelled.
    """

    language: Language
    budget: Budget
    events: EventLog
    workspace: Workspace
    reader: Reader
    chooser: Chooser | None
    corpus: Searchable | None = None
    memory: Memory | None = None
    tools: ToolRegistry = field(default_factory=ToolRegistry)
    user_id: str = "default"
    settings: WorkflowSettings = field(default_factory=WorkflowSettings)
    reading: ReaderSettings = field(default_factory=ReaderSettings)
    check_cancelled: Callable[[], None] = lambda: None

    def snapshot(self, sha256: str) -> str:
        """Return the text of a document or of a tool's result as it was read.

        Raises
        ------
        LookupError
            Neither the run nor the corpus keeps it.
        """
        name = f"snapshots/{sha256}.txt"
        if self.workspace.path(name).is_file():
            return self.workspace.read(name)
        if self.corpus is None:
            raise LookupError(f"no snapshot {sha256!r} is kept")
        return self.corpus.snapshot(sha256)
