"""One limit for a whole tree."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from scripted_model import ScriptedModel, calling

from agentcore.errors import BudgetExceededError, ConfigurationError
from agentcore.middleware import Budget


def test_a_call_beyond_the_limit_is_refused() -> None:
    """With two calls allowed the third is refused, and the error names the limit."""
    budget = Budget(max_calls=2)
    for _ in range(2):
        with budget.reserve():
            pass
    with pytest.raises(BudgetExceededError, match="2 calls") as caught, budget.reserve():
        pass
    assert caught.value.limit == "calls"
    assert budget.usage.model_calls == 2


def test_reserved_tokens_count_before_they_are_used() -> None:
    """Two calls at once cannot both slip through a gap that holds only one."""
    budget = Budget(max_tokens=100)
    with budget.reserve(60) as first:
        with pytest.raises(BudgetExceededError), budget.reserve(60):
            pass
        first.settle(input_tokens=20, output_tokens=5)
    with budget.reserve(60):
        pass
    assert budget.usage.tokens == 25


@pytest.mark.parametrize("seed", range(5))
def test_many_threads_never_pass_the_limit(seed: int) -> None:
    """Whatever threads do at once, calls and honestly estimated tokens stay within the limits."""
    chance = random.Random(seed)
    budget = Budget(max_tokens=chance.randint(50, 500), max_calls=chance.randint(5, 60))
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        mine = random.Random(seed * 100 + number)
        barrier.wait()
        for _ in range(20):
            tokens = mine.randint(1, 40)
            try:
                with budget.reserve(tokens) as reservation:
                    reservation.settle(input_tokens=mine.randint(0, tokens))
            except BudgetExceededError:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert budget.max_tokens is not None
    assert budget.max_calls is not None
    assert budget.usage.tokens <= budget.max_tokens
    assert budget.usage.model_calls <= budget.max_calls


def test_seconds_count_from_the_start_and_survive_a_resume() -> None:
    """Time used by an earlier attempt counts in the next one."""
    now = [100.0]
    first = Budget(max_seconds=10, clock=lambda: now[0])
    first.start()
    now[0] += 7
    first.check()
    second = Budget(max_seconds=10, clock=lambda: now[0])
    second.restore(first.usage.as_dict())
    assert second.usage.seconds == pytest.approx(7)
    now[0] += 4
    with pytest.raises(BudgetExceededError, match="seconds"):
        second.check()


def test_restoring_takes_the_larger_of_both() -> None:
    """Restoring an older snapshot never gives calls back."""
    budget = Budget(max_calls=5)
    for _ in range(3):
        with budget.reserve():
            pass
    budget.restore({"model_calls": 2, "seconds": 0.0})
    assert budget.usage.model_calls == 3


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf"), True, "60"])
@pytest.mark.parametrize("name", ["max_tokens", "max_calls", "max_seconds"])
def test_a_limit_that_is_no_limit_is_refused(name: str, limit: Any) -> None:
    """A negative or undefined limit is refused by its name when the budget is made."""
    with pytest.raises(ConfigurationError, match=f"{name} is .*: use .* or None for no limit"):
        Budget(**{name: limit})


@pytest.mark.parametrize("name", ["max_tokens", "max_calls"])
def test_half_a_call_is_no_limit(name: str) -> None:
    """Tokens and calls are counted in whole numbers, seconds are not."""
    with pytest.raises(ConfigurationError, match="whole number"):
        Budget(**{name: 1.5})  # type: ignore[arg-type]  # the mistake under test
    assert Budget(max_seconds=1.5).max_seconds == 1.5


async def test_it_ends_anyones_agent() -> None:
    """In a create_agent, at the limit the model is not called again and the reason is the last message."""

    def look(place: str) -> str:
        """Look somewhere."""
        return f"nothing in {place}"

    model = ScriptedModel(lines=[calling("look", {"place": "here"})])
    agent = create_agent(model, tools=[look], middleware=[Budget(max_calls=3)])
    messages = agent.invoke({"messages": [("user", "find it")]}, {"recursion_limit": 50})["messages"]
    assert len(model.heard) == 3
    assert isinstance(messages[-1], AIMessage)
    assert "3 calls" in str(messages[-1].text)
    model = ScriptedModel(lines=[calling("look", {"place": "here"})])
    again = create_agent(model, tools=[look], middleware=[Budget(max_calls=2)])
    messages = (await again.ainvoke({"messages": [("user", "find it")]}))["messages"]
    assert "2 calls" in str(messages[-1].text)


async def test_a_call_that_hangs_is_given_up_when_the_time_is_up() -> None:
    """A model that never answers ends an agent with a time limit at the limit, called directly or awaited."""
    released = threading.Event()

    def hang(_: object) -> AIMessage:
        released.wait(30)
        return AIMessage("too late")

    try:
        for use in ("invoke", "ainvoke"):
            began = time.monotonic()
            agent = create_agent(ScriptedModel(lines=[hang]), middleware=[Budget(max_seconds=0.2)])
            if use == "invoke":
                answer = agent.invoke({"messages": [("user", "hello")]})
            else:
                answer = await agent.ainvoke({"messages": [("user", "hello")]})
            assert "0.2 seconds" in str(answer["messages"][-1].text)
            assert time.monotonic() - began < 10
    finally:
        released.set()
