"""The remote backbone against a real HTTP server that behaves well, oddly and badly."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chat_server import (
    ChatServer,
    Reply,
    call,
    chunk,
    completion,
    obliging_model,
    serving,
    streamed,
    usage_chunk,
)
from langchain_core.exceptions import ContextOverflowError, ModelConnectionError, ModelRateLimitError
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agentcore.backbones import errors, load_backbone
from agentcore.backbones.openai_compatible import OpenAICompatible, from_spec

ERROR = json.dumps({"error": {"message": "out of order", "type": "server_error"}})


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGENTCORE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[ChatServer, OpenAICompatible]]]:
    """Start a server that gives these replies in turn (the last one for ever), and a model that asks it."""
    running = []

    def start(*replies: Reply, **options: Any) -> tuple[ChatServer, OpenAICompatible]:
        left = list(replies)
        context = serving(lambda _: left.pop(0) if len(left) > 1 else left[0])
        server = context.__enter__()
        running.append(context)
        return server, from_spec(f"served@{server.url}", **{"max_retries": 0, "timeout": 5.0, **options})

    yield start
    for context in running:
        context.__exit__(None, None, None)


def whole(chunks: Iterator[Any]) -> AIMessageChunk:
    message = next(chunks)
    for piece in chunks:
        message += piece
    assert isinstance(message, AIMessageChunk)
    return message


# Addresses


@pytest.mark.parametrize(
    ("address", "model", "url"),
    [
        ("qwen@http://localhost:8000", "qwen", "http://localhost:8000/v1"),
        ("qwen@http://localhost:8000/v1/", "qwen", "http://localhost:8000/v1"),
        ("@cf/meta/llama@https://host/api", "@cf/meta/llama", "https://host/api"),
        ("m@https://host/v1/chat/completions", "m", "https://host/v1"),
        ("m", "m", "https://api.openai.com/v1"),
    ],
)
def test_an_address_is_a_model_and_where_its_api_begins(address: str, model: str, url: str) -> None:
    """The last ``@`` before a URL divides; a host alone gets the usual ``/v1``."""
    backbone = from_spec(address)
    assert (backbone.model_name, backbone.base_url) == (model, url)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@http://host",
        "m@ftp://host",
        "m@http://",
        "m@http://user:key@host/v1",
        "m@http://h:x/v1",
        "m@localhost:8000/v1",
        "m@10.0.0.7",
        "m@llm.example.org/v1",
    ],
)
def test_a_wrong_address_is_refused_at_once(address: str) -> None:
    """One line says how to write it, and no key in an address is repeated."""
    with pytest.raises(errors.AddressError) as caught:
        from_spec(address)
    assert "\n" not in str(caught.value)
    assert "key@" not in str(caught.value)


def test_an_at_sign_of_a_models_name_is_no_address() -> None:
    """Some names carry a date behind an @; they are asked of OpenAI as before."""
    assert from_spec("claude@20240620").model_name == "claude@20240620"


def test_load_backbone_knows_the_prefix() -> None:
    """``openai:model@base_url`` gives this class with the options handed through."""
    backbone = load_backbone("openai:m@http://localhost:1/v1", temperature=0.5)
    assert isinstance(backbone, OpenAICompatible)
    assert backbone.temperature == 0.5


@pytest.mark.parametrize("option", ["api_key", "tempreature"])
def test_unknown_options_and_keys_are_refused(option: str) -> None:
    """A key comes from the environment only, and a misspelled option is no silence."""
    with pytest.raises(ValueError, match=r"AGENTCORE_API_KEY|tempreature"):
        from_spec("m@http://h/v1", **{option: "x"})


# Answers


def test_an_answer_carries_text_usage_and_why_it_ended(serve: Any) -> None:
    """The parts of a whole answer arrive under LangChain's names."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    _, model = serve(completion("Padua.", usage=usage, finish_reason="length"))
    answer = model.invoke("Where?")
    assert answer.content == "Padua."
    assert answer.response_metadata == {"model_name": "served", "finish_reason": "length"}
    assert answer.usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 64},
        "output_token_details": {"reasoning": 5},
    }


