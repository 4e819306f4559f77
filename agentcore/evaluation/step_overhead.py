"""What the runtime adds to one step of an agent: a budgeted, recorded model call beside a bare LangGraph node.

    python -m agentcore.evaluation.step_overhead [--out docs/results]

Both ways run the same graph, a loop of single nodes, with the same saver, `durability="sync"` and the same scripted
model that answers at once. The bare node calls the model and returns its text. Ours does what a step of a run does
besides: it asks for cancellation, reserves the call in the budget, settles it, emits two events that are written to
the run's record, and hands its usage on in the state. With a real model, whose call takes far longer, the share is
smaller. Prints a table and one JSON line; times are of the wall clock and mean something on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import END, START, StateGraph

from agentcore.events import EventLog
from agentcore.middleware.budget import Budget
from agentcore.workflow.checkpoints import open_checkpoints
from agentcore.workflow.language import Language
from agentcore.workflow.record import RunRecord
from agentcore.workflow.state import larger_counts

__all__ = ["measure"]

STEPS = 100
REPEATS = 9
TARGET = 0.25
_MESSAGES = [HumanMessage("Which city is meant?")]


class _State(TypedDict, total=False):
    step: int
    text: str
    spent: Annotated[dict[str, float], larger_counts]


class _Instant(BaseChatModel):
    """Answers at once."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        del messages, stop, run_manager, kwargs
        usage = {"input_tokens": 6, "output_tokens": 1, "total_tokens": 7}
        message = AIMessage("Padua", usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def measure(*, steps: int = STEPS, repeats: int = REPEATS) -> dict[str, Any]:
    """Time both ways in turn and return the result document; the first round of each only warms up."""
    times: dict[str, list[float]] = {"bare": [], "agentcore": []}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats + 1):
            for name, way in (("bare", _bare), ("agentcore", _ours)):
                seconds = way(Path(folder) / f"{name}-{repeat}", steps)
                if repeat:
                    times[name].append(seconds * 1000 / steps)
    rows = {
        name: {"min": min(values), "median": statistics.median(values), "max": max(values)}
        for name, values in times.items()
    }
    ratios = [ours / bare for ours, bare in zip(times["agentcore"], times["bare"], strict=True)]
    return {
        "bench": "step-overhead",
        "data": "scripted model",
        "metrics": {
            "step_ms": rows["agentcore"],
            "overhead": statistics.median(ratios) - 1,
            "overhead_ms": rows["agentcore"]["median"] - rows["bare"]["median"],
        },
        "baselines": {"bare_langgraph_node": {"step_ms": rows["bare"], "overhead": 0.0, "overhead_ms": 0.0}},
        "settings": {"steps": steps, "repeats": repeats, "durability": "sync", "target_overhead": TARGET},
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
        },
    }


def _bare(folder: Path, steps: int) -> float:
    """Return the seconds of a run of bare nodes."""
    model = _Instant()

    def step(state: _State) -> dict[str, Any]:
        return {"step": state.get("step", 0) + 1, "text": str(model.invoke(_MESSAGES).text)}

    return _loop(folder, steps, step)


def _ours(folder: Path, steps: int) -> float:
    """Return the seconds of a run of nodes that do what a step of the agent does."""
    budget = Budget(max_tokens=10**9, max_calls=10**9)
    language = Language(_Instant(), budget=budget)
    record = RunRecord.begin(folder / "runs", "run", question="?")
    with record.recorder() as write_down:
        events = EventLog(write_down, tokens=lambda: budget.usage.tokens)

        def step(state: _State) -> dict[str, Any]:
            budget.check()
            events.emit("tool_call", name="step", arguments={})
            text = language.chat(_MESSAGES, max_tokens=8)
            events.emit("tool_result", name="step", text=text)
            return {"step": state.get("step", 0) + 1, "text": text, "spent": budget.usage.as_dict()}

        return _loop(folder, steps, step)


def _loop(folder: Path, steps: int, step: Callable[..., dict[str, Any]]) -> float:
    """Run a node so many times, a checkpoint behind each."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(_State)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: END if state["step"] >= steps else "step")
    with open_checkpoints(folder / "checkpoints.db") as saver:
        compiled = graph.compile(checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "run"}, "recursion_limit": steps + 1}
        began = time.perf_counter()
        compiled.invoke({"step": 0}, config, durability="sync")
        return time.perf_counter() - began


def main() -> None:
    """Measure, print a table and, last, the JSON document."""
    parser = argparse.ArgumentParser(description="Time one step of the agent beside a bare LangGraph node.")
    parser.add_argument("--out", type=Path, help="Folder for the result.")
    out = parser.parse_args().out
    result = measure()
    baseline = result["baselines"]["bare_langgraph_node"]["step_ms"]
    print(f"{'ms a step':16}{'min':>8}{'median':>8}{'max':>8}")  # noqa: T201
    for name, row in (("bare node", baseline), ("agent step", result["metrics"]["step_ms"])):
        print(f"{name:16}{row['min']:8.3f}{row['median']:8.3f}{row['max']:8.3f}")  # noqa: T201
    print(f"overhead {result['metrics']['overhead']:.1%} (target {TARGET:.0%})")  # noqa: T201
    if out is not None:
        (out / "step_overhead.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps(result))  # noqa: T201


if __name__ == "__main__":
    main()
