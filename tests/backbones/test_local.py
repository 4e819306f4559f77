"""The local chat model: answers, tools, streams, errors."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, Field

from agentcore.backbones import LocalChatModel, load_backbone
from agentcore.errors import ConfigurationError, MissingExtraError, MissingModelError, UnknownBackboneError

Tiny = Callable[..., LocalChatModel]


def area(base: int, height: float) -> float:
    """Area of a triangle.

    Parameters
    ----------
    base : int
        Its base.
    height : float
        Its height.
    """
    return base * height / 2


def weather(city: str, unit: str = "C") -> str:
    """Weather of a city."""
    return f"{city} {unit}"


def test_an_answer_carries_usage_and_its_maker(smollm2: LocalChatModel) -> None:
    """The embedded model answers, and the message says what it cost and what made it."""
    answer = smollm2.invoke("What is the capital of Japan?")
    assert "Tokyo" in answer.text
    usage = answer.usage_metadata
    assert usage is not None
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] > 20
    assert answer.response_metadata["model_name"] == "smollm2"
    assert answer.response_metadata["finish_reason"] == "stop"


def test_raw_completion_attention_and_scores(smollm2: LocalChatModel) -> None:
    """Few-shot text is continued, likelier text scores higher, and attention points into the prompt."""
    prompt = "Q: What is the capital of Spain?\nA: Madrid\nQ: What is the capital of France?\nA:"
    assert smollm2.complete(prompt, max_tokens=6, stop=["\n"]).strip() == "Paris"
    paris, rome = smollm2.score(prompt, [" Paris", " Rome"])
    assert paris > rome
    attention = smollm2.attend(prompt, [(0, 0), (29, 8)])
    assert attention.weights.shape == (2, len(attention.offsets))
    assert attention.offsets[-1][1] == len(prompt)
    assert attention.weights.sum(axis=1) == pytest.approx([1, 1], abs=1e-3)


def test_the_same_question_gets_the_same_answer(smollm2: LocalChatModel) -> None:
    """At temperature 0, remembered prompt beginnings change nothing."""
    question = "Name three colours and say where each is seen. " * 6
    smollm2.engine.blocks.clear()
    assert smollm2.invoke(question).content == smollm2.invoke(question).content


def test_temperature_and_seed_are_heeded(tiny_chat: Tiny) -> None:
    """Equal seeds give equal text, other seeds other text, also when given per call."""
    texts = [tiny_chat(temperature=1.0, seed=s).invoke("hi").content for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert tiny_chat().invoke("hi", temperature=1.0, seed=1).content == texts[0]


def test_streamed_text_adds_up(tiny_chat: Tiny) -> None:
    """Chunks joined are the answer, and the last one carries the usage."""
    model = tiny_chat()
    chunks = list(model.stream("hello there"))
    whole = model.invoke("hello there")
    assert "".join(chunk.text for chunk in chunks) == whole.content
    assert [c.usage_metadata for c in chunks if c.usage_metadata] == [whole.usage_metadata]


def test_a_stop_string_ends_the_answer(tiny_chat: Tiny) -> None:
    """Text from the stop string on is not part of the answer."""
    model = tiny_chat()
    text = str(model.invoke("hello").content)
    stop = text[5:8]
    assert model.invoke("hello", stop=[stop]).content == text[: text.index(stop)]
    assert tiny_chat(stop=[stop]).invoke("hello").content == text[: text.index(stop)]


@pytest.mark.parametrize("seed", range(6))
def test_forced_calls_parse_and_validate_whatever_the_model(seed: int, tiny_chat: Tiny) -> None:
    """A random model made to call tools makes only calls that exist and fit their schemas."""
    model = tiny_chat(temperature=1.5, seed=seed, max_tokens=120)
    answer = model.bind_tools([area, weather], tool_choice="any").invoke("How large is it?")
    parameters = {"area": area, "weather": weather}
    assert answer.tool_calls
    assert not answer.invalid_tool_calls
    for call in answer.tool_calls:
        assert call["name"] in parameters
        from langchain_core.utils.function_calling import convert_to_openai_tool

        schema = convert_to_openai_tool(parameters[call["name"]])["function"]["parameters"]
        Draft202012Validator(schema).validate(call["args"])


def test_the_named_tool_is_called(tiny_chat: Tiny) -> None:
    """Choosing a tool by name or in OpenAI's form calls that one; several calls only where they are allowed."""
    model = tiny_chat(max_tokens=150, temperature=1.0, seed=3)
    for choice in ("weather", {"type": "function", "function": {"name": "weather"}}):
        bound = model.bind_tools([area, weather], tool_choice=choice, parallel_tool_calls=False)
        assert [call["name"] for call in bound.invoke("hi").tool_calls] == ["weather"]