def test_the_request_holds_what_was_asked_for(serve: Any) -> None:
    """Options become fields of the request; unknown ones travel as they are."""
    server, model = serve(
        completion("ok"),
        temperature=0.2,
        top_p=0.9,
        seed=3,
        max_tokens=50,
        stop=["END"],
        extra_body={"top_k": 20},
    )
    model.invoke([SystemMessage("Be brief."), HumanMessage("Hi")], chat_template_kwargs={"thinking": False})
    body = server.requests[0].body
    assert server.requests[0].path == "/v1/chat/completions"
    expected = {"temperature": 0.2, "top_p": 0.9, "seed": 3, "max_tokens": 50, "stop": ["END"], "top_k": 20}
    assert expected.items() <= body.items()
    assert body["chat_template_kwargs"] == {"thinking": False}
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


def test_images_are_sent_as_the_protocol_wants_them(serve: Any) -> None:
    """A standard image block becomes a data URL."""
    server, model = serve(completion("a cat"))
    image = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}
    model.invoke([HumanMessage(content=[{"type": "text", "text": "What?"}, image])])
    assert server.requests[0].body["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,aGk="},
    }


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_beside_the_text_is_a_block_of_its_own(serve: Any, field: str) -> None:
    """Both names that servers use give a reasoning block, whole and streamed, and the text stays clean."""
    _, model = serve(
        completion("Padua.", **{field: "Cristofori was born"}),
        streamed({field: "Cristofori "}, {field: "was born"}, {"content": "Pad"}, {"content": "ua."}),
    )
    for answer in (model.invoke("?"), whole(model.stream("?"))):
        assert answer.text == "Padua."
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
        assert answer.content_blocks[0]["reasoning"] == "Cristofori was born"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_inline_think_tags_are_taken_out_of_the_text(serve: Any, size: int) -> None:
    """However the chunks cut the tags, reasoning and answer come apart the same."""
    text = "<think>\nIs it < 3?</think>\n\nNo, 4 > 3 </think> it is."
    pieces = [{"content": text[at : at + size]} for at in range(0, len(text), size)]
    _, model = serve(streamed(*pieces), completion(text))
    for answer in (whole(model.stream("?")), model.invoke("?")):
        assert answer.text == "No, 4 > 3 </think> it is."
        assert answer.content_blocks[0] == {"type": "reasoning", "reasoning": "Is it < 3?"} | (
            {"index": 0} if isinstance(answer, AIMessageChunk) else {}
        )


def test_a_thought_cut_short_is_still_no_answer(serve: Any) -> None:
    """An opening tag without a closing one leaves an empty text and the reasoning."""
    _, model = serve(streamed({"content": "<think>still th"}, finish_reason="length"))
    answer = whole(model.stream("?"))
    assert answer.text == ""
    assert answer.content_blocks[0]["reasoning"] == "still th"


def test_a_template_that_opens_the_thought_itself(serve: Any) -> None:
    """With `starts_in_thought` only the closing tag is waited for."""
    _, model = serve(streamed({"content": "hm</thi"}, {"content": "nk>Yes."}), starts_in_thought=True)
    assert whole(model.stream("?")).text == "Yes."


