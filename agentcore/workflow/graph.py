"""The wires: understand -> recall -> plan -> seekers in parallel -> reflect -> (plan again | write) -> remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from agentcore.workflow.conversation import understand
from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.planner import plan, reflect
from agentcore.workflow.recollection import recall, remember
from agentcore.workflow.seeker import seek
from agentcore.workflow.state import RunState, SeekerOutput, SeekerState
from agentcore.workflow.writer import write

__all__ = ["build_graph", "build_seeker"]

Node = Callable[..., dict[str, Any]]


def build_seeker(deps: Dependencies, *, seeker: Node = seek) -> StateGraph[Any, Any, Any, Any]:
    """Return the uncompiled graph of one seeker: its own state, of which only the output leaves it."""
    graph = StateGraph(SeekerState, output_schema=SeekerOutput)
    graph.add_node("seek", partial(seeker, deps=deps))
    graph.add_edge(START, "seek")
    graph.add_edge("seek", END)
    return graph


def build_graph(deps: Dependencies, *, seeker: Node = seek) -> StateGraph[Any, Any, Any, Any]:
    """Return the uncompiled graph of a run, to be compiled with a checkpointer of one's own.

    Parameters
    ----------
    deps : Dependencies
        What the nodes work with.
    seeker : callable
        The node function of a seeker, ``(state, deps) -> update``.
    """
    graph = StateGraph(RunState)
    graph.add_node("understand", partial(understand, deps=deps))
    graph.add_node("recall", partial(recall, deps=deps))
    graph.add_node("plan", partial(plan, deps=deps))
    graph.add_node("seeker", build_seeker(deps, seeker=seeker).compile(name="seeker"))
    graph.add_node("reflect", partial(reflect, deps=deps))
    graph.add_node("write", partial(write, deps=deps))
    graph.add_node("remember", partial(remember, deps=deps))
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "recall")
    graph.add_edge("recall", "plan")
    graph.add_conditional_edges("plan", _fan_out, ["seeker", "reflect"])
    graph.add_edge("seeker", "reflect")
    graph.add_conditional_edges("reflect", _decided, ["plan", "write"])
    graph.add_edge("write", "remember")
    graph.add_edge("remember", END)
    return graph


def _fan_out(state: RunState) -> Sequence[Send] | str:
    """Send each task to a seeker of its own; without tasks go straight on."""
    tasks = state.get("tasks") or []
    return [Send("seeker", {"task": task, "question": state["question"]}) for task in tasks] or "reflect"


def _decided(state: RunState) -> str:
    """Follow the reflection's decision."""
    return state["decision"]
