"""Calls by name are checked before they run, and every failure is a typed result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agentcore.tools import (
    InvalidArgumentsError,
    ToolError,
    ToolFailedError,
    ToolRegistry,
    ToolSpec,
    UnknownToolError,
)

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


def divide(a: int, b: int) -> float:
    return a / b


@pytest.fixture
def registry() -> ToolRegistry:
    return ToolRegistry([ToolSpec("divide", "Divide a by b.", SCHEMA, divide)])


def test_a_call_returns_text(registry: ToolRegistry) -> None:
    """A result that is no string comes back as JSON."""
    assert json.loads(registry.call("divide", {"a": 1, "b": 2})) == 0.5


@pytest.mark.parametrize(
    "arguments", [{}, {"a": 1}, {"a": 1, "b": "2"}, {"a": 1, "b": 2, "c": 3}, {"a": True, "b": 1}]
)
def test_arguments_that_do_not_fit_never_reach_the_tool(
    registry: ToolRegistry, arguments: dict[str, Any]
) -> None:
    """Missing, extra and wrongly typed arguments are told with their place."""
    with pytest.raises(InvalidArgumentsError, match="correct them") as caught:
        registry.call("divide", arguments)
    assert caught.value.tool_name == "divide"


def test_an_unknown_tool_names_the_nearest(registry: ToolRegistry) -> None:
    """A near miss is named, so that the model can correct itself."""
    with pytest.raises(UnknownToolError, match="did you mean 'divide'"):
        registry.call("divid", {})


def test_whatever_a_tool_raises_is_a_typed_failure(registry: ToolRegistry) -> None:
    """An exception of the tool becomes one line that says what it was."""
    with pytest.raises(ToolFailedError, match="ZeroDivisionError"):
        registry.call("divide", {"a": 1, "b": 0})


def test_an_error_a_tool_promises_passes_unchanged() -> None:
    """A ToolError of the tool itself is not wrapped."""

    def refuse() -> str:
        raise ToolError("no")

    registry = ToolRegistry([ToolSpec("refuse", "Refuse.", {"type": "object"}, refuse)])
    with pytest.raises(ToolError, match=r"^no$"):
        registry.call("refuse", {})


def test_two_tools_of_one_name_are_refused(registry: ToolRegistry) -> None:
    """A name means one tool."""
    with pytest.raises(ValueError, match="two tools"):
        registry.register(ToolSpec("divide", "", SCHEMA, divide))


def test_a_broken_schema_is_refused_when_registered(registry: ToolRegistry) -> None:
    """A schema that is none is the author's mistake, told at once."""
    with pytest.raises(ValueError, match="no JSON Schema"):
        registry.register(ToolSpec("broken", "", {"type": "nonsense"}, divide))


async def later() -> str:
    return "later"


def leave() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (object, "it returned a object, which is neither text nor a JSON value"),
        (lambda: b"bytes", "it returned a bytes"),
        (leave, "SystemExit: 3"),
    ],
)
def test_whatever_a_tool_does_the_agent_goes_on(function: Callable[[], object], message: str) -> None:
    """A result that no model could read, or a tool that ends its program, is a typed failure too."""
    registry = ToolRegistry([ToolSpec("odd", "Odd.", {"type": "object"}, function)])
    with pytest.raises(ToolFailedError, match=message):
        registry.call("odd", {})


def test_half_a_surrogate_pair_in_a_result_is_replaced() -> None:
    """A result becomes text that checkpoints and memories can keep."""
    registry = ToolRegistry([ToolSpec("half", "Half.", {"type": "object"}, lambda: "half \ud83d pair")])
    assert registry.call("half", {}) == "half ? pair"


@pytest.mark.parametrize("arguments", [None, "{}", [1]])
def test_arguments_that_are_no_object_are_the_models_to_correct(
    registry: ToolRegistry, arguments: Any
) -> None:
    """A call with a list or a text in place of named arguments is invalid, not an error deep inside."""
    with pytest.raises(InvalidArgumentsError, match="not an object"):
        registry.call("divide", arguments)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ToolSpec("", "", SCHEMA, divide), "is called ''"),
        (ToolSpec("t", "", SCHEMA, None), "which cannot be called"),  # type: ignore[arg-type]
        (ToolSpec("t", "", SCHEMA, later), "is async"),
        (ToolSpec("t", "", None, divide), "give a JSON Schema"),  # type: ignore[arg-type]
    ],
)
def test_a_tool_that_cannot_be_used_is_refused_when_registered(spec: ToolSpec, message: str) -> None:
    """A tool without a name, or with a function or schema that is none, is its author's mistake, told at once."""
    with pytest.raises(ValueError, match=message):
        ToolRegistry([spec])


def test_a_schema_that_refers_to_nothing_is_a_typed_failure() -> None:
    """A reference that leads nowhere is found when a call is checked, without the network."""
    registry = ToolRegistry([ToolSpec("t", "", {"$ref": "#/nowhere"}, divide)])
    with pytest.raises(ToolFailedError, match="refers to what is not in it"):
        registry.call("t", {})