def test_without_choice_a_model_may_answer_in_words(tiny_chat: Tiny) -> None:
    """The grammar of optional calls lets plain text pass untouched."""
    model = tiny_chat()
    free = model.bind_tools([area], tool_choice="none").invoke("hi")
    assert not free.tool_calls
    assert free.content == model.invoke("hi").content
    optional = model.bind_tools([area]).invoke("hi")
    assert optional.content
    assert not optional.invalid_tool_calls


def test_a_model_that_was_taught_no_tools_is_helped_to_call(smollm2: LocalChatModel) -> None:
    """The embedded model calls a fitting tool by itself, stays in words where none fits, and ends after the result."""
    bound = smollm2.bind_tools([area, weather])
    (call,) = bound.invoke("What is the weather in Paris?").tool_calls
    assert (call["name"], call["args"]["city"]) == ("weather", "Paris")
    unhelped = smollm2.model_copy(update={"call_bias": 0.0}).bind_tools([area, weather])
    assert not unhelped.invoke("What is the weather in Paris?").tool_calls
    assert not bound.invoke("Hello! How are you today?").tool_calls


def test_streamed_calls_add_up(tiny_chat: Tiny) -> None:
    """Chunks of an answer with calls join to the calls of the answer as a whole."""
    bound = tiny_chat(max_tokens=120).bind_tools([area, weather], tool_choice="any")
    whole, joined = bound.invoke("hi"), None
    for chunk in bound.stream("hi"):
        joined = chunk if joined is None else joined + chunk
    assert joined is not None
    strip = lambda calls: [(call["name"], call["args"]) for call in calls]  # noqa: E731
    assert strip(joined.tool_calls) == strip(whole.tool_calls)


def test_an_unknown_tool_choice_names_the_tools(tiny_chat: Tiny) -> None:
    """A choice that no tool answers to is an error listing them."""
    with pytest.raises(ConfigurationError, match="area"):
        tiny_chat().bind_tools([area], tool_choice="volume")


class City(BaseModel):
    """A city."""

    name: str
    people: int = Field(ge=0)
    kind: str | None = None


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output_is_always_an_instance(method: str, tiny_chat: Tiny) -> None:
    """Even a random model's answer is a valid object of the class that was asked for."""
    for seed in range(3):
        model = tiny_chat(temperature=1.2, seed=seed, max_tokens=100)
        assert isinstance(model.with_structured_output(City, method=method).invoke("Paris"), City)