def test_reasoning_goes_back_only_when_asked_to(serve: Any) -> None:
    """Earlier reasoning is left out of requests, or sent as ``reasoning_content``."""
    history = [
        AIMessage(content=[{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Yes."}])
    ]
    server, model = serve(completion("ok"))
    model.invoke([HumanMessage("?"), *history, HumanMessage("Sure?")])
    model.model_copy(update={"send_reasoning": True}).invoke([HumanMessage("?"), *history, HumanMessage("!")])
    first, second = (request.body["messages"][1] for request in server.requests)
    assert first == {"role": "assistant", "content": "Yes."}
    assert second["reasoning_content"] == "hm"


def test_logprobs_are_kept_whole_and_streamed(serve: Any) -> None:
    """Asked for, the log-probability of every token is in the metadata."""
    token = {"token": "Yes", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    events = [
        chunk({"content": "Yes"}, logprobs={"content": [token]}),
        chunk({"content": "."}, logprobs={"content": [{**token, "token": "."}]}),
        chunk({}, finish_reason="stop"),
    ]
    server, model = serve(
        completion("Yes", logprobs={"content": [token], "refusal": None}), Reply(events=events), logprobs=True
    )
    assert model.invoke("?").response_metadata["logprobs"]["content"][0]["logprob"] == -0.5
    streamed_answer = whole(model.stream("?"))
    assert [t["token"] for t in streamed_answer.response_metadata["logprobs"]["content"]] == ["Yes", "."]
    assert server.requests[0].body["logprobs"] is True


def test_a_stream_counts_tokens_and_says_why_it_ended(serve: Any) -> None:
    """The last chunk has usage, model and finish reason."""
    _, model = serve(streamed({"content": "a"}, {"content": "b"}, finish_reason="length"))
    answer = whole(model.stream("?"))
    assert answer.content == "ab"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 18
    assert answer.response_metadata["finish_reason"] == "length"


def test_halves_of_characters_are_mended(serve: Any) -> None:
    """A character cut between two pieces is whole, and half of one becomes U+FFFD: in text, thoughts, refusals and errors."""
    cut = [{"reasoning_content": "a \ud83d"}, {"content": "b \ud83d"}, {"content": "\ude00 c\ud83d"}]
    refused = completion("b \ud83d\ude00 c\ud83d", reasoning_content="a \ud83d", refusal="no \ude00")
    failed = Reply(status=500, body=json.dumps({"error": {"message": "out of \ud83d order"}}))
    _, model = serve(streamed(*cut), refused, failed)
    for answer in (whole(model.stream("?")), model.invoke("?")):
        assert answer.text == "b 😀 c\ufffd"
        assert answer.content_blocks[0]["reasoning"] == "a \ufffd"
    assert answer.additional_kwargs["refusal"] == "no \ufffd"
    with pytest.raises(errors.ServerFailedError, match="out of \ufffd order"):
        model.invoke("?")


# Tool calls


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_halves_of_characters_in_arguments_are_mended(serve: Any, size: int) -> None:
    """Arguments can be written as UTF-8, whether a half came by itself or as an escape, whole or piece by piece."""
    arguments = '{"a": "\ud83d\ude00", "b": "\\ud83d\\ude00", "c": "\\ud83d", "d": "\\\\ud83d"}'
    head: dict[str, Any] = {"id": "1", "index": 0, "function": {"name": "add\ud83d", "arguments": ""}}
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    pieces = [head, *({"index": 0, "function": {"arguments": part}} for part in parts)]
    _, model = serve(
        streamed(*({"tool_calls": [piece]} for piece in pieces), finish_reason="tool_calls"),
        completion(None, tool_calls=[call("add\ud83d", arguments)], finish_reason="tool_calls"),
    )
    for answer in (whole(model.stream("?")), model.invoke("?")):
        (made,) = answer.tool_calls
        assert made["name"] == "add\ufffd"
        assert made["args"] == {"a": "😀", "b": "😀", "c": "\ufffd", "d": "\\ud83d"}


def test_tool_calls_that_cannot_be_read_are_kept_as_invalid(serve: Any) -> None:
    """Broken JSON, no object, and no name are invalid calls with their text; the good one is a call."""
    calls = [
        call("add", '{"a": 1}', id="1"),
        call("add", '{"a": 1', id="2"),
        call("add", "[1]", id="3"),
        call("", "{}", id="4"),
    ]
    _, model = serve(completion(None, tool_calls=calls, finish_reason="tool_calls"))
    answer = model.invoke("?")
    assert [c["id"] for c in answer.tool_calls] == ["1"]
    assert [(c["id"], c["args"]) for c in answer.invalid_tool_calls] == [
        ("2", '{"a": 1'),
        ("3", "[1]"),
        ("4", "{}"),
    ]


def _pieces(index: Callable[[int], int | None], *, ids: bool = True) -> list[dict[str, Any]]:
    deltas = []
    for number, name in enumerate(("add", "mul")):
        head: dict[str, Any] = {"function": {"name": name, "arguments": ""}, "type": "function"}
        head |= {"id": f"id{number}"} if ids else {}
        for piece in (
            head,
            {"function": {"arguments": '{"a"'}},
            {"function": {"arguments": f": {number}}}"}},
        ):
            position = index(number)
            deltas.append({"tool_calls": [piece if position is None else {**piece, "index": position}]})
    return deltas


@pytest.mark.parametrize(
    "index", [lambda n: n, lambda _: 0, lambda _: None], ids=["numbered", "always 0", "unnumbered"]
)
def test_streamed_tool_calls_come_together(serve: Any, index: Callable[[int], int | None]) -> None:
    """Two calls stay two also at servers that give every piece index 0 or none."""
    _, model = serve(streamed(*_pieces(index), finish_reason="tool_calls"))
    answer = whole(model.stream("?"))
    assert [(c["id"], c["name"], c["args"]) for c in answer.tool_calls] == [
        ("id0", "add", {"a": 0}),
        ("id1", "mul", {"a": 1}),
    ]


def test_arguments_as_an_object_are_read(serve: Any) -> None:
    """A server that sends arguments as JSON in place of a string is understood."""
    spec = call("add", "")
    spec["function"]["arguments"] = {"a": 1}
    _, model = serve(completion(None, tool_calls=[spec]))
    assert model.invoke("?").tool_calls[0]["args"] == {"a": 1}


def test_an_answered_broken_call_is_sent_back_readable(serve: Any) -> None:
    """The tool message of an invalid call keeps its question, with arguments that any server can parse."""
    server, model = serve(completion("ok"))
    broken = AIMessage(
        content="",
        invalid_tool_calls=[
            {"name": "add", "args": '{"a": ', "id": "1", "error": "x", "type": "invalid_tool_call"}
        ],
    )
    model.invoke([HumanMessage("?"), broken, ToolMessage("no JSON", tool_call_id="1")])
    sent = server.requests[0].body["messages"][1]["tool_calls"]
    assert [c["id"] for c in sent] == ["1"]
    assert json.loads(sent[0]["function"]["arguments"]) == {"unreadable_arguments": '{"a": '}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (True, "required"),
        ("any", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("add", {"type": "function", "function": {"name": "add"}}),
    ],
)
def test_tool_choices_are_written_as_the_api_does(serve: Any, choice: Any, sent: Any) -> None:
    """Every way to word a choice reaches the server in the protocol's form."""

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    server, model = serve(completion("ok"))
    model.bind_tools([add], tool_choice=choice).invoke("?")
    assert server.requests[0].body["tool_choice"] == sent
    with pytest.raises(ValueError, match="none of the tools"):
        model.bind_tools([add], tool_choice="ad")


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output_in_all_its_ways(method: Any) -> None:
    """Each method gives the dict, and with `include_raw` the message beside it."""
    schema = {
        "title": "Place",
        "description": "A place.",
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    }
    with serving(obliging_model) as server:
        model = from_spec(f"m@{server.url}")
        plain = model.with_structured_output(schema, method=method).invoke("Give a `name` as JSON")
        raw = model.with_structured_output(schema, method=method, include_raw=True).invoke("a `name`")
    assert isinstance(plain, dict)
    assert list(plain) == ["name"]
    assert isinstance(raw, dict)
    assert isinstance(raw["raw"], AIMessage)
    assert raw["parsing_error"] is None


# Failures


def test_a_limited_request_waits_as_long_as_told_and_is_repeated(serve: Any) -> None:
    """A 429 with ``retry-after`` is asked again, not before that time."""
    limited = Reply(status=429, body=ERROR, headers={"retry-after": "0.3"})
    server, model = serve(limited, completion("ok"), max_retries=1)
    start = time.monotonic()
    assert model.invoke("?").content == "ok"
    assert len(server.requests) == 2
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=429, body=ERROR), errors.RateLimitedError),
        (Reply(status=401, body=ERROR), errors.KeyRefusedError),
        (Reply(status=403, body=ERROR), errors.KeyRefusedError),
        (Reply(status=404, body=ERROR), errors.UnknownModelError),
        (Reply(status=400, body=ERROR), errors.RequestRefusedError),
        (Reply(status=408, body=ERROR), errors.ServerTooSlowError),
        (Reply(status=503, body="<html>down</html>"), errors.ServerFailedError),
        (
            Reply(body="<html>a login page</html>", headers={"content-type": "text/html"}),
            errors.MalformedResponseError,
        ),
        (Reply(body="{}"), errors.MalformedResponseError),
        (Reply(body='{"choices": []}'), errors.MalformedResponseError),
        (Reply(body='{"choices": [{"message": null}]}'), errors.MalformedResponseError),
        (Reply(body='{"choices": ['), errors.MalformedResponseError),
    ],
)
async def test_each_failure_has_a_type_and_one_line(serve: Any, reply: Reply, error: type[Exception]) -> None:
    """Sync and async, a refused or senseless answer is the same typed error in one line."""
    _, model = serve(reply)
    for ask in (lambda: asyncio.to_thread(model.invoke, "?"), lambda: model.ainvoke("?")):
        with pytest.raises(error) as caught:
            await ask()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (
            400,
            "This model's maximum context length is 4096 tokens, however you requested 5000.",
            "context_length_exceeded",
        ),
        (400, "the request exceeds the available context size, try increasing it", None),
        (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens).", None),
        (413, "prompt is too long", None),
    ],
)
def test_too_long_messages_are_a_context_overflow(
    serve: Any, status: int, message: str, code: str | None
) -> None:
    """What the common servers say about length is LangChain's ContextOverflowError."""
    _, model = serve(Reply(status=status, body=json.dumps({"error": {"message": message, "code": code}})))
    with pytest.raises(ContextOverflowError):
        model.invoke("?")


