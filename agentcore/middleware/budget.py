"""One limit of tokens, calls and seconds for a whole tree of agents.

A call is reserved before it is made and settled after it, so that parallel branches cannot all slip
through the same last gap: with an honest estimate a limit is passed by nothing, with a bad one by at most
the call that was under way. A call that is still under way when the time is up is given up: its thread may go
on, nobody waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage

from agentcore._numbers import check_count, check_number
from agentcore.background import Background, DeadlineError
from agentcore.errors import BudgetExceededError

__all__ = ["Budget", "Reservation", "Usage"]

Returned = TypeVar("Returned")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run has used so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written together."""
        return self.input_tokens + self.output_tokens

    def as_dict(self) -> dict[str, float]:
        """Return the counts as JSON values, the sum of tokens included."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "model_calls": self.model_calls,
            "tool_calls": self.tool_calls,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "calls": self.model_calls,
        }


class Reservation:
    """A call that may be made; say afterwards what it really used."""

    def __init__(self, estimate: int) -> None:
        self.estimate = estimate
        self.input_tokens = 0
        self.output_tokens = 0

    def settle(self, *, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """Add what the call used (may be called several times while it streams)."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens


class Budget(AgentMiddleware[Any, Any]):
    """Limits for everything done under it, and the count of what was used; safe from several threads.

    Give one object to an ``Agent``, or put it in the ``middleware`` of a ``create_agent``: at a limit the
    model is not called again and the agent ends with the reason as its last message.

    Parameters
    ----------
    max_tokens : int, optional
        Tokens read and written by all model calls together.
    max_calls : int, optional
        Model calls.
    max_seconds : float, optional
        Wall-clock seconds from the first use (:meth:`start`), those of earlier attempts included.
    clock : callable
        Returns seconds; replaceable for tests.

    Raises
    ------
    ConfigurationError
        For a limit that is negative or not finite, or a fraction of a token or call.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        max_calls: int | None = None,
        max_seconds: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        for name, limit, check in (
            ("max_tokens", max_tokens, check_count),
            ("max_calls", max_calls, check_count),
            ("max_seconds", max_seconds, check_number),
        ):
            if limit is not None:
                check(name, limit, least=0, cure=", or None for no limit")
        self.max_tokens = max_tokens
        self.max_calls = max_calls
        self.max_seconds = max_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._used = Usage()
        self._reserved = 0
        self._started: float | None = None

    def start(self) -> None:
        """Start the clock; later calls do nothing."""
        with self._lock:
            if self._started is None:
                self._started = self._clock()

    def fresh(self) -> Budget:
        """Return a budget of the same limits with nothing used (one run must not eat the next one's)."""
        return Budget(self.max_tokens, self.max_calls, self.max_seconds, clock=self._clock)

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        with self._lock:
            return self._usage()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, None without one."""
        if self.max_seconds is None:
            return None
        return max(0.0, self.max_seconds - self.usage.seconds)

    @property
    def tokens_left(self) -> int | None:
        """Tokens until the token limit, None without one."""
        if self.max_tokens is None:
            return None
        with self._lock:
            return max(0, self.max_tokens - self._used.tokens - self._reserved)

    def restore(self, used: Mapping[str, float]) -> None:
        """Take over what an earlier attempt at the same run used (the larger of both, count by count)."""
        with self._lock:
            now = self._usage()
            seconds = max(now.seconds, float(used.get("seconds", 0.0)))
            counts = {
                f.name: max(getattr(now, f.name), int(used.get(f.name, 0)))
                for f in fields(Usage)
                if f.name != "seconds"
            }
            self._used = Usage(seconds=0.0, **counts)
            self._started = self._clock() - seconds

    def check(self) -> None:
        """Raise when a limit is already reached.

        Raises
        ------
        BudgetExceededError
            Naming the limit.
        """
        with self._lock:
            self._refuse(tokens=0, calls=0)

    @contextmanager
    def reserve(self, tokens: int = 0) -> Iterator[Reservation]:
        """Reserve one model call of about so many tokens; settle the yielded reservation with the truth.

        Raises
        ------
        BudgetExceededError
            When the call would pass a limit; nothing is reserved then.
        """
        self.start()
        with self._lock:
            self._refuse(tokens=tokens, calls=1)
            self._reserved += tokens
            self._used = _add(self._used, model_calls=1)
        reservation = Reservation(tokens)
        try:
            yield reservation
        finally:
            with self._lock:
                self._reserved -= tokens
                self._used = _add(
                    self._used,
                    input_tokens=reservation.input_tokens,
                    output_tokens=reservation.output_tokens,
                )

    def count_tool_call(self) -> None:
        """Count a tool call, after asking whether time is left.

        Raises
        ------
        BudgetExceededError
            When the time is used up.
        """
        self.start()
        with self._lock:
            self._refuse(tokens=0, calls=0)
            self._used = _add(self._used, tool_calls=1)

    def in_time(self, call: Callable[[], Returned]) -> Returned:
        """Return what a call gives, unless the time limit comes first.

        Raises
        ------
        BudgetExceededError
            The time is up; the call goes on in a daemon thread that nobody waits for.
        """
        if (left := self.seconds_left) is None:
            return call()
        try:
            return Background(call).wait(left)
        except DeadlineError:
            raise self._out_of_time() from None

    def _out_of_time(self) -> BudgetExceededError:
        """Build the error of the time limit."""
        assert self.max_seconds is not None
        return BudgetExceededError("seconds", allowed=self.max_seconds, spent=round(self.usage.seconds, 3))

    def _usage(self) -> Usage:
        seconds = 0.0 if self._started is None else self._clock() - self._started
        return _add(self._used, seconds=seconds)

    def _refuse(self, *, tokens: int, calls: int) -> None:
        """Raise if so much more would pass a limit (the caller holds the lock)."""
        used = self._usage()
        if self.max_seconds is not None and used.seconds >= self.max_seconds:
            raise BudgetExceededError("seconds", allowed=self.max_seconds, spent=round(used.seconds, 3))
        if self.max_calls is not None and used.model_calls + calls > self.max_calls:
            raise BudgetExceededError("calls", allowed=self.max_calls, spent=used.model_calls)
        if self.max_tokens is not None and used.tokens + self._reserved + tokens > self.max_tokens:
            raise BudgetExceededError("tokens", allowed=self.max_tokens, spent=used.tokens)

    # The LangChain side: the same budget around the model calls of any create_agent.

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any] | AIMessage:
        """Make the call if the budget allows it, else end the agent with the reason."""
        try:
            with self.reserve(_estimate(request)) as reservation:
                response = self.in_time(lambda: handler(request))
                _settle(reservation, request, response)
                return response
        except BudgetExceededError as exc:
            return _farewell(exc)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """Async twin of :meth:`wrap_model_call`."""
        try:
            with self.reserve(_estimate(request)) as reservation:
                async with asyncio.timeout(self.seconds_left) as limit:
                    response = await handler(request)
                _settle(reservation, request, response)
                return response
        except TimeoutError:
            if not limit.expired():  # the model's own
                raise
            return _farewell(self._out_of_time())
        except BudgetExceededError as exc:
            return _farewell(exc)


def _add(used: Usage, **more: float) -> Usage:
    """Return the usage with so much more."""
    return replace(used, **{name: getattr(used, name) + count for name, count in more.items()})


def _estimate(request: ModelRequest[Any]) -> int:
    """Count the tokens of a request by the usual four characters a token."""
    return sum(len(str(message.content)) for message in request.messages) // 4


def _settle(reservation: Reservation, request: ModelRequest[Any], response: ModelResponse[Any]) -> None:
    """Add the usage that the messages of a response report; of a model that reports none, an estimate."""
    reported = [m.usage_metadata for m in response.result if isinstance(m, AIMessage) and m.usage_metadata]
    for usage in reported:
        reservation.settle(input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"])
    if not reported:
        written = sum(len(str(message.content)) for message in response.result) // 4
        reservation.settle(input_tokens=_estimate(request), output_tokens=written)


def _farewell(reason: BudgetExceededError) -> AIMessage:
    """Build the message with which an agent out of budget ends."""
    return AIMessage(
        f"Stopped: {reason}.", response_metadata={"finish_reason": "budget", "limit": reason.limit}
    )
