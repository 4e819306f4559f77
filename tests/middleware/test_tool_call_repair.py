"""An agent whose model writes broken calls repairs, asks again or says so; it never ends in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel
from scripted_model import ScriptedModel, calling

from agentcore.errors import ConfigurationError
from agentcore.middleware import ToolCallRepair

CORPUS = json.loads((Path(__file__).parent.parent / "data" / "tool_calls.json").read_text(encoding="utf-8"))
RAN: list[tuple[int, int]] = []


def add(a: int, b: int) -> int:
    """Add two numbers."""
    RAN.append((a, b))
    return a + b


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def run(*lines: Any, **options: Any) -> tuple[list[BaseMessage], ScriptedModel]:
    model = ScriptedModel(lines=lines)
    agent = create_agent(model, [add], middleware=[ToolCallRepair(**options)])
    return agent.invoke({"messages": [HumanMessage("1 + 2?")]})["messages"], model


def broken(args: str, name: str = "add") -> AIMessage:
    call = {"name": name, "args": args, "id": "c1", "error": "no JSON", "type": "invalid_tool_call"}
    return AIMessage("", invalid_tool_calls=[call])


HOPELESS = broken('{"a": 1, "b": ')
DONE = AIMessage("It is 3.")


def test_without_it_the_agent_ends_in_silence() -> None:
    """The fault that this middleware is for is still there in a bare agent."""
    agent = create_agent(ScriptedModel(lines=[HOPELESS, DONE]), [add])
    assert agent.invoke({"messages": [HumanMessage("1 + 2?")]})["messages"][-1].text == ""


@pytest.mark.parametrize(
    "first",
    [
        broken('{"a": 1 "b": 2}'),
        broken("{'a': 1, 'b': 2}", name="Add"),
        AIMessage('<tool_call>{"name": "add", "arguments": {"a": "1", "b": 2}}</tool_call>'),
        AIMessage("add(a=1, b=2)"),
    ],
)
def test_a_repairable_call_is_run_at_once(first: AIMessage) -> None:
    """Broken JSON, wrong types and calls in the text cost no second question."""
    messages, model = run(first, DONE)
    assert RAN == [(1, 2)]
    assert len(model.heard) == 2
    assert messages[-1].text == "It is 3."


def test_an_unusable_call_is_asked_for_again() -> None:
    """The model hears what was wrong; the failed try leaves no trace in the conversation."""
    messages, model = run(HOPELESS, calling("add", {"a": 1, "b": 2}), DONE)
    assert RAN == [(1, 2)]
    told = model.heard[1][-1]
    assert isinstance(told, ToolMessage)
    assert "add takes a JSON object with: a (integer, required), b (integer, required)" in str(told.content)
    assert [type(m).__name__ for m in messages] == ["HumanMessage", "AIMessage", "ToolMessage", "AIMessage"]


def test_after_two_questions_the_error_stands_in_the_conversation() -> None:
    """The agent goes on with a tool message that says what is wrong, and the model may answer."""
    messages, model = run(HOPELESS, HOPELESS, HOPELESS, AIMessage("I cannot add."))
    assert len(model.heard) == 4
    assert isinstance(messages[2], ToolMessage)
    assert messages[2].status == "error"
    assert messages[-1].text == "I cannot add."
    assert RAN == []


def test_a_model_that_never_gets_it_right_ends_with_a_reason() -> None:
    """After three failed rounds the last message says so; there is no endless loop."""
    messages, model = run(HOPELESS)
    assert len(model.heard) == 9
    assert "wrote no usable tool call" in messages[-1].text
    assert messages[-1].response_metadata["finish_reason"] == "invalid_tool_calls"


def test_good_calls_beside_a_bad_one_are_run() -> None:
    """After the questions, what can be used is used and only the rest is an error."""
    good = {"name": "add", "args": {"a": 1, "b": 2}, "id": "good", "type": "tool_call"}
    mixed = AIMessage("", tool_calls=[good], invalid_tool_calls=HOPELESS.invalid_tool_calls)
    messages, _ = run(mixed, DONE, max_reasks=0)
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    assert RAN == [(1, 2)]
    assert answers["good"].content == "3"
    assert answers["c1"].status == "error"


def test_an_unknown_tool_is_told_with_the_known_ones() -> None:
    """The model learns which tools there are."""
    _, model = run(calling("launch", {}), DONE)
    assert "The tools are: add." in str(model.heard[1][-1].content)


def test_a_dangling_call_of_an_earlier_turn_is_closed_before_the_model_is_asked() -> None:
    """A conversation that was cut between call and result can be continued."""
    model = ScriptedModel(lines=[DONE])
    agent = create_agent(model, [add], middleware=[ToolCallRepair()])
    cut = calling("add", {"a": 1, "b": 2}, call_id="x")([])
    agent.invoke({"messages": [HumanMessage("1 + 2?"), cut, HumanMessage("Well?")]})
    assert [type(m).__name__ for m in model.heard[0]] == [
        "HumanMessage",
        "AIMessage",
        "ToolMessage",
        "HumanMessage",
    ]


def test_a_structured_answer_is_left_alone() -> None:
    """The tool that stands for the answer's form is no unknown tool."""

    class Sum(BaseModel):
        """The sum."""

        value: int

    model = ScriptedModel(lines=[calling("Sum", {"value": 3})])
    agent = create_agent(model, [add], middleware=[ToolCallRepair()], response_format=ToolStrategy(Sum))
    assert agent.invoke({"messages": [HumanMessage("?")]})["structured_response"] == Sum(value=3)