def test_no_server_is_one_clear_line() -> None:
    """A closed port is an unreachable server with its address, and a connection error to LangChain."""
    model = from_spec("m@http://127.0.0.1:9", max_retries=0)
    with pytest.raises(errors.ServerUnreachableError, match=r"127\.0\.0\.1:9") as caught:
        model.invoke("?")
    assert isinstance(caught.value, ModelConnectionError)


def test_a_silent_server_is_given_up(serve: Any) -> None:
    """The time-out ends the wait, before the answer and between two pieces of a stream."""
    _, model = serve(Reply(body="{}", delay_s=2.0), streamed({"content": "a"}, delay_s=2.0), timeout=0.2)
    with pytest.raises(errors.ServerTooSlowError):
        model.invoke("?")
    with pytest.raises(errors.ServerTooSlowError):
        list(model.stream("?"))


def test_a_slow_stream_is_patiently_read(serve: Any) -> None:
    """Many short waits are no time-out, though their sum is longer than it."""
    _, model = serve(streamed(*({"content": "x"} for _ in range(8)), delay_s=0.1), timeout=0.6)
    assert whole(model.stream("?")).content == "x" * 8


BROKEN = [
    pytest.param({"ends": "cut"}, errors.StreamInterruptedError, id="cut"),
    pytest.param({"ends": "silent"}, errors.StreamInterruptedError, id="no end"),
    pytest.param({"extra": '{"choices": [{"delta"'}, errors.MalformedResponseError, id="half a chunk"),
    pytest.param({"extra": ERROR}, errors.ServerFailedError, id="an error inside"),
]


