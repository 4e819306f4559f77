"""Streams and verifiers behind a server, over real HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chat_server import Reply, completion, serving, streamed

from agentcore.decoding.trimming import (
    AgreementSignal,
    LikelihoodVerifier,
    Progress,
    TrimmedReply,
    Trimming,
    TrimmingConfig,
    trim_stream,
)
from agentcore.decoding.trimming.remote import (
    Continuation,
    RemoteError,
    RemoteSource,
    ServerProber,
    ServerYesNo,
)
from agentcore.evaluation.trimming_server import ReplayServer
from agentcore.evaluation.trimming_traces import Trace

PROBLEM = "A farm has 12 cows and 44 sheep. How many animals are there in total?"
THINKING = (
    "I need to add them up. So 12 + 44 = 56. Therefore, there are 56 animals in total.\n\n"
    "Wait, let me double-check that. 12 + 44 is 56. So the total is 56 animals.\n\nHmm, let me verify it once more by another sum. "
    + "\n\n".join(
        f"But let me look at it in yet another way, number {index}, to be safe. So the total is 56."
        for index in range(40)
    )
)
TRACE = Trace("farm", "d", "p", PROBLEM, "56", "m", THINKING, "56", True, True, len(THINKING) // 4)
OFF = TrimmingConfig(over_rule="off", under_mode="off", repetition=False)


@pytest.fixture
async def server() -> AsyncIterator[ReplayServer]:
    async with ReplayServer({"farm": TRACE}, tokens_per_second=2000.0) as server:
        yield server


async def run(
    server: ReplayServer, trimming: Trimming, *, continuation: Continuation = "continue"
) -> TrimmedReply:
    reply = TrimmedReply()
    async with httpx.AsyncClient(base_url=f"{server.base_url}/") as client:
        source = RemoteSource(
            client, "farm", [{"role": "user", "content": PROBLEM}], continuation=continuation
        )
        async for _ in trim_stream(source, PROBLEM, trimming=trimming, reply=reply):
            pass
    return reply


@pytest.mark.parametrize("continuation", ["continue", "prefill", "reask"])
async def test_a_served_stream_is_cut_and_continued(server: ReplayServer, continuation: Continuation) -> None:
    """The request is cancelled early, the reply continued in every way there is, and the answer kept."""
    reply = await run(server, Trimming(), continuation=continuation)
    assert reply.verdict is not None
    assert reply.answer == "The final answer is \\boxed{56}."
    assert THINKING.startswith(reply.thinking)
    assert len(reply.thinking) < len(THINKING) / 3
    assert reply.input_tokens > 0
    assert reply.output_tokens > 20


async def test_the_server_stops_generating(server: ReplayServer) -> None:
    """After a cut the server sends no more of the trace."""
    reply = await run(server, Trimming())
    assert server.num_tokens < TRACE.tokens / 2
    assert reply.thinking in THINKING


async def test_an_untrimmed_stream_is_whole(server: ReplayServer) -> None:
    """Without a verdict the reply is exactly what the server sent."""
    reply = await run(server, Trimming(OFF))
    assert (reply.thinking, reply.verdict) == (THINKING, None)


async def test_a_served_verifier_stops_a_stream(server: ReplayServer) -> None:
    """Yes/No odds from a server end the thinking, and their tokens are counted."""
    signal = AgreementSignal(LikelihoodVerifier(ServerYesNo(server.base_url, "judge")))
    with Trimming(OFF, signal=signal) as trimming:
        reply = await run(server, trimming)
    assert reply.verdict is not None
    assert "conclusions agree" in reply.verdict.detail
    assert reply.report is not None
    assert reply.report.verifier_tokens > 0


async def test_a_verifier_that_is_down_only_means_no_trimming(server: ReplayServer) -> None:
    """A server error in the verifier leaves the stream whole and is reported with its reason."""
    server.is_verifier_up = False
    signal = AgreementSignal(LikelihoodVerifier(ServerYesNo(server.base_url, "judge")))
    with Trimming(OFF, signal=signal) as trimming:
        reply = await run(server, trimming)
    assert (reply.thinking, reply.verdict) == (THINKING, None)
    assert reply.report is not None
    assert any("503" in failure for failure in reply.report.failures)


async def test_errors_name_the_cure(server: ReplayServer) -> None:
    """A refused or unreachable model is one clear error."""
    async with httpx.AsyncClient(base_url=f"{server.base_url}/") as client:
        with pytest.raises(RemoteError, match="404"):
            async for _ in RemoteSource(client, "missing", []).start():
                pass
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/v1/") as client:
        with pytest.raises(RemoteError, match="is the server up"):
            async for _ in RemoteSource(client, "farm", []).start():
                pass


def probed(request: dict[str, Any]) -> Reply:
    """Serve what a probe asks for, with the probabilities of its tokens."""
    logs = {"content": [{"token": "5", "logprob": math.log(0.9)}, {"token": "6", "logprob": math.log(0.7)}]}
    return completion("56", logprobs=logs)


async def test_half_a_character_of_a_server_is_mended() -> None:
    """What no request could send back, half a surrogate pair, comes as U+FFFD, in thinking and in the answer."""
    pieces = ({"reasoning_content": "so \ud83d"}, {"content": "so \ude00!"})
    with serving(lambda _: streamed(*pieces)) as chat:
        async with httpx.AsyncClient(base_url=f"{chat.url}/") as client:
            source = RemoteSource(client, "m", [{"role": "user", "content": PROBLEM}])
            deltas = [delta async for delta in source.start()]
    assert "".join(delta.text for delta in deltas) == "so \ufffdso \ufffd!"


async def test_a_served_model_is_probed() -> None:
    """A probe continues the thinking so far with its suffix, and its confidence is the mean probability."""
    progress = Progress(PROBLEM, ["I add ", "them.", " later"], 2, (), 10)
    with serving(probed) as chat:
        prober = ServerProber(chat.url, "thinker", [{"role": "user", "content": PROBLEM}])
        probe = await prober.probe(progress, " \\boxed{", max_tokens=20)
        body = chat.requests[0].body
    assert (probe.text, probe.confidence, probe.num_tokens) == ("56}", pytest.approx(0.8), 7)
    assert body["messages"][-1] == {"role": "assistant", "content": "<think>I add them. \\boxed{"}
    assert (body["continue_final_message"], body["max_tokens"]) == (True, 20)


@pytest.mark.parametrize(
    "reply", [Reply(status=500, body="{}"), Reply(body="not json"), Reply(body='{"choices": []}')]
)
async def test_a_bad_reply_is_one_error(reply: Reply) -> None:
    """Whatever a verifier's server sends instead of an answer becomes a RemoteError that names the model."""
    with serving(lambda request: reply) as chat, pytest.raises(RemoteError, match="judge"):
        await ServerYesNo(chat.url, "judge").ask("prefix", ["prompt"])


async def test_odds_come_from_the_first_token() -> None:
    """Every spelling of Yes and No counts, and neither among the top tokens is no opinion."""

    def judge(request: dict[str, Any]) -> Reply:
        tops = [
            {" Yes": math.log(0.6), "yes": math.log(0.1), " No": math.log(0.1)},
            {" maybe": math.log(0.9)},
        ]
        choices = [
            {"index": index, "text": "", "logprobs": {"top_logprobs": [top]}}
            for index, top in enumerate(tops)
        ]
        return Reply(body=json.dumps({"choices": choices, "usage": {"total_tokens": 12}}))

    with serving(judge) as chat:
        server = ServerYesNo(chat.url, "judge")
        assert await server.ask("prefix", ["one", "two"]) == [pytest.approx(0.875), 0.5]
        assert server.tokens_spent == 12
