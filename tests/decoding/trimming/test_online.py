"""The online system: the decoder never waits, whatever the verifier does."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator

import pytest

from agentcore.decoding.trimming import (
    Delta,
    Progress,
    TrimmedReply,
    Trimming,
    TrimmingConfig,
    Verdict,
    VerifierPool,
    Watcher,
    trim_stream,
)

OFF = TrimmingConfig(over_rule="off", repetition=False, under_mode="off", interval=10)


class Signal:
    """A stop signal whose looks take a while, fail, hang or stop the stream at once."""

    name = "scripted"
    tokens_spent = 0

    def __init__(self, *, delay_s: float = 0.0, stops: bool = True, error: Exception | None = None) -> None:
        self.delay_s = delay_s
        self.stops = stops
        self.error = error
        self.num_looks = 0
        self.threads: set[str] = set()
        self.running = 0
        self.most_running = 0

    def watch(self, question: str) -> Watcher:
        return self

    async def look(self, progress: Progress) -> Verdict | None:
        self.num_looks += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.threads.add(threading.current_thread().name)
        try:
            await asyncio.sleep(self.delay_s)
            if self.error is not None:
                raise self.error
        finally:
            self.running -= 1
        return Verdict("over_thinking", 0) if self.stops else None


class Source:
    """A reasoning model that writes numbered words at a pace, and can be continued."""

    def __init__(self, words: int = 200, *, pause_s: float = 0.0) -> None:
        self.words = words
        self.pause_s = pause_s
        self.sent = 0
        self.resumed: list[tuple[str, str]] = []
        self.is_open = False

    async def start(self) -> AsyncIterator[Delta]:
        self.is_open = True
        try:
            for index in range(self.words):
                await asyncio.sleep(self.pause_s)
                self.sent += 1
                yield Delta(f"word number {index} ")
            yield Delta("done", "answer", 5, self.words)
        finally:
            self.is_open = False

    async def resume(self, thinking: str, guide: str) -> AsyncIterator[Delta]:
        self.resumed.append((thinking, guide))
        yield Delta("short", "answer")
        yield Delta(" answer", "answer", 7, 2)


@pytest.fixture
def pool() -> VerifierPool:
    return VerifierPool(workers=64, timeout_s=5.0)


async def run(source: Source, trimming: Trimming) -> TrimmedReply:
    reply = TrimmedReply()
    async for _ in trim_stream(source, "What?", trimming=trimming, reply=reply):
        pass
    return reply


async def test_a_verdict_cancels_and_continues(pool: VerifierPool) -> None:
    """A cut stream is closed, continued from all that was written, and its usage summed."""
    source = Source(pause_s=0.001)
    with Trimming(OFF, signal=Signal(), pool=pool) as trimming:
        reply = await run(source, trimming)
    assert 0 < source.sent < source.words
    assert not source.is_open
    assert reply.answer == "short answer"
    assert reply.thinking == "".join(f"word number {index} " for index in range(source.sent))
    assert source.resumed == [(reply.thinking, source.resumed[0][1])]
    assert "</think>" in source.resumed[0][1]
    assert reply.report is not None
    assert (reply.input_tokens, reply.output_tokens) == (7, 2 + reply.report.num_tokens)


async def test_without_a_verdict_nothing_changes(pool: VerifierPool) -> None:
    """An untrimmed stream comes through whole, with the source's own usage."""
    with Trimming(OFF, signal=Signal(stops=False), pool=pool) as trimming:
        reply = await run(Source(50), trimming)
    assert (reply.answer, reply.verdict, reply.input_tokens, reply.output_tokens) == ("done", None, 5, 50)


async def test_the_decoder_does_not_wait(pool: VerifierPool) -> None:
    """A verifier far slower than the stream delays nothing: no wait is recorded and its verdict comes late."""
    signal = Signal(delay_s=0.5)
    with Trimming(OFF, signal=signal, pool=pool) as trimming:
        reply = await run(Source(100), trimming)
        assert reply.report is not None
        assert reply.report.decoder_wait_ms == 0.0
        assert reply.verdict is None
        for _ in range(200):
            if reply.report.num_late:
                break
            await asyncio.sleep(0.01)
        assert reply.report.num_late == 1
    assert signal.threads == {"thought-verifiers"}


async def test_waiting_on_purpose_is_seen(pool: VerifierPool) -> None:
    """A decode loop that does wait for the verifier shows up as decoder wait."""
    with Trimming(OFF, signal=Signal(delay_s=0.05), pool=pool) as trimming:
        controller = trimming.open("What?")
        controller.push("some words that are long enough for one message to the verifier, " * 3)
        assert await controller.settle() is not None
        assert controller.close().decoder_wait_ms >= 30.0


