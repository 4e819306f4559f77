"""Tools: a name, a schema, a callable, and how a call by name is checked and run."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentcore.tools.errors import InvalidArgumentsError, ToolError, ToolFailedError, UnknownToolError

__all__ = ["ToolRegistry", "ToolSpec"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool.

    Attributes
    ----------
    name : str
        What a model calls it.
    description : str
        One sentence for the model.
    parameters : mapping
        JSON Schema of the arguments, an object.
    function : callable
        Takes the arguments by keyword and returns a string or a JSON value.
    untrusted : bool
        The result holds text from outside, which must never be read as an instruction.
    private : bool
        The result may hold the user's private data.
    outward : bool
        A call has effects outside this machine.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    untrusted: bool = False
    private: bool = False
    outward: bool = False


class ToolRegistry:
    """Tools by name.

    Parameters
    ----------
    tools : iterable of ToolSpec
        Registered in this order.

    Raises
    ------
    ValueError
        Two tools share a name, one has none or no function that can be called and waited for, or a schema is no JSON
        Schema.
    """

    def __init__(self, tools: Iterable[ToolSpec] = ()) -> None:
        self._tools: dict[str, ToolSpec] = {}
        for tool in tools:
            self.register(tool)

    def register(self, tool: ToolSpec) -> None:
        """Add one tool."""
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        if not isinstance(tool.name, str) or not tool.name.strip():
            raise ValueError(f"a tool is called {tool.name!r}: give it a name")
        if not callable(tool.function):
            raise ValueError(f"the function of {tool.name!r} is {tool.function!r}, which cannot be called")
        if inspect.iscoroutinefunction(tool.function):
            raise ValueError(
                f"the function of {tool.name!r} is async: wrap it in one that runs it to its end"
            )
        if not isinstance(tool.parameters, Mapping):
            raise ValueError(f"the parameters of {tool.name!r} are {tool.parameters!r}: give a JSON Schema")
        if tool.name in self._tools:
            raise ValueError(f"two tools are called {tool.name!r}: rename one")
        try:
            Draft202012Validator.check_schema(dict(tool.parameters))
        except SchemaError as exc:
            raise ValueError(f"the parameters of {tool.name!r} are no JSON Schema: {exc.message}") from exc
        self._tools[tool.name] = tool

    def __iter__(self) -> Iterator[ToolSpec]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def get(self, name: str) -> ToolSpec:
        """Return the tool of this name.

        Raises
        ------
        UnknownToolError
            There is none; the error names the nearest.
        """
        if name in self._tools:
            return self._tools[name]
        near = difflib.get_close_matches(str(name), self._tools, n=1)
        raise UnknownToolError(name, known=tuple(self._tools), nearest=near[0] if near else None)

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Check the arguments, run the tool and return its result as text.

        Raises
        ------
        UnknownToolError, InvalidArgumentsError
            The model may correct the call.
        ToolError
            What the tool itself promises to raise, or `ToolFailedError` for anything else.
        """
        tool = self.get(name)
        check_arguments(tool, arguments)
        try:
            result = tool.function(**arguments)
        except ToolError:
            raise
        except (Exception, SystemExit) as exc:  # the edge: whatever a tool raises becomes a typed result
            raise ToolFailedError(name, f"{type(exc).__name__}: {exc}") from exc
        return _as_text(name, result)


def _as_text(name: str, result: Any) -> str:
    """Return a result as a model reads it: text that every store can keep."""
    try:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as exc:
        kind = type(result).__name__
        raise ToolFailedError(name, f"it returned a {kind}, which is neither text nor a JSON value") from exc
    return text.encode("utf-8", "replace").decode("utf-8")


def check_arguments(tool: ToolSpec, arguments: Mapping[str, Any]) -> None:
    """Compare a call's arguments with the tool's schema.

    Raises
    ------
    InvalidArgumentsError
        They do not fit; the first reason is told, with its place.
    ToolFailedError
        The tool's schema cannot be followed.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    if not isinstance(arguments, Mapping):
        raise InvalidArgumentsError(tool.name, f"they are {arguments!r:.80}, not an object")
    try:
        error = best_match(Draft202012Validator(dict(tool.parameters)).iter_errors(dict(arguments)))
    except Unresolvable as exc:
        raise ToolFailedError(tool.name, f"its schema refers to what is not in it ({exc})") from exc
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        raise InvalidArgumentsError(tool.name, f"{place}: {error.message}" if place else error.message)
