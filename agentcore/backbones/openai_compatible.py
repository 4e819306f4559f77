"""A chat model behind any server of the OpenAI chat-completions API (vLLM, SGLang, llama.cpp, Ollama, OpenAI).

Beside what the SDK does (connection pool, retries with the wait that the server asks for, decoding), this class
keeps reasoning as content blocks, survives servers that number tool calls wrongly, and turns every failure into
one typed line. A stream that breaks before its first piece is asked for again; later it raises, because a
consumer has already seen a part.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from agentcore.backbones._fields import Count, Number
from agentcore.backbones._openai_address import (
    DEFAULT_URL,
    KEY_OPTIONS,
    KEY_VARIABLES,
    clean_url,
    find_key,
    read_address,
)
from agentcore.backbones._openai_clients import ClientOptions, Clients, authorization
from agentcore.backbones._openai_errors import Server, translated
from agentcore.backbones._openai_messages import StreamReader, from_choice, to_request_messages, usage_of
from agentcore.backbones._openai_tools import parser_of, response_format_field, tool_choice_field, with_raw
from agentcore.backbones.errors import AddressError, MalformedResponseError, StreamInterruptedError

__all__ = ["OpenAICompatible", "from_spec"]


def from_spec(address: str, **options: Any) -> OpenAICompatible:
    """Return the model that ``model@base_url`` names.

    Unless told otherwise it takes the likeliest token, as the local one does; OpenAI's own newer models refuse a temperature and
    keep theirs.

    Raises
    ------
    AddressError
        If the address cannot be read.
    """
    model, base_url = read_address(address)
    if base_url != DEFAULT_URL:
        options.setdefault("temperature", 0.0)
    return OpenAICompatible(model=model, base_url=base_url, **options)


class OpenAICompatible(BaseChatModel):
    """A chat model behind a server of the OpenAI chat API.

    The key is read from ``AGENTCORE_API_KEY`` or ``OPENAI_API_KEY`` when a request is made; it is no field, so
    that it is never printed, saved or traced. Without one no ``Authorization`` header is sent.

    Parameters
    ----------
    model : str
        The model's name at the server.
    base_url : str
        Where the API begins, such as ``http://localhost:8000/v1``.
    temperature, top_p, seed, presence_penalty, frequency_penalty
        Sampling, as the API defines them; None leaves the server's default.
    max_tokens : int, optional
        Longest answer in tokens.
    stop : list of str
        Texts that end the answer.
    logprobs, top_logprobs
        Ask for log-probabilities; they come in ``response_metadata["logprobs"]``.
    timeout : float
        Longest silence of the server in seconds, between two pieces of a stream too.
    max_retries : int
        How often a request is repeated that failed by the network, a limit or the server itself.
    streaming : bool
        Stream also where the caller asks for the whole answer.
    stream_usage : bool
        Ask for token counts in streams; turn off for servers that do not know ``stream_options``.
    starts_in_thought : bool
        The server's template writes the opening think tag itself, so that answers begin with reasoning.
    send_reasoning : bool
        Send the reasoning of earlier turns back.
    context_tokens : int, optional
        How much the model can read, for parts that shorten conversations in time.
    extra_body : dict
        Further fields of the request, such as ``{"top_k": 20}``.

    Raises
    ------
    AddressError
        If `base_url` cannot be used.
    """

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)

    model_name: str = Field(alias="model", min_length=1)
    base_url: str = DEFAULT_URL
    temperature: Number | None = Field(default=None, ge=0)
    top_p: Number | None = Field(default=None, ge=0, le=1)
    seed: Count | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    max_tokens: Count | None = Field(default=None, gt=0)
    stop: list[str] = Field(default_factory=list)
    logprobs: bool = False
    top_logprobs: Count | None = Field(default=None, ge=0)
    timeout: Number = Field(default=120.0, gt=0)
    max_retries: Count = Field(default=2, ge=0)
    streaming: bool = False
    stream_usage: bool = True
    starts_in_thought: bool = False
    send_reasoning: bool = False
    context_tokens: Count | None = Field(default=None, gt=0)
    extra_body: dict[str, Any] = Field(default_factory=dict)

    _clients: Clients | None = PrivateAttr(default=None)

    def __init__(self, **options: Any) -> None:
        if KEY_OPTIONS & options.keys():
            raise AddressError(f"a key is no option: set the environment variable {KEY_VARIABLES[0]}")
        super().__init__(**options)

    @field_validator("base_url")
    @classmethod
    def _clean_base_url(cls, url: str) -> str:
        return clean_url(url)

    @property
    def _llm_type(self) -> str:
        return "openai_compatible"

    @property
    def model_digest(self) -> str | None:
        """None: a server does not say which weights it runs."""
        return None

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model_name": self.model_name, "base_url": self.base_url, **self._sampling()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop or None, **kwargs)
        params["ls_provider"] = "openai_compatible"
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        profile = ModelProfile(tool_calling=True, structured_output=True)
        if self.context_tokens:
            profile["max_input_tokens"] = self.context_tokens
        if self.max_tokens:
            profile["max_output_tokens"] = self.max_tokens
        return profile

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text; the server's tokenizer is not known here."""
        return self.get_num_tokens_from_messages([AIMessage(text)])

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Estimate the tokens of messages by four characters a token."""
        return count_tokens_approximately(messages, tools=list(tools) if tools else None)

    # Asking

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        with translated(self._server(request)):
            response = self._connections().for_threads().chat.completions.create(**request)
            return self._result(response)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        with translated(self._server(request)):
            response = await self._connections().for_loop().chat.completions.create(**request)
            return self._result(response)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs, stream=True)
        for attempt in range(self.max_retries + 1):
            reader = StreamReader(starts_in_thought=self.starts_in_thought)
            has_begun = False
            try:
                with (
                    translated(self._server(request)),
                    self._connections().for_threads().chat.completions.create(**request) as stream,
                ):
                    for chunk in stream:
                        for message in reader.feed(chunk):
                            has_begun = True
                            yield ChatGenerationChunk(message=message)
                for message in self._finish(reader):
                    yield ChatGenerationChunk(message=message)
                return
            except (StreamInterruptedError, MalformedResponseError) as exc:
                self._give_up_or_wait(exc, reader, is_last=has_begun or attempt == self.max_retries)
            time.sleep(_pause(attempt))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 -- LangChain's signature
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs, stream=True)
        for attempt in range(self.max_retries + 1):
            reader = StreamReader(starts_in_thought=self.starts_in_thought)
            has_begun = False
            try:
                with translated(self._server(request)):
                    async with (
                        await self._connections().for_loop().chat.completions.create(**request) as stream
                    ):
                        async for chunk in stream:
                            for message in reader.feed(chunk):
                                has_begun = True
                                yield ChatGenerationChunk(message=message)
                for message in self._finish(reader):
                    yield ChatGenerationChunk(message=message)
                return
            except (StreamInterruptedError, MalformedResponseError) as exc:
                self._give_up_or_wait(exc, reader, is_last=has_begun or attempt == self.max_retries)
            await asyncio.sleep(_pause(attempt))

    def _finish(self, reader: StreamReader) -> list[Any]:
        """Return the last chunks of a stream that ended as it should."""
        if reader.finish_reason is None:
            raise StreamInterruptedError(f"{self.base_url} ended the stream without saying why: ask again")
        return list(reader.finish())

    def _give_up_or_wait(self, exc: Exception, reader: StreamReader, *, is_last: bool) -> None:
        """Raise the error, with the text so far, if the request must not be repeated."""
        if not is_last:
            return
        if isinstance(exc, StreamInterruptedError):
            exc.partial = reader.text
        raise exc

    def _result(self, response: Any) -> ChatResult:
        """Return a whole response as LangChain's result."""
        choices = getattr(response, "choices", None)
        if not choices or getattr(choices[0], "message", None) is None:
            raise MalformedResponseError(
                f"{self.base_url} sent no answer: check that it speaks the chat-completions protocol"
            )
        message = from_choice(choices[0], starts_in_thought=self.starts_in_thought)
        message.usage_metadata = usage_of(getattr(response, "usage", None))
        metadata: dict[str, Any] = {
            "model_name": getattr(response, "model", None) or self.model_name,
            "finish_reason": choices[0].finish_reason,
        }
        if fingerprint := getattr(response, "system_fingerprint", None):
            metadata["system_fingerprint"] = fingerprint
        if logprobs := getattr(choices[0], "logprobs", None):
            metadata["logprobs"] = logprobs.model_dump()
        message.response_metadata = metadata
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        *,
        stream: bool = False,
    ) -> dict[str, Any]:
        """Return the arguments of the SDK's call; fields that it does not know travel in the extra body."""
        fields = {"model": self.model_name, **self._sampling(), **kwargs}
        if stop or self.stop:
            fields["stop"] = stop or self.stop
        if stream:
            fields["stream"] = True
            if self.stream_usage:
                fields["stream_options"] = {"include_usage": True}
        fields.pop("ls_structured_output_format", None)
        known = _sdk_fields()
        extra = {name: value for name, value in fields.items() if name not in known}
        request = {name: value for name, value in fields.items() if name in known and value is not None}
        request["extra_headers"] = {**(kwargs.get("extra_headers") or {}), **authorization()}
        request["messages"] = to_request_messages(messages, send_reasoning=self.send_reasoning)
        if body := {**self.extra_body, **extra, **(kwargs.get("extra_body") or {})}:
            request["extra_body"] = body
        return request

    def _sampling(self) -> dict[str, Any]:
        """Return the sampling fields that are set."""
        # OpenAI's newer models refuse max_tokens; other servers know nothing else.
        longest = "max_completion_tokens" if self.base_url == DEFAULT_URL else "max_tokens"
        fields = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            longest: self.max_tokens,
            "logprobs": self.logprobs or None,
            "top_logprobs": self.top_logprobs if self.logprobs else None,
        }
        return {name: value for name, value in fields.items() if value is not None}

    # Connections

    def _server(self, request: Mapping[str, Any]) -> Server:
        return Server(url=self.base_url, model=request["model"], timeout=self.timeout, secret=find_key())

    def close(self) -> None:
        """Close the connections held open between calls; the model can still be used and opens new ones."""
        if self._clients is not None:
            self._clients.close()

    def _connections(self) -> Clients:
        """Return the clients for the address and limits of this moment (a copy of a model may have others)."""
        options = ClientOptions(self.base_url, self.timeout, self.max_retries)
        clients = self._clients
        if clients is None or clients.options != options:
            clients = self._clients = Clients(options)
        return clients

    # Tools and structured output

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: dict[str, Any] | str | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools.

        Parameters
        ----------
        tools : sequence
            Functions, pydantic classes, JSON schemas or LangChain tools.
        tool_choice : optional
            ``"auto"``, ``"none"``, ``"any"`` (also ``"required"`` or True), or a tool's name.
        strict : bool, optional
            Ask the server to hold arguments to their schema.
        """
        specs = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        names = [spec["function"]["name"] for spec in specs]
        if tool_choice is not None and tool_choice is not False:
            kwargs["tool_choice"] = tool_choice_field(tool_choice, names)
        return super().bind(tools=specs, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Literal["json_schema", "function_calling", "json_mode"] = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return a runnable whose output has the schema's form.

        Parameters
        ----------
        schema : pydantic class, TypedDict class or JSON schema
            The form. A pydantic class gives instances of it, anything else a dict.
        include_raw : bool
            Return ``{"raw", "parsed", "parsing_error"}`` and raise nothing.
        method : str
            ``"json_schema"`` (the server holds the answer to the schema), ``"function_calling"`` (one forced
            tool call) or ``"json_mode"`` (any JSON; the schema must be in the prompt).
        """
        if kwargs:
            raise ValueError(f"unknown options {sorted(kwargs)}")
        tool = convert_to_openai_tool(schema, strict=strict)
        spec = tool["function"]
        form = {"kwargs": {"method": method, "strict": strict}, "schema": tool}
        if method == "function_calling":
            model = self.bind_tools(
                [schema], tool_choice=spec["name"], strict=strict, ls_structured_output_format=form
            )
        else:
            model = super().bind(
                response_format=response_format_field(method, spec, strict), ls_structured_output_format=form
            )
        parser = parser_of(schema, spec["name"], from_call=method == "function_calling")
        return with_raw(model, parser) if include_raw else model | parser


@cache
def _sdk_fields() -> frozenset[str]:
    """Return the names of the arguments of the SDK's call."""
    from openai.resources.chat.completions import Completions

    return frozenset(inspect.signature(Completions.create).parameters) - {"self", "extra_body"}


def _pause(attempt: int) -> float:
    """Return the seconds before a broken stream is asked for again: doubling, with jitter."""
    return float(min(0.25 * 2**attempt, 4.0) * random.uniform(0.5, 1.0))