def _broken(text: str | None, ends: str = "done", extra: str | None = None) -> Reply:
    events = [chunk({"content": text})] if text else []
    return Reply(events=[*events, *([extra] if extra else [])], ends=ends)


@pytest.mark.parametrize(("how", "error"), BROKEN)
async def test_a_stream_that_breaks_off_is_an_error_after_its_pieces(
    serve: Any, how: dict[str, str], error: type[Exception]
) -> None:
    """What had come is delivered, then the typed error; it is never taken for a whole answer."""
    server, model = serve(_broken("Pad", **how), max_retries=2)
    got: list[str] = []
    with pytest.raises(error) as caught:
        got.extend(piece.text for piece in model.stream("?"))
    assert "".join(got) == "Pad"
    assert getattr(caught.value, "partial", "Pad") == "Pad"
    got.clear()
    with pytest.raises(error):
        async for piece in model.astream("?"):
            got.append(piece.text)
    assert "".join(got) == "Pad"
    assert len(server.requests) == 2


@pytest.mark.parametrize("how", [BROKEN[0].values[0], BROKEN[1].values[0], BROKEN[2].values[0]])
async def test_a_stream_that_breaks_before_its_first_piece_is_asked_again(serve: Any, how: Any) -> None:
    """Nothing was shown yet, so the request is repeated and the caller sees one whole answer."""
    server, model = serve(
        _broken(None, **how),
        streamed({"content": "ok"}),
        _broken(None, **how),
        streamed({"content": "ok"}),
        max_retries=1,
    )
    assert whole(model.stream("?")).content == "ok"
    assert "".join([piece.text async for piece in model.astream("?")]) == "ok"
    assert len(server.requests) == 4


def test_odd_but_harmless_chunks_are_read_over(serve: Any) -> None:
    """Chunks without choices or delta, other choices and empty pieces neither fail nor add text."""
    events = [
        '{"object": "ping"}',
        '{"choices": null}',
        chunk(None),
        '{"choices": [{"index": 1, "delta": {"content": "other"}}]}',
        chunk({"content": None}),
        chunk({"content": "a"}),
        chunk({"content": ""}),
        chunk({"content": [{"type": "text", "text": "b"}]}),
        chunk({}, finish_reason="stop"),
        usage_chunk(),
    ]
    _, model = serve(Reply(events=events))
    assert whole(model.stream("?")).content == "ab"


