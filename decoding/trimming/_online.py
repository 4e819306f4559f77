"""The online system: message controller, verifier pool and sampling controller, and what they measured.

Roles as in T4S (arXiv 2505.17155, section 4): the message controller sends new text every 50 tokens, de-duplicated and routed to the
stream's own watcher; the pool runs the watchers; the sampling controller is `StreamController.push`, which the decode loop calls with
each piece and which returns the latest verdict. `push` takes no lock and awaits nothing: a verdict that comes late trims later.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from agentcore.decoding.trimming._config import TrimmingConfig
from agentcore.decoding.trimming._pool import Look, VerifierPool
from agentcore.decoding.trimming._segmenter import Thought, ThoughtSegmenter
from agentcore.decoding.trimming._signals import Progress, StopSignal
from agentcore.decoding.trimming._trimmer import ThoughtTrimmer
from agentcore.decoding.trimming._values import Answer
from agentcore.decoding.trimming._verdicts import Reason, Verdict

EXPECTED_SAVING: dict[Reason, float] = {"over_thinking": 0.26, "under_thinking": 0.43, "repetition": 0.6}
"""Share of a thinking that a cut saved on recorded traces, by detector: what an estimate of tokens saved rests on."""

REPORTS = 10_000
"""How many streams' reports a `Trimming` remembers."""


@dataclass(slots=True)
class StreamReport:
    """What trimming did to one stream, and what it cost.

    Attributes
    ----------
    num_tokens : int
        Thinking tokens seen.
    num_messages, num_late, num_failed : int
        Messages sent to the verifier; verdicts that came after the stream had ended; looks without an opinion.
    verifier_ms : float
        Time of all looks.
    verifier_tokens : int
        Tokens the verifier's models spent while the stream was open (shared between streams that overlap).
    decoder_wait_ms : float
        Time the decode loop spent in an await or lock of ours; 0 unless it calls `StreamController.settle`.
    work_ms : float
        Time the rules computed inside `push`.
    tokens_saved : int
        Estimate, verifier tokens subtracted: a live run cannot know what it did not generate.
    """

    verdict: Verdict | None = None
    num_tokens: int = 0
    num_thoughts: int = 0
    num_messages: int = 0
    num_late: int = 0
    num_failed: int = 0
    verifier_ms: float = 0.0
    verifier_tokens: int = 0
    decoder_wait_ms: float = 0.0
    work_ms: float = 0.0
    tokens_saved: int = 0
    failures: Counter[str] = field(default_factory=Counter)


