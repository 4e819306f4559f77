"""The corpus tools pass LangChain's own tests, and their errors reach the model as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from agentcore.corpus import Corpus
from agentcore.langchain_tools import as_langchain_tool, as_langchain_tools
from agentcore.memory.embedding import HashEmbedder
from agentcore.tools import ToolSpec

_CORPUS = Corpus.from_passages([("Cats", "The cat sleeps on the red sofa.")], embedder=HashEmbedder())


@pytest.fixture(scope="module", autouse=True)
def _close() -> Iterator[None]:
    yield
    _CORPUS.close()


def tool_named(name: str) -> BaseTool:
    return next(tool for tool in as_langchain_tools(_CORPUS.tools()) if tool.name == name)


class SearchCorpus:
    """`search_corpus` as LangChain sees it."""

    @property
    def tool_constructor(self) -> Any:
        return tool_named("search_corpus")

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"query": "where does the cat sleep", "limit": 1}


class ReadDocument:
    """`read_document` as LangChain sees it."""

    @property
    def tool_constructor(self) -> Any:
        return tool_named("read_document")

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"source": "Cats", "start": 4}


class TestSearchCorpusUnit(SearchCorpus, ToolsUnitTests):
    """LangChain's unit tests of a tool."""


class TestReadDocumentUnit(ReadDocument, ToolsUnitTests):
    """LangChain's unit tests of a tool."""


class TestSearchCorpusIntegration(SearchCorpus, ToolsIntegrationTests):
    """LangChain's tests of a tool that is called."""


class TestReadDocumentIntegration(ReadDocument, ToolsIntegrationTests):
    """LangChain's tests of a tool that is called."""


def call(tool: BaseTool, arguments: dict[str, Any]) -> ToolMessage:
    message = tool.invoke({"type": "tool_call", "id": "1", "name": tool.name, "args": arguments})
    assert isinstance(message, ToolMessage)
    return message


def test_a_call_gives_the_tools_text() -> None:
    """The result a model reads is what the tool returned."""
    assert "red sofa" in str(call(tool_named("search_corpus"), {"query": "cat"}).content)


def test_the_model_sees_our_own_schema() -> None:
    """Limits and descriptions of the schema are not lost on the way."""
    properties = tool_named("search_corpus").tool_call_schema["properties"]  # type: ignore[index]
    assert properties["limit"]["maximum"] == 50 and properties["query"]["description"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("read_document", {"source": "Cat"}, "did you mean 'Cats'"),
        ("read_document", {"source": "Cats", "start": 9, "end": 2}, "do not fit"),
        ("search_corpus", {"query": "x", "limit": 999}, "do not fit"),
        ("search_corpus", {}, "'query' is a required property"),
        ("search_corpus", {"query": "x", "nonsense": 1}, "do not fit"),
    ],
)
def test_an_error_is_a_result_that_the_model_can_act_on(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    """A wrong call does not end the agent: its reason comes back with status error."""
    result = call(tool_named(name), arguments)
    assert result.status == "error" and message in str(result.content)


def test_labels_travel_with_the_tool() -> None:
    """Who composes tools can see which results are untrusted."""
    assert (tool_named("search_corpus").metadata or {})["untrusted"] is True


def test_an_unexpected_exception_is_a_result_too() -> None:
    """Whatever a tool raises is told to the model as a failure of that tool."""

    def explode() -> str:
        raise RuntimeError("boom")

    tool = as_langchain_tool(ToolSpec("explode", "Explode.", {"type": "object", "properties": {}}, explode))
    assert "boom" in str(call(tool, {}).content)
