"""Continuous batching: forwards that several threads ask for at the same time run as one.

There is no engine thread: one of the waiting callers leads, runs what is due until its own request is done, and hands the
lead to the next. A lone caller therefore never changes threads, and sequences join and leave at every step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from agentcore.decoding._cache import KVCache

__all__ = ["BatchQueue", "Request"]

# How long a batch is held open for sequences that took part in the last one, in steps of the last batch: their callers
# are choosing tokens meanwhile, which costs far less than a step without them.
_PATIENCE = 0.5


@dataclass(eq=False, slots=True)
class Request:
    """New tokens of one sequence, and what came of them.

    Attributes
    ----------
    ids : sequence of int
        New tokens.
    cache : KVCache
        The sequence.
    rows, positions, mask, kernels, fixed_rows, queries, hidden
        As for `LanguageModel.forward`.
    prompt : sequence of int
        The rest of the prompt that `ids` begins; other sequences may have computed it already. Empty for other tokens.
    is_short : bool
        Whether it can run with others and in front of long ones.
    scores : Tensor or None
        The result.
    error : BaseException or None
        What went wrong instead.
    """

    ids: Sequence[int]
    cache: KVCache
    rows: Literal["last", "all", "none"] = "last"
    positions: Sequence[int] | None = None
    mask: Tensor | None = None
    kernels: Literal["few", "many"] | None = None
    fixed_rows: int | None = None
    queries: list[Tensor] | None = None
    hidden: list[Tensor] | None = None
    prompt: Sequence[int] = ()
    is_short: bool = False
    scores: Tensor | None = None
    error: BaseException | None = None
    wake: threading.Event = field(default_factory=threading.Event)

    @property
    def is_fixed(self) -> bool:
        """Whether it runs over exactly `fixed_rows` rows."""
        return self.fixed_rows is not None and len(self.ids) <= self.fixed_rows

    @property
    def num_rows(self) -> int:
        """Rows of the forward, padding included."""
        return self.fixed_rows if self.is_fixed and self.fixed_rows is not None else len(self.ids)

    @property
    def is_done(self) -> bool:
        """Whether it was run, well or not."""
        return self.scores is not None or self.error is not None


class BatchQueue:
    """Orders the forwards of one model, and gathers short ones into batches.

    Parameters
    ----------
    run : callable
        Runs requests as one forward and fills in each one's scores or error.
    max_rows : int
        Most rows of a batch of several requests.

    Notes
    -----
    Requests run in the order of their arrival, with one exception: while short ones and long ones (chunks of prompts) both
    wait, they take turns, so that a long prompt delays every other sequence by one chunk a step, and no more.
    """

    def __init__(self, run: Callable[[Sequence[Request]], None], *, max_rows: int) -> None:
        self._run = run
        self._max_rows = max_rows
        self._waiting: list[Request] = []
        self._arrival = threading.Condition()
        self._leader: Request | None = None
        self._was_short = False
        self._expected = 1
        self._step_s = 0.0

    @property
    def num_others(self) -> int:
        """Sequences that, by the last batch, a new request will share its forward with."""
        return self._expected - 1

    def submit(self, request: Request) -> Tensor:
        """Run a request, with others or alone, and return its scores."""
        with self._arrival:
            self._waiting.append(request)
            if self._leader is None:
                self._leader = request
            else:
                self._arrival.notify()
        try:
            if self._leader is not request:
                request.wake.wait()
            while not request.is_done:
                self._lead(request)
        finally:
            self._leave(request)
        if request.error is not None:
            raise request.error
        assert request.scores is not None
        return request.scores

    def _lead(self, own: Request) -> None:
        """Run one batch."""
        batch = self._gather()
        begun = time.monotonic()
        try:
            self._run(batch)
        except Exception as exc:  # noqa: BLE001 - every caller of the batch raises it
            for request in batch:
                request.error = exc
        except BaseException as exc:  # noqa: BLE001 - raised again by `submit`
            # The leader is interrupted; nothing was counted as run, so the others' requests go back.
            with self._arrival:
                self._waiting[:0] = [
                    request for request in batch if request is not own and not request.is_done
                ]
            own.error = exc
        if batch[0].is_short:
            self._step_s = time.monotonic() - begun
        for request in batch:
            if request.is_done:
                request.wake.set()

    def _leave(self, request: Request) -> None:
        """Pass the lead on; an interrupted caller also takes its request out, or waits for the batch that has it."""
        with self._arrival:
            is_queued = request in self._waiting
            if is_queued:
                self._waiting.remove(request)
            if self._leader is request:
                self._leader = self._waiting[0] if self._waiting else None
                if self._leader is not None:
                    self._leader.wake.set()
                return
        if not request.is_done and not is_queued:
            request.wake.wait()

    def _gather(self) -> list[Request]:
        """Take the requests that run next."""
        deadline = time.monotonic() + _PATIENCE * self._step_s
        with self._arrival:
            long = next((request for request in self._waiting if not request.is_short), None)
            if long is not None and (self._was_short or not self._short()):
                batch = [long]
            else:
                while len(self._short()) < self._expected:
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._arrival.wait(left):
                        break
                # Those who wait beyond this batch are expected as well.
                self._expected = len(self._short())
                batch = self._fill(self._short())
            self._was_short = batch[0].is_short
            for request in batch:
                self._waiting.remove(request)
            return batch

    def _short(self) -> list[Request]:
        return [request for request in self._waiting if request.is_short]

    def _fill(self, short: list[Request]) -> list[Request]:
        """Return the oldest short requests that fit into one batch, at least one."""
        rows, batch = 0, list[Request]()
        for request in short:
            if batch and rows + request.num_rows > self._max_rows:
                break
            batch.append(request)
            rows += request.num_rows
        return batch