class Trimming:
    """Trims any number of streams at once; share one per process.

    Parameters
    ----------
    config : TrimmingConfig, optional
        Constants; the default rule cascade needs nothing else.
    signal : StopSignal, optional
        A verifier beside the rules: `AgreementSignal(LikelihoodVerifier(...))`, `SelfProbe(...)`. Asked in a thread of its own.
    pool : VerifierPool, optional
        Where the signal runs.

    Notes
    -----
    A context manager; `close` ends the verifier thread.
    """

    def __init__(
        self,
        config: TrimmingConfig | None = None,
        *,
        signal: StopSignal | None = None,
        pool: VerifierPool | None = None,
    ) -> None:
        self.config = config or TrimmingConfig()
        self.signal = signal
        self.pool = pool or VerifierPool()
        self.reports: deque[StreamReport] = deque(maxlen=REPORTS)
        if signal is not None:
            self.pool.start()

    def open(self, question: str, *, budget: int | None = None) -> StreamController:
        """Begin a stream.

        Parameters
        ----------
        question : str
            The user's question in plain text.
        budget : int, optional
            The most tokens the answer may take, for under-thinking.
        """
        return StreamController(self, question, budget=budget)

    def close(self) -> None:
        """End the verifier thread; open streams go on untrimmed by verifiers."""
        self.pool.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class StreamController:
    """One stream's message and sampling controller; made by `Trimming.open`."""

    def __init__(self, owner: Trimming, question: str, *, budget: int | None) -> None:
        self._owner = owner
        self._question = question
        self._rules = ThoughtTrimmer(question, owner.config, budget=budget)
        self._watcher = owner.signal.watch(question) if owner.signal is not None else None
        self._segmenter = ThoughtSegmenter(owner.config)
        self._thoughts: list[Thought] = []
        self._pieces: list[str] = []
        self._num_characters = 0
        self._tokens_before = owner.signal.tokens_spent if owner.signal is not None else 0
        self._last_message = 0.0
        self._is_looking = False
        self._looking_since = 0.0
        self._is_closed = False
        self._pending_rules = ""
        self._pending_ids: list[int] = []
        self._rules_due = 0.0
        self._from_verifier: Verdict | None = None
        self.report = StreamReport()

    @property
    def verdict(self) -> Verdict | None:
        """The decision so far."""
        return self.report.verdict

    @property
    def best_answer(self) -> Answer | None:
        """What the thinking so far concludes."""
        return self._rules.best_answer

    @property
    def num_tokens(self) -> int:
        """Tokens so far, estimated where ids are unknown."""
        return self.report.num_tokens

    def push(
        self, text: str, *, token_ids: Sequence[int] = (), handle: object | None = None
    ) -> Verdict | None:
        """Take in a piece of the thinking and return the verdict as soon as there is one; never waits.

        Parameters
        ----------
        text : str
            What the decoder just wrote.
        token_ids : sequence of int
            Its token ids, where known.
        handle : object, optional
            What a self-probe would fork at this point.
        """
        if self.report.verdict is not None or self._is_closed:
            return self.report.verdict
        started = time.perf_counter()
        self._pieces.append(text)
        self._num_characters += len(text)
        self.report.num_tokens += len(token_ids) or self._estimate(text)
        verdict = self._from_verifier or self._run_rules(text, token_ids)
        if verdict is not None:
            self.report.verdict = replace(verdict, position=self._num_characters)
        elif self._watcher is not None:
            self._thoughts += self._segmenter.push(text)
            self._message(handle)
        self.report.work_ms += (time.perf_counter() - started) * 1000.0
        return self.report.verdict

    async def settle(self) -> Verdict | None:
        """Wait until the look under way has ended: for tests and replays that must not depend on timing.

        A decode loop must not call it; the time spent is reported as `decoder_wait_ms`.
        """
        with self._waiting():
            while self._is_looking and self._owner.pool.is_running:
                await asyncio.sleep(0.001)
        return self.push("")

    def close(self) -> StreamReport:
        """End the stream and return its report; a verdict that comes later is counted as late."""
        if not self._is_closed:
            self._is_closed = True
            report, signal = self.report, self._owner.signal
            report.num_thoughts = self._rules.num_thoughts
            if signal is not None:
                report.verifier_tokens = signal.tokens_spent - self._tokens_before
            report.tokens_saved = _estimate_saving(report)
            self._owner.reports.append(report)
        return self.report

    def _estimate(self, text: str) -> int:
        """Estimate the tokens of a piece, carrying fractions over."""
        return (
            round(self._num_characters / self._owner.config.characters_per_token) - self.report.num_tokens
            if text
            else 0
        )

    def _run_rules(self, text: str, token_ids: Sequence[int]) -> Verdict | None:
        """Run the rules every `rule_interval` tokens."""
        self._pending_rules += text
        self._pending_ids += token_ids
        if self.report.num_tokens < self._rules_due:
            return None
        self._rules_due = self.report.num_tokens + self._owner.config.rule_interval
        text, ids = self._pending_rules, self._pending_ids
        self._pending_rules, self._pending_ids = "", []
        return self._rules.push(text, token_ids=ids)

    def _message(self, handle: object | None) -> None:
        """Send one message every `interval` tokens of new text, at most one under way."""
        tokens = self.report.num_tokens
        if self._watcher is None or tokens - self._last_message < self._owner.config.interval:
            return
        now = time.monotonic()
        if self._is_looking and now - self._looking_since < 2 * self._owner.pool.timeout_s:
            return
        watcher, progress = self._watcher, self._progress(handle)
        self._is_looking, self._looking_since = True, now
        if self._owner.pool.submit(lambda: watcher.look(progress), self._looked):
            self._last_message = tokens
            self.report.num_messages += 1
        else:
            self._is_looking = False

    def _progress(self, handle: object | None) -> Progress:
        return Progress(
            self._question,
            self._pieces,
            len(self._pieces),
            tuple(self._thoughts),
            self.report.num_tokens,
            handle,
        )

    def _looked(self, look: Look) -> None:
        """Take a look's end, on the pool's thread: only plain assignments."""
        self.report.verifier_ms += look.milliseconds
        if look.failure:
            self.report.num_failed += 1
            self.report.failures[look.failure] += 1
        if look.verdict is not None:
            if self._is_closed or self.report.verdict is not None:
                self.report.num_late += 1
            else:
                self._from_verifier = look.verdict
        self._is_looking = False

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Count the time inside as the decoder's wait: every await or lock of ours in a decode loop goes through here."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.report.decoder_wait_ms += (time.perf_counter() - started) * 1000.0


def _estimate_saving(report: StreamReport) -> int:
    """Return the tokens a cut will have saved on average, less what the verifier spent."""
    if report.verdict is None:
        return -report.verifier_tokens
    share = EXPECTED_SAVING[report.verdict.reason]
    return round(report.num_tokens * share / (1.0 - share)) - report.verifier_tokens
