"""The local chat model: our own engine behind LangChain's interface."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from agentcore.backbones._answer_constraints import call_constraint, schema_constraint
from agentcore.backbones._async import stream_in_thread
from agentcore.backbones._conversation import turns_of
from agentcore.backbones._engines import Weights, resolve_path, shared_engine
from agentcore.backbones._fields import Count, Number
from agentcore.backbones._speculation import SpeculationOptions, speculator_for
from agentcore.backbones._structured import structured_output
from agentcore.backbones._text import Attention, TextModel, TokenCount
from agentcore.backbones._tool_calls import CallReader, ReadCall, answer_chunk
from agentcore.backbones._tool_format import CALL_START, COMPACT, SPACED, ToolChoice, read_tool_choice

if TYPE_CHECKING:
    from agentcore.decoding import LanguageModel

__all__ = ["Attention", "LocalChatModel"]


class LocalChatModel(BaseChatModel):
    """A GGUF model run in this process.

    Parameters
    ----------
    model : str
        A name of the catalogue (``"smollm2"``) or ``"gguf:/path"``.
    weights : {"auto", "int4", "int8", "bf16", "fp32", "fp64"}
        Layout of the weights; ``auto`` is the fastest that loses nothing of a quantised file.
    threads : int, optional
        Threads for torch in this process.
    device : str
        ``"cpu"``, or a CUDA device such as ``"cuda"``, where the weights are bf16 (or fp32 or fp64 if asked for).
    temperature, top_p, top_k, seed
        Sampling; temperature 0 takes the best token.
    max_tokens : int
        Bound on the tokens of one answer.
    stop : list of str, optional
        Texts that end an answer.
    call_bias : float
        For models whose template knows no tools: a question is answered by a call when the opening of one has a
        log-probability of at least minus this. Such models write calls well but rate their opening too low; 5.8 keeps 33
        of 34 wanted calls of SmolLM2-135M and 8 of 15 right refusals on the cases that it was set on. 0 leaves the choice to
        the model's own words.
    constrain_tools : bool
        Whether a grammar makes every tool call parse and validate; off only to measure what it is worth.
    speculation : bool, str, list of str, dict or None
        Drafts that one forward verifies: ``"auto"``, method names ("suffix, recycling"), or a dict with ``methods``,
        ``judge``, ``max_draft``, ``draft_model`` and ``head``; None for plain decoding. Lossless but for near ties of two tokens,
        unless ``judge`` is above 0 or ``"auto"``.

    Notes
    -----
    Weights are loaded on first use, once per process and file, and shared. Several threads may call at once.
    """

    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=())

    supports_prefill: ClassVar[bool] = True
    """Whether a call may name the text that its answer begins with (``prefill=``)."""

    model_name: str = Field(default="smollm2", alias="model")
    weights: Weights = "auto"
    threads: Count | None = Field(default=None, ge=1)
    device: str = "cpu"
    temperature: Number = Field(default=0.0, ge=0)
    top_p: Number = Field(default=1.0, gt=0, le=1)
    top_k: Count = Field(default=0, ge=0)
    seed: Count | None = None
    max_tokens: Count = Field(default=512, ge=1)
    stop: list[str] | None = None
    call_bias: Number = Field(default=5.8, ge=0)
    constrain_tools: bool = True
    speculation: bool | str | list[str] | dict[str, Any] | None = None

    _engine: LanguageModel | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "agentcore-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model": self.model_name,
            "weights": self.weights,
            "temperature": self.temperature,
            "seed": self.seed,
        }

    @property
    def engine(self) -> LanguageModel:
        """The loaded model; loads it if need be.

        Raises
        ------
        MissingModelError
            If the weights are not on this machine.
        MissingExtraError
            If torch is not installed.
        """
        if self._engine is None:
            self._engine = shared_engine(
                resolve_path(self.model_name), weights=self.weights, threads=self.threads, device=self.device
            )
        return self._engine

    @cached_property
    def text(self) -> TextModel:
        """The model beneath the chat: raw text in, raw text out."""
        options = SpeculationOptions.parse(self.speculation)
        return TextModel(
            self.engine, speculator=None if options is None else speculator_for(self.engine, options)
        )

    @property
    def model_digest(self) -> str:
        """sha256 of the weights file."""
        return self.engine.digest

    @cached_property
    def _template(self) -> Any:
        from agentcore.backbones._template import ChatTemplate

        model = self.engine
        return ChatTemplate(model.chat_template, marks=model.tokenizer.control_tokens)

    # LangChain's interface

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        parallel_tool_calls: bool = True,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools.

        Parameters
        ----------
        tools : sequence
            Functions, LangChain tools, pydantic classes or OpenAI tool definitions.
        tool_choice : str, dict or bool, optional
            ``"auto"``, ``"none"``, ``"any"`` (or ``"required"``, True), or the tool that must be called.
        parallel_tool_calls : bool
            Whether one answer may hold several calls.
        """
        described = [convert_to_openai_tool(tool) for tool in tools]
        choice = read_tool_choice(tool_choice, [tool["function"]["name"] for tool in described])
        return self.bind(
            tools=described, tool_choice=choice, parallel_tool_calls=parallel_tool_calls, **kwargs
        )

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Return this model with answers that follow `schema`; a grammar enforces it while decoding.

        Parameters
        ----------
        schema : dict or type
            JSON schema, OpenAI function, TypedDict or pydantic class.
        include_raw : bool
            Whether to return ``{"raw", "parsed", "parsing_error"}`` instead of the parsed document.
        **kwargs
            ``method`` is accepted and makes no difference: every method is enforced by the same grammar.
        """
        return structured_output(self, schema, include_raw=include_raw, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._chunks(messages, stop=stop, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._chunks(messages, stop=stop, **kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [
            chunk
            async for chunk in stream_in_thread(
                lambda cancel: self._chunks(messages, stop=stop, cancel=cancel, **kwargs)
            )
        ]
        return generate_from_stream(iter(chunks))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's own loop reports tokens
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in stream_in_thread(
            lambda cancel: self._chunks(messages, stop=stop, cancel=cancel, **kwargs)
        ):
            yield chunk

    def _chunks(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: ToolChoice = "auto",
        parallel_tool_calls: bool = True,
        response_schema: dict[str, Any] | None = None,
        prefill: str = "",
        cancel: threading.Event | None = None,
        **options: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Generate one answer as message chunks; the last one carries usage and the reason for its end.

        `prefill` is text that the answer begins with and that is not repeated: our own parts continue a cut answer by it.
        """
        offered = [] if tool_choice == "none" else list(tools)
        prompt = self._template.render(turns_of(messages), tools=offered) + prefill
        constraint = None
        if response_schema is not None:
            constraint = schema_constraint(response_schema, self.text.tokenizer)
        elif offered and self.constrain_tools:
            if tool_choice == "auto" and isinstance(messages[-1], HumanMessage) and self._would_call(prompt):
                tool_choice = "any"
            constraint = call_constraint(
                offered,
                self.text.tokenizer,
                choice=tool_choice,
                is_parallel=parallel_tool_calls,
                separators=SPACED if self._template.knows_tools else COMPACT,
            )
        reader = CallReader(
            {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in offered}
        )
        calls, tokens = list[ReadCall](), TokenCount()
        with closing(
            self.text.decode(
                prompt,
                stop=self.stop or () if stop is None else stop,
                constraint=constraint,
                cancel=cancel,
                tokens=tokens,
                **self._call_options(**options),
            )
        ) as texts:
            for piece in reader.pieces(texts) if offered else texts:
                if isinstance(piece, ReadCall):
                    # A call repeated word for word is a small model's loop, not a wish: it ends the answer.
                    if any(piece.text == call.text for call in calls):
                        break
                    calls.append(piece)
                yield answer_chunk(piece, len(calls) - 1)
        finish = "tool_calls" if calls and tokens.finish == "stop" else tokens.finish
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=tokens.usage(),
                response_metadata={
                    "finish_reason": finish,
                    "model_name": self.model_name,
                    "model_provider": "agentcore-local",
                },
                chunk_position="last",
            )
        )

    # Beneath the chat interface

    def complete(
        self,
        prompt: str,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        schema: dict[str, Any] | None = None,
        cancel: threading.Event | None = None,
        **options: Any,
    ) -> str:
        """Continue raw text, without a chat template: what :meth:`stream_completion` yields, joined."""
        return "".join(
            self.stream_completion(
                prompt, max_tokens=max_tokens, stop=stop, schema=schema, cancel=cancel, **options
            )
        )

    def stream_completion(
        self,
        prompt: str,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        schema: dict[str, Any] | None = None,
        cancel: threading.Event | None = None,
        **options: Any,
    ) -> Generator[str, None, None]:
        """Continue raw text, piece by piece; leaving it early ends the decoding.

        Parameters
        ----------
        prompt : str
            Text to continue, for instance a few examples.
        max_tokens : int, optional
            Bound on new tokens.
        stop : sequence of str
            Texts that end the output; they are not part of it.
        schema : dict, optional
            JSON schema that the output must follow.
        cancel : threading.Event, optional
            Stops between two tokens.
        **options
            ``temperature``, ``top_p``, ``top_k`` and ``seed`` for this call; ``run``, whose outputs drafts may come from.
        """
        return self.text.decode(
            prompt,
            stop=stop,
            constraint=None if schema is None else schema_constraint(schema, self.text.tokenizer),
            cancel=cancel,
            **self._call_options(max_tokens=max_tokens, **options),
        )

    def attend(self, prompt: str, heads: Sequence[tuple[int, int]]) -> Attention:
        """Return how much the last token of raw text attends to each token, for chosen (layer, head) pairs."""
        return self.text.attend(prompt, heads)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the log-likelihood of each continuation of raw text."""
        return self.text.score(prompt, continuations)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens raw text takes."""
        return len(self.get_token_ids(text))

    def get_token_ids(self, text: str) -> list[int]:
        """Return the tokens of raw text."""
        return self.text.tokenizer.encode(text)

    def _call_options(
        self,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        seed: int | None = None,
        run: str = "",
    ) -> dict[str, Any]:
        """Return this model's settings with those of one call over them."""
        from agentcore.decoding import Sampling

        return {
            "run": run,
            "max_tokens": self.max_tokens if max_tokens is None else max_tokens,
            "sampling": Sampling(
                temperature=self.temperature if temperature is None else temperature,
                top_p=self.top_p if top_p is None else top_p,
                top_k=self.top_k if top_k is None else top_k,
                seed=self.seed if seed is None else seed,
            ),
        }

    def _would_call(self, prompt: str) -> bool:
        """Whether a model that was taught no tools leans towards a call, its dislike of the opening taken off."""
        if self._template.knows_tools or not self.call_bias:
            return False
        return self.text.score(prompt, [CALL_START])[0] >= -self.call_bias
