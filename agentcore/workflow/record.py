"""The record of a run in its folder: what was asked, and what happened, event by event."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from agentcore.errors import ConfigurationError, RunNotFoundError, RunStorageError
from agentcore.events import Event
from agentcore.redaction import redacted
from agentcore.workflow.state import Turn
from agentcore.workflow.workspace import Workspace

__all__ = ["RunRecord"]

_log = logging.getLogger(__name__)
_HEAD = "run.json"
_EVENTS = "events.jsonl"
_FOUND = ("plan", "seekers", "snapshots")


class RunRecord:
    """One run's folder, ``runs/RUN_ID`` beside the file of checkpoints.

    Attributes
    ----------
    run_id : str
        Name of the run.
    workspace : Workspace
        Its folder.
    head : dict
        What was asked, when, by whom.
    """

    def __init__(self, run_id: str, workspace: Workspace, head: dict[str, Any]) -> None:
        self.run_id = run_id
        self.workspace = workspace
        self.head = head

    @classmethod
    def begin(cls, folder: Path, run_id: str, **head: Any) -> Self:
        """Make the folder of a new run and write down what is asked.

        Raises
        ------
        ConfigurationError
            The name cannot be used, or is taken.
        RunStorageError
            The folder cannot be written.
        """
        if not _is_name(run_id) or run_id.startswith("."):
            raise ConfigurationError(f"{run_id!r} cannot name a run: use letters, digits, '-' and '_'")
        workspace = Workspace(folder / run_id)
        if workspace.path(_HEAD).exists():
            raise ConfigurationError(f"there is a run {run_id!r} already: resume it or choose another name")
        head["started"] = time.time()
        workspace.write(_HEAD, json.dumps(head))
        return cls(run_id, workspace, head)

    @classmethod
    def open(cls, folder: Path, run_id: str) -> Self:
        """Open the record of an earlier run.

        Raises
        ------
        RunNotFoundError
            No such run.
        RunStorageError
            What was written down of it is damaged.
        """
        if not _is_name(run_id) or not (folder / run_id / _HEAD).is_file():
            raise RunNotFoundError(run_id)
        workspace = Workspace(folder / run_id)
        try:
            head = json.loads(workspace.read(_HEAD))
            is_whole = isinstance(head, dict) and "question" in head
        except ValueError:
            is_whole = False
        if not is_whole:
            raise RunStorageError(f"the record of the run {run_id!r} is damaged: ask its question again")
        return cls(run_id, workspace, head)

    @property
    def question(self) -> str:
        """What was asked."""
        return str(self.head["question"])

    @property
    def conversation(self) -> list[Turn]:
        """The turns before the question, oldest first."""
        return list(self.head.get("conversation", ()))

    @property
    def origin(self) -> dict[str, Any]:
        """Which run this one was forked from, empty for a run of its own."""
        return {"forked_from": self.head["forked_from"]} if "forked_from" in self.head else {}

    def copy_files(self, other: RunRecord) -> None:
        """Take over the files that another run has found: plans, evidence, snapshots."""
        for name in _FOUND:
            for path in sorted(other.workspace.path(name).rglob("*")):
                if path.is_file():
                    relative = str(path.relative_to(other.workspace.root))
                    self.workspace.write(relative, other.workspace.read(relative))

    def next_number(self) -> int:
        """Return the number of the run's next event."""
        path = self.workspace.path(_EVENTS)
        return self.workspace.read(_EVENTS).count("\n") + 1 if path.exists() else 1

    @contextmanager
    def recorder(self) -> Iterator[Callable[[Event], None]]:
        """Append each event to the record, without keys; a last line that a kill cut is dropped first."""
        path = self.workspace.path(_EVENTS)
        known = self.workspace.read(_EVENTS) if path.exists() else ""
        if not path.exists() or not known.endswith("\n"):
            self.workspace.write(_EVENTS, known[: known.rfind("\n") + 1])
        with path.open("ab", buffering=0) as file:  # one write an event: a kill loses none that was told

            def record(event: Event) -> None:
                line = redacted(json.dumps(event.as_dict(), ensure_ascii=False))
                _log.info("%s %s", self.run_id, line)
                file.write((line + "\n").encode("utf-8", "surrogatepass"))

            yield record


def _is_name(run_id: Any) -> bool:
    """Tell whether a run may be called so: one part of a path."""
    return isinstance(run_id, str) and bool(run_id) and Path(run_id).name == run_id and "\0" not in run_id