async def test_push_never_blocks_on_a_stuck_pool() -> None:
    """Even a verifier that blocks its whole thread does not hold up a push."""

    class Blocking(Signal):
        async def look(self, progress: Progress) -> Verdict | None:
            time.sleep(0.4)
            return None

    with Trimming(OFF, signal=Blocking(), pool=VerifierPool(timeout_s=1.0)) as trimming:
        controller = trimming.open("What?")
        started = time.perf_counter()
        for index in range(200):
            controller.push(f"word number {index} ")
        assert time.perf_counter() - started < 0.35
        assert controller.close().decoder_wait_ms == 0.0


@pytest.mark.parametrize(
    ("signal", "failure"),
    [
        (Signal(error=ConnectionError("dead")), "ConnectionError: dead"),
        (Signal(delay_s=60.0), "no verdict within 0.05 s"),
    ],
    ids=["dead", "hanging"],
)
async def test_a_broken_verifier_means_no_trimming(signal: Signal, failure: str) -> None:
    """Errors and time-outs are counted with their reason, and the stream finishes whole."""
    with Trimming(OFF, signal=signal, pool=VerifierPool(timeout_s=0.05)) as trimming:
        reply = await run(Source(60, pause_s=0.005), trimming)
    assert reply.answer == "done"
    assert reply.report is not None
    assert reply.report.num_failed >= 1
    assert set(reply.report.failures) <= {failure, "cancelled"}


async def test_messages_do_not_pile_up(pool: VerifierPool) -> None:
    """A stream has at most one message under way; text that came meanwhile goes with the next."""
    signal = Signal(delay_s=0.03, stops=False)
    with Trimming(OFF, signal=signal, pool=pool) as trimming:
        await run(Source(200, pause_s=0.001), trimming)
    assert signal.most_running == 1
    assert 2 <= signal.num_looks <= 40


async def test_sixty_four_streams_outlive_their_verifier() -> None:
    """With the verifier slowed to 2 s, killed and restarted, every stream finishes, nothing is lost, no task or thread leaks."""
    tasks_before = len(asyncio.all_tasks())
    pool = VerifierPool(workers=16, timeout_s=3.0)
    signal = Signal(delay_s=2.0)
    with Trimming(OFF, signal=signal, pool=pool) as trimming:
        sources = [Source(90, pause_s=0.05) for _ in range(64)]
        running = [asyncio.ensure_future(run(source, trimming)) for source in sources]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(pool.stop)
        assert (pool.is_running, pool.num_tasks) == (False, 0)
        await asyncio.sleep(0.2)
        pool.start()
        replies = await asyncio.gather(*running)
    for source, reply in zip(sources, replies, strict=True):
        assert reply.thinking == "".join(f"word number {index} " for index in range(source.sent))
        assert reply.answer in ("done", "short answer")
        assert (reply.verdict is None) == (source.sent == source.words)
        assert not source.is_open
        assert reply.report is not None
        assert reply.report.decoder_wait_ms == 0.0
    assert any(reply.verdict for reply in replies), "after the restart verdicts arrive again"
    assert pool.num_tasks == 0
    assert "thought-verifiers" not in {thread.name for thread in threading.enumerate()}
    del running
    gc.collect()
    assert len(asyncio.all_tasks()) == tasks_before


async def test_a_caller_who_leaves_closes_everything(pool: VerifierPool) -> None:
    """Breaking out of the stream closes the source and ends the report."""
    source = Source(100)
    reply = TrimmedReply()
    with Trimming(OFF, signal=Signal(stops=False), pool=pool) as trimming:
        stream = trim_stream(source, "What?", trimming=trimming, reply=reply)
        async for _ in stream:
            break
        await stream.aclose()
        assert not source.is_open
        assert len(trimming.reports) == 1


def test_a_stopped_pool_takes_nothing() -> None:
    """Submitting to a pool that does not run is refused, not lost silently; starting twice is harmless."""
    pool = VerifierPool()
    assert not pool.submit(lambda: Signal().look(None), lambda look: None)  # type: ignore[arg-type]
    pool.start()
    pool.start()
    pool.stop()
    pool.stop()
    with pytest.raises(ValueError, match="worker"):
        VerifierPool(workers=0)


async def test_savings_subtract_the_verifier() -> None:
    """The estimate of tokens saved is net of what the verifier spent."""

    class Costly(Signal):
        @property
        def tokens_spent(self) -> int:  # type: ignore[override]
            return 10 * self.num_looks

    with Trimming(OFF, signal=Costly(stops=False)) as trimming:
        reply = await run(Source(100, pause_s=0.002), trimming)
        assert reply.report is not None
        assert reply.report.verifier_tokens >= 10
        assert reply.report.tokens_saved == -reply.report.verifier_tokens