async def test_the_async_agent_does_the_same() -> None:
    """Ainvoke repairs and asks again too."""
    model = ScriptedModel(lines=[HOPELESS, broken('{"a": 1 "b": 2}'), DONE])
    agent = create_agent(model, [add], middleware=[ToolCallRepair()])
    result = await agent.ainvoke({"messages": [HumanMessage("1 + 2?")]})
    assert RAN == [(1, 2)]
    assert result["messages"][-1].text == "It is 3."


@pytest.mark.parametrize(
    "case", [c for c in CORPUS["cases"] if c["expect"] != "text"], ids=lambda c: str(c["id"])
)
def test_every_malformed_string_is_acted_upon(case: dict[str, Any]) -> None:
    """Each string of the corpus runs a tool, is asked again or is reported; the agent always ends in words."""
    message = AIMessage(case["text"])
    if case["where"] == "protocol":
        message = broken(case["text"], name=case["name"])
    ran: list[str] = []
    model = ScriptedModel(lines=[message, message, message, DONE])
    tools = [
        {"name": name, "description": name, "parameters": schema} for name, schema in CORPUS["tools"].items()
    ]
    agent = create_agent(model, [_tool(tool, ran) for tool in tools], middleware=[ToolCallRepair()])
    messages = agent.invoke({"messages": [HumanMessage("?")]})["messages"]
    errors = [m for m in messages if isinstance(m, ToolMessage) and m.status == "error"]
    assert ran or errors
    assert messages[-1].text


def _tool(spec: dict[str, Any], ran: list[str]) -> Any:
    from langchain_core.tools import StructuredTool

    def function(**_: Any) -> str:
        ran.append(spec["name"])
        return "ok"

    return StructuredTool(name=spec["name"], description="x", args_schema=spec["parameters"], func=function)


def test_senseless_limits_are_refused() -> None:
    """Negative tries, half ones and no round at all are the caller's mistake."""
    for tries in (-1, 1.5, True, "2"):
        with pytest.raises(ConfigurationError, match="max_reasks is"):
            ToolCallRepair(max_reasks=tries)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ConfigurationError, match="max_failed_rounds is 0"):
        ToolCallRepair(max_failed_rounds=0)
