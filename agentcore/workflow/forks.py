"""Fork a run: find the checkpoint to continue from, and put it at the beginning of another run.

One checkpoint is enough: it holds the whole state and the tasks that are due. Nothing that was written after it comes
along, so the fork does the step anew instead of replaying what the earlier run got from it.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from langgraph.checkpoint.base import CheckpointTuple

from agentcore.errors import ConfigurationError
from agentcore.workflow.run_saver import RunSaver

__all__ = ["Step", "copy_point", "fork_point"]

Step = Literal["recall", "plan", "seeker", "reflect", "write"]
_TASKS = "__pregel_tasks"  # the tasks sent to seekers that have not begun
_DUE = "branch:to:"  # a node's own channel, filled while it is due


def fork_point(saver: RunSaver, run_id: str, step: Step | None) -> CheckpointTuple:
    """Return the latest checkpoint of a run at which a step is due.

    Parameters
    ----------
    step : Step or None
        None: the last step before the answer at which no limit had been reached.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    if step is not None and step not in get_args(Step):
        raise ConfigurationError(f"{step!r} is no step of a run: use one of {', '.join(get_args(Step))}")
    seen: list[str] = []
    for point in saver.list({"configurable": {"thread_id": run_id, "checkpoint_ns": ""}}):
        due = _due(point)
        if due is None:
            continue
        seen.append(due)
        is_whole = point.checkpoint["channel_values"].get("limit") is None
        if due == step or (step is None and is_whole):
            return point
    known = f"it has {', '.join(dict.fromkeys(reversed(seen)))}" if seen else "it has none"
    wanted = f"where the step {step!r} is due" if step else "from before its limit"
    raise ConfigurationError(f"run {run_id!r} has no checkpoint {wanted}: {known}; name another step")


def copy_point(saver: RunSaver, point: CheckpointTuple, run_id: str, *, question: str | None) -> None:
    """Make a checkpoint the first one of another run, with another question where one is given."""
    checkpoint = point.checkpoint.copy()
    values: dict[str, Any] = dict(checkpoint["channel_values"])
    if question is not None:
        values |= {"question": question, "asked": question}
    checkpoint["channel_values"] = values
    config: Any = {"configurable": {"thread_id": run_id, "checkpoint_ns": ""}}
    saver.put(config, checkpoint, point.metadata, checkpoint["channel_versions"])


def _due(point: CheckpointTuple) -> Step | None:
    """Return the step that is due at a checkpoint, None when it is none to fork from."""
    values = point.checkpoint["channel_values"]
    if values.get(_TASKS):
        return "seeker"
    return next((step for step in get_args(Step) if f"{_DUE}{step}" in values), None)
