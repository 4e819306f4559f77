"""The one state of a run, as it is checkpointed: plain JSON values, summaries and paths, no bulk.

Documents, passages and evidence lie in the run's workspace; the state names their files. So a checkpoint stays
small, holds no object of ours (strict msgpack reads it), and planner and writer can see no more than
summaries and paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict

__all__ = [
    "Finding",
    "FindingStatus",
    "Recollection",
    "RunState",
    "SeekerOutput",
    "SeekerState",
    "Task",
    "Turn",
    "larger_counts",
    "merge_findings",
]

FindingStatus = Literal["completed", "partial", "failed"]


class Task(TypedDict):
    """One question for one seeker.

    ``id`` is ``"<round>-<number>"``; ``role`` says where it comes from: the question itself, a part of it found by
    rule, or a sub-question of the model's.
    """

    id: str
    question: str
    role: Literal["question", "part", "model"]


class Finding(TypedDict):
    """What a seeker hands back: a summary and paths, never the documents."""

    task: str
    status: FindingStatus
    summary: str
    files: list[str]
    reason: NotRequired[str]


class Recollection(TypedDict):
    """Something remembered from an earlier run."""

    id: str
    text: str
    score: float
    metadata: dict[str, Any]


class Turn(TypedDict):
    """An earlier turn of the conversation, as it was understood, with the titles that its answer cited."""

    question: str
    answer: str
    titles: list[str]


def merge_findings(old: Sequence[Finding] | None, new: Sequence[Finding] | None) -> list[Finding]:
    """Join findings by task (a later one replaces an earlier), ordered by task: safe under parallel writes."""
    merged = {finding["task"]: finding for finding in [*(old or ()), *(new or ())]}
    return [merged[task] for task in sorted(merged, key=_task_order)]


def larger_counts(old: Mapping[str, float] | None, new: Mapping[str, float] | None) -> dict[str, float]:
    """Keep the larger of two counts by name: snapshots of one growing budget, in any order."""
    old, new = old or {}, new or {}
    return {name: max(old.get(name, 0), new.get(name, 0)) for name in {**old, **new}}


def _first_limit(old: str | None, new: str | None) -> str | None:
    return old or new


def _task_order(task: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in task.split("-"))


class RunState(TypedDict, total=False):
    """State of the whole run.

    Attributes
    ----------
    asked : str
        The question as it was asked.
    conversation : list of Turn
        What was said before it, oldest first.
    question : str
        The question as it was understood: able to stand alone.
    recalled : list of Recollection
        What memory had to say before planning.
    round : int
        How often was planned.
    tasks : list of Task
        Of this round.
    findings : list of Finding
        Of all rounds, one a task.
    decision : "plan" or "write"
        What reflection decided.
    spent : dict
        Usage so far, for a run that is continued in another process.
    limit : str or None
        The limit that was reached first, None while there is room.
    outcome : dict
        What the writer wrote: answer, claims, citations, report path.
    """

    asked: str
    conversation: list[Turn]
    question: str
    recalled: list[Recollection]
    round: int
    tasks: list[Task]
    findings: Annotated[list[Finding], merge_findings]
    decision: Literal["plan", "write"]
    spent: Annotated[dict[str, float], larger_counts]
    limit: Annotated[str | None, _first_limit]
    outcome: dict[str, Any]


class SeekerState(TypedDict, total=False):
    """State of one seeker: its own context, of which only the output leaves it."""

    task: Task
    question: str
    passages: str
    notes: str
    findings: Annotated[list[Finding], merge_findings]
    spent: Annotated[dict[str, float], larger_counts]
    limit: Annotated[str | None, _first_limit]


class SeekerOutput(TypedDict, total=False):
    """The part of a seeker's state that the run sees."""

    findings: Annotated[list[Finding], merge_findings]
    spent: Annotated[dict[str, float], larger_counts]
    limit: Annotated[str | None, _first_limit]