async def test_leaving_a_stream_closes_its_connection(serve: Any) -> None:
    """After `break` the next question is answered; nothing waits for the rest."""
    _, model = serve(streamed(*({"content": "x"} for _ in range(50)), delay_s=0.05), completion("next"))
    async for piece in model.astream("?"):
        if piece.text:
            break
    assert (await model.ainvoke("?")).content == "next"


def test_one_model_serves_several_event_loops(serve: Any) -> None:
    """Each asyncio.run works, and no connection is left for the interpreter to complain about."""
    _, model = serve(completion("ok"))
    for _ in range(2):
        assert asyncio.run(model.ainvoke("?")).content == "ok"


def test_a_copy_for_another_server_asks_that_one(serve: Any) -> None:
    """model_copy with a new address takes new connections."""
    _, model = serve(completion("first"))
    assert model.invoke("?").content == "first"
    with serving(lambda _: completion("second")) as other:
        assert model.model_copy(update={"base_url": other.url}).invoke("?").content == "second"
    assert model.invoke("?").content == "first"


# Keys


def test_without_a_key_no_authorization_is_sent(serve: Any) -> None:
    """A local server that wants no key gets no made-up one."""
    server, model = serve(completion("ok"))
    model.invoke("?")
    asyncio.run(model.ainvoke("?"))
    assert all("authorization" not in request.headers for request in server.requests)


def test_the_key_is_read_at_each_request(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed key is used at once; ours goes before OpenAI's."""
    server, model = serve(completion("ok"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    model.invoke("?")
    monkeypatch.setenv("AGENTCORE_API_KEY", "sk-second")
    model.invoke("?")
    assert [r.headers["authorization"] for r in server.requests] == ["Bearer sk-first", "Bearer sk-second"]


def test_the_key_is_nowhere_else(
    serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither repr, dump, pickle, trace parameters, debug log nor an error that echoes it holds the key."""
    secret = "sk-" + "s3cr3t" * 4
    monkeypatch.setenv("AGENTCORE_API_KEY", secret)
    echo = Reply(status=400, body=json.dumps({"error": {"message": f"Incorrect key: {secret}"}}))
    _, model = serve(completion("ok"), echo)
    with caplog.at_level(logging.DEBUG):
        answer = model.invoke("?")
        with pytest.raises(errors.RequestRefusedError) as caught:
            model.invoke("?")
    shown = [
        repr(model),
        str(model.model_dump()),
        str(model._get_ls_params()),
        str(model._get_llm_string()),
        answer.model_dump_json(),
        str(caught.value),
        caplog.text,
        str(vars(model)),
        str(vars(model._clients)),
        str(vars(model._clients.for_threads())),
    ]
    assert not [text for text in shown if secret in text]
    with pytest.raises(TypeError):  # the connection pool cannot be pickled, so neither can a key be
        pickle.dumps(model)


def test_every_error_is_ours_and_langchains(serve: Any) -> None:
    """Each leaf is a BackboneError, and LangChain's retry parts know which may be tried again."""
    leaves = [getattr(errors, name) for name in errors.__all__ if name != "BackboneError"]
    assert all(issubclass(leaf, errors.BackboneError) for leaf in leaves)
    assert issubclass(errors.RateLimitedError, ModelRateLimitError)
    assert errors.ServerUnreachableError.is_retryable
    assert not errors.KeyRefusedError.is_retryable


def test_a_closed_model_can_be_used_again(serve: Callable[..., tuple[ChatServer, OpenAICompatible]]) -> None:
    """Closing drops the connections and nothing else; closing twice, or before the first call, is harmless."""
    _, model = serve(completion("first"), completion("second"))
    model.close()
    assert model.invoke("x").text == "first"
    model.close()
    model.close()
    assert model.invoke("x").text == "second"


@pytest.mark.parametrize("key", ["sk-stra\xdfe", "sk-one\nsk-two"])
def test_a_key_that_no_header_can_hold_is_named(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Two keys pasted together, or a letter that slipped in, are called so instead of a missing server."""
    monkeypatch.setenv("AGENTCORE_API_KEY", key)
    with pytest.raises(errors.KeyRefusedError, match="copy it anew") as caught:
        load_backbone("openai:m@http://127.0.0.1:9/v1", max_retries=0).invoke("hi")
    assert key not in str(caught.value)
