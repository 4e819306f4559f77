"""The online half of the trimming benchmark: many streams over HTTP, with and without trimming, and with a slow verifier.

Measured: the throughput of paced streams with all detectors at work but never cutting, against the same streams untouched, in
interleaved repeats; what the decode loops waited; and how many verdicts of a slow verifier came too late. Not measured: what a
loaded GPU would do. The pace stands for a model, the server and the detectors share this machine's cores.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import cast

import httpx
import numpy as np

from agentcore.decoding.trimming import (
    AgreementSignal,
    CachedVerifier,
    Delta,
    LikelihoodVerifier,
    StopSignal,
    StreamReport,
    TrimmedReply,
    Trimming,
    TrimmingConfig,
    VerifierPool,
    trim_stream,
)
from agentcore.decoding.trimming.remote import RemoteSource, ServerYesNo
from agentcore.evaluation.trimming_server import ReplayServer
from agentcore.evaluation.trimming_traces import Trace

LONGEST = 2000
"""Tokens of the longest trace that is streamed whole to a verifier: only whole ones have verdicts that can be late."""

RULES_OFF = TrimmingConfig(over_rule="off", under_mode="off", repetition=False)


@dataclass(frozen=True, slots=True)
class Load:
    """What the online half runs: streams at once, tokens a second and tokens of each, repeats, the slow verifier's delay."""

    streams: int = 64
    tokens_per_second: float = 100.0
    tokens: int = 300
    repeats: int = 9
    verifier_delay_s: float = 2.0


def measure_online(traces: Sequence[Trace], load: Load) -> dict[str, object]:
    """Run the online half.

    Returns
    -------
    dict
        `throughput_ratio` of trimming to no trimming (median, its 95 % bootstrap interval, and the range of the repeats),
        `decoder_wait_ms` over all streams, `late_verdicts` as a share of all verdicts, `work_ms_per_1000_tokens` of the rules.
    """
    chosen = [trace for trace in traces if trace.tokens >= load.tokens][: load.streams] or list(
        traces[: load.streams]
    )
    whole = [trace for trace in traces if trace.finished and load.tokens <= trace.tokens <= LONGEST]
    return asyncio.run(_measure(chosen, whole[: load.streams] or chosen, load))


def measure_signal(traces: Sequence[Trace], signal: StopSignal, load: Load) -> dict[str, object]:
    """Stream whole traces over HTTP beside one stop signal, as it is and as fast as it is, the rules off.

    Returns
    -------
    dict
        `late_verdicts` as a share of the verdicts, `decoder_wait_ms`, `verifier_ms` of one look, `verdicts` and `messages`.
    """
    return asyncio.run(_watched(list(traces), signal, replace(load, tokens=0)))


async def _measure(traces: list[Trace], whole: list[Trace], load: Load) -> dict[str, object]:
    watching = TrimmingConfig(caution=99, under_mode="off", shingle_repeats=10**6, ngram_repeats=10**6)
    plain, trimmed, work, waited = [], [], [], 0.0
    async with _server(traces, load) as server:
        await _run(server, traces, Trimming(watching))  # warm up
        for _ in range(load.repeats):
            plain.append((await _run(server, traces, Trimming(RULES_OFF)))[0])
            with Trimming(watching) as trimming:
                seconds, tokens = await _run(server, traces, trimming)
                trimmed.append(seconds)
                work.append(sum(report.work_ms for report in trimming.reports) / max(tokens, 1) * 1000)
                waited += sum(report.decoder_wait_ms for report in trimming.reports)
    ratios = [without / having for without, having in zip(plain, trimmed, strict=True)]
    async with _server(whole, replace(load, tokens=0)) as server:
        server.verifier_delay_s = load.verifier_delay_s
        verifier = LikelihoodVerifier(ServerYesNo(server.base_url, "stand-in"))
        slow = await _watched(whole, AgreementSignal(CachedVerifier(verifier)), load, server=server)
    return {
        **slow,
        "streams": len(traces),
        "throughput_ratio": median(ratios),
        "throughput_ratio_interval": _interval(ratios),
        "throughput_ratio_range": [min(ratios), max(ratios)],
        "seconds_untrimmed": median(plain),
        "seconds_trimmed": median(trimmed),
        "work_ms_per_1000_tokens": median(work),
        "decoder_wait_ms": waited + cast("float", slow["decoder_wait_ms"]),
        "decoder_wait_rules_ms": waited,
        "verifier_delay_s": load.verifier_delay_s,
    }


async def _watched(
    traces: list[Trace], signal: StopSignal, load: Load, *, server: ReplayServer | None = None
) -> dict[str, object]:
    """Run the streams beside a stop signal and wait a while for the looks that are still under way."""
    pool = VerifierPool(workers=len(traces))
    with Trimming(RULES_OFF, signal=signal, pool=pool) as trimming:
        if server is not None:
            await _run(server, traces, trimming)
        else:
            async with _server(traces, load) as own:
                await _run(own, traces, trimming)
        open_until = time.perf_counter() + 4 * load.verifier_delay_s
        while pool.num_tasks and time.perf_counter() < open_until:
            await asyncio.sleep(0.02)
        reports = list(trimming.reports)
    return {**_late(reports), "verifier_tokens": signal.tokens_spent}


def _late(reports: Sequence[StreamReport]) -> dict[str, object]:
    """Return what became of the verdicts."""
    late = sum(report.num_late for report in reports)
    verdicts = late + sum(report.verdict is not None for report in reports)
    messages = sum(report.num_messages for report in reports)
    return {
        "decoder_wait_ms": sum(report.decoder_wait_ms for report in reports),
        "late_verdicts": late / verdicts if verdicts else 0.0,
        "verdicts": verdicts,
        "messages": messages,
        "failed_looks": sum(report.num_failed for report in reports),
        "verifier_ms": sum(report.verifier_ms for report in reports) / max(messages, 1),
    }


def _interval(values: Sequence[float]) -> list[float]:
    """Return the 95 % bootstrap interval of the median."""
    random = np.random.default_rng(0)
    medians = np.median(random.choice(np.asarray(values), size=(2000, len(values))), axis=1)
    return [float(edge) for edge in np.percentile(medians, [2.5, 97.5])]


def _server(traces: list[Trace], load: Load) -> ReplayServer:
    return ReplayServer(
        {trace.id: trace for trace in traces},
        tokens_per_second=load.tokens_per_second,
        max_tokens=load.tokens,
    )


async def _run(server: ReplayServer, traces: list[Trace], trimming: Trimming) -> tuple[float, int]:
    """Stream every trace at once; return the seconds and the tokens."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"{server.base_url}/", timeout=60.0, limits=limits) as client:
        started = time.perf_counter()
        replies = await asyncio.gather(*(_reply(client, trace, trimming) for trace in traces))
        seconds = time.perf_counter() - started
    return seconds, sum(reply.report.num_tokens for reply in replies if reply.report is not None)


async def _reply(client: httpx.AsyncClient, trace: Trace, trimming: Trimming) -> TrimmedReply:
    """Read one stream to its end."""
    source = RemoteSource(client, trace.id, [{"role": "user", "content": trace.problem}])
    reply = TrimmedReply()
    last: Delta | None = None
    async for delta in trim_stream(source, trace.problem, trimming=trimming, reply=reply):
        last = delta
    assert last is not None, "every stream ends with an answer"
    return reply
