"""An agent that goes round in circles is warned, then made to answer; work is not mistaken for a loop."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from scripted_model import ScriptedModel, calling

from agentcore.errors import ConfigurationError
from agentcore.middleware import LoopGuard

ANSWER = AIMessage("I give up.")


def run(
    lines: list[Any], tool: Callable[..., Any], **options: Any
) -> tuple[list[BaseMessage], ScriptedModel]:
    model = ScriptedModel(lines=lines)
    agent = create_agent(model, [tool], middleware=[LoopGuard(**options)])
    return agent.invoke({"messages": [HumanMessage("?")]}, {"recursion_limit": 60})["messages"], model


def notices(model: ScriptedModel) -> list[bool]:
    return [str(heard[-1].content).startswith("Notice:") for heard in model.heard]


def look(query: str) -> str:
    """Look something up."""
    return "nothing found"


def test_the_third_repetition_warns_and_the_fifth_takes_the_tools() -> None:
    """Calls four and five hear a warning; call six has no tools and gives the answer."""
    messages, model = run([calling("look", {"query": "x"})] * 5 + [ANSWER], look)
    assert notices(model) == [False, False, False, True, True, True]
    assert model.offered == [["look"]] * 5 + [[]]
    assert messages[-1].text == "I give up."
    assert not [m for m in messages if str(m.content).startswith("Notice:")]


def test_a_model_that_calls_on_without_tools_is_ended_in_words() -> None:
    """The call that it makes all the same is not run, and the answer says why."""
    messages, model = run([calling("look", {"query": "x"})], look)
    assert len(model.heard) == 6
    assert "repeated" in messages[-1].text
    assert not messages[-1].tool_calls  # type: ignore[attr-defined]


def test_a_different_result_is_no_loop() -> None:
    """Polling a thing that changes goes on undisturbed."""
    numbers = count()

    def poll() -> str:
        """Ask for the state."""
        return f"{next(numbers)} per cent"

    _, model = run([calling("poll", {})] * 8 + [ANSWER], poll)
    assert notices(model) == [False] * 9


def test_different_arguments_are_no_loop() -> None:
    """Reading page after page is work, also where every page is empty."""
    _, model = run([calling("look", {"query": str(n)}) for n in range(8)] + [ANSWER], look)
    assert not any(notices(model))


def test_the_order_of_arguments_does_not_hide_a_loop() -> None:
    """The same arguments in another order are the same."""

    def find(a: int, b: int) -> str:
        """Find."""
        return "-"

    lines = [
        calling("find", {"a": 1, "b": 2}),
        calling("find", {"b": 2, "a": 1}),
        calling("find", {"a": 1, "b": 2}),
    ]
    _, model = run([*lines, ANSWER], find)
    assert notices(model)[-1]


def test_two_calls_in_turn_are_a_loop_too() -> None:
    """A and B in alternation are found as soon as one of them was made three times."""
    _, model = run([calling("look", {"query": q}) for q in "abababab"] + [ANSWER], look)
    assert notices(model).index(True) == 5


def test_who_leaves_the_circle_is_left_in_peace() -> None:
    """After another call the warnings stop, and tools are there."""
    lines = [*[calling("look", {"query": "x"})] * 4, calling("look", {"query": "y"}), ANSWER]
    _, model = run(lines, look)
    assert notices(model) == [False, False, False, True, True, False]


def test_a_new_question_begins_a_new_count() -> None:
    """What was repeated in an earlier turn does not count."""
    model = ScriptedModel(
        lines=[*[calling("look", {"query": "x"})] * 2, ANSWER, calling("look", {"query": "x"}), ANSWER]
    )
    agent = create_agent(model, [look], middleware=[LoopGuard()])
    first = agent.invoke({"messages": [HumanMessage("?")]})["messages"]
    agent.invoke({"messages": [*first, HumanMessage("again?")]})
    assert not any(notices(model))


def test_ignored_tools_may_repeat() -> None:
    """A tool can be exempted."""
    _, model = run([calling("look", {"query": "x"})] * 7 + [ANSWER], look, ignore=["look"])
    assert not any(notices(model))


async def test_the_async_agent_does_the_same() -> None:
    """Ainvoke warns and strips too."""
    model = ScriptedModel(lines=[calling("look", {"query": "x"})] * 5 + [ANSWER])
    agent = create_agent(model, [look], middleware=[LoopGuard()])
    await agent.ainvoke({"messages": [HumanMessage("?")]})
    assert model.offered[-1] == []


@pytest.mark.parametrize(("warn", "strip"), [(1, 5), (4, 3), (2.5, 5), (3, True), (3, "5"), (3, None)])
def test_senseless_limits_are_refused(warn: Any, strip: Any) -> None:
    """A warning at the first call, or after the end, is the caller's mistake."""
    with pytest.raises(ConfigurationError, match=r"(warn|strip)_at is .*: use a whole number of at least"):
        LoopGuard(warn_at=warn, strip_at=strip)