def test_structured_output_takes_schemas_and_shows_the_raw_answer(tiny_chat: Tiny) -> None:
    """A JSON schema gives a dict, and include_raw the message beside it."""
    schema = {"title": "n", "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
    result = tiny_chat(max_tokens=60).with_structured_output(schema, include_raw=True).invoke("hi")
    assert result["parsed"]["n"] in (1, 2)
    assert json.loads(result["raw"].text) == result["parsed"]
    assert result["parsing_error"] is None


async def test_async_calls_leave_the_loop_free(tiny_chat: Tiny) -> None:
    """While an answer is made, other coroutines keep running."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.002)
            ticks += 1

    model = tiny_chat(max_tokens=60)
    await model.ainvoke("warm")
    ticker = asyncio.create_task(tick())
    answers = await asyncio.gather(*(model.ainvoke(text) for text in ("a", "b", "c")))
    ticker.cancel()
    assert ticks >= 3
    assert [answer.content for answer in answers] == [model.invoke(text).content for text in ("a", "b", "c")]


async def test_leaving_a_stream_stops_the_work(tiny_chat: Tiny) -> None:
    """A consumer that goes away cancels the generation behind it."""
    model = tiny_chat(max_tokens=4000)
    async for _ in model.astream("hi"):
        break
    deadline = time.monotonic() + 5
    while any(thread.name == "agentcore-generate" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the generating thread lives on"
        await asyncio.sleep(0.01)


async def test_cancelling_a_task_stops_the_work(tiny_chat: Tiny) -> None:
    """Cancelling an awaiting task ends its thread between two tokens."""
    task = asyncio.create_task(tiny_chat(max_tokens=4000).ainvoke("hi"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    deadline = time.monotonic() + 5
    while any(thread.name == "agentcore-generate" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the generating thread lives on"
        await asyncio.sleep(0.01)


def test_a_question_too_long_is_langchains_overflow(tiny_chat: Tiny) -> None:
    """Too many tokens raise the error that LangChain's own parts know, in one line with the numbers."""
    with pytest.raises(ContextOverflowError, match=r"do not fit into the context of 8192"):
        tiny_chat().invoke("word " * 9000)


def test_weights_are_loaded_once_and_late(tiny_path: Path) -> None:
    """Making chat models loads nothing; two on one file share its weights."""
    first, second = (LocalChatModel(model=f"gguf:{tiny_path}", weights="fp32") for _ in range(2))
    assert first._engine is None
    assert first.engine is second.engine


def test_missing_things_name_their_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights, no file, no such backbone, no such option: each says what is wrong."""
    monkeypatch.setenv("AGENTCORE_CACHE", str(tmp_path))
    with pytest.raises(MissingModelError, match="agentcore models pull smollm2"):
        load_backbone("local").invoke("hi")
    with pytest.raises(ConfigurationError, match="check the path"):
        load_backbone(f"gguf:{tmp_path / 'none.gguf'}").invoke("hi")
    with pytest.raises(UnknownBackboneError, match="local"):
        load_backbone("remote")
    with pytest.raises(UnknownBackboneError, match="unknown backbone None: use one of local"):
        load_backbone(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="speculatoin"):
        load_backbone("local", speculatoin="auto")


@pytest.mark.parametrize("spec", ["local", "openai:m@http://localhost:1/v1"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_tokens", True),
        ("max_tokens", "12"),
        ("max_tokens", 1.5),
        ("max_tokens", 0),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", -0.1),
        ("top_p", 1.1),
        ("seed", False),
        ("max_length", 9),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(spec: str, option: str, value: Any) -> None:
    """A misspelt option, and a value of another kind or outside its range, is one line that names the option."""
    with pytest.raises(
        ConfigurationError, match=rf"^({option} is .*: it should|unknown option '{option}': use)"
    ):
        load_backbone(spec, **{option: value})


def test_without_torch_the_extra_is_named(tiny_path: Path) -> None:
    """On a machine without torch the first use says which extra to install."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from agentcore.backbones import load_backbone\n"
        f"model = load_backbone('gguf:{tiny_path}')\n"
        "try:\n    model.invoke('hi')\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(MissingExtraError.__name__)
    assert "agentcore-runtime[local]" in shown


def test_choosing_a_backbone_imports_no_torch() -> None:
    """Naming a backbone is cheap: torch comes with the first answer."""
    script = (
        "import sys\nfrom agentcore.backbones import load_backbone\nload_backbone('local')\n"
        "print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_a_conversation_with_tools_goes_round(tiny_chat: Tiny) -> None:
    """System, user, call, result and answer can all be sent back."""
    answer = tiny_chat().invoke(
        [
            SystemMessage("Be brief."),
            HumanMessage("How large is it?"),
            AIMessage("", tool_calls=[{"name": "area", "args": {"base": 1, "height": 2}, "id": "1"}]),
            ToolMessage("1.0", tool_call_id="1"),
        ]
    )
    assert isinstance(answer.content, str)


def test_pictures_are_refused(tiny_chat: Tiny) -> None:
    """Content that is no text is an error, not silently left out."""
    message = HumanMessage([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}])
    with pytest.raises(ValueError, match="text only"):
        tiny_chat().invoke([message])
