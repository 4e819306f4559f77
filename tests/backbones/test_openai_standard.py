"""LangChain's own suites for chat models, on the remote backbone and a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chat_server import obliging_model, serving
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from agentcore.backbones.openai_compatible import OpenAICompatible

_ADDRESS: dict[str, str] = {}


@pytest.fixture(autouse=True, scope="module")
def _server() -> Iterator[None]:
    with serving(obliging_model) as server:
        _ADDRESS["url"] = server.url
        yield


class _Standard:
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatible

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        """The usual options; a key is none of them (it comes from the environment)."""
        return {"temperature": 0, "max_tokens": 100, "timeout": 60, "stop": [], "max_retries": 2}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another-model"


class TestUnit(_Standard, ChatModelUnitTests):
    """The suite that needs no server."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "served", "base_url": "http://127.0.0.1:9/v1"}


class TestIntegration(_Standard, ChatModelIntegrationTests):
    """The suite over HTTP."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "served", "base_url": _ADDRESS["url"]}

    @property
    def supports_json_mode(self) -> bool:
        return True
