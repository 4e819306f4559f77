"""Decode one request by one method, and say what it cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from agentcore.decoding import Constraint, GrammarConstraint, KVCache, LanguageModel, generate
from agentcore.decoding.speculation import (
    Governor,
    RecurrentHead,
    SpeculationReport,
    Speculator,
    StepTimeCurve,
    measure_step_times,
    speculate,
)
from agentcore.evaluation.decoding_traffic import Request

__all__ = [
    "AUTO",
    "DRAFT_MODEL",
    "FORCED",
    "JUDGE",
    "METHOD_NAMES",
    "PLAIN",
    "RECURRENT",
    "Outcome",
    "Runner",
    "constraint_of",
    "is_exact_with_fixed_rows",
]

PLAIN = "plain"
FORCED = "forced"
JUDGE = "judge"
AUTO = "auto"
DRAFT_MODEL = "draft_model"
RECURRENT = "recurrent"
# Each name with the drafting methods behind it; all but the judge are lossless.
METHODS: dict[str, str] = {
    "suffix": "suffix",
    "prompt_lookup": "prompt_lookup",
    "recycling": "recycling",
    "leap": "leap",
    "ngram_model": "ngram_model",
    JUDGE: "ngram_model",
    AUTO: "auto",
    DRAFT_MODEL: "draft_model",
    RECURRENT: "recurrent",
}
METHOD_NAMES = (PLAIN, FORCED, *METHODS)
_FIXED_ROWS = 4
_MAX_DRAFT = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """One decoded answer.

    Attributes
    ----------
    tokens : tuple of int
        The answer.
    seconds : float
        Decode time: everything after the prompt's own forward.
    report : SpeculationReport
        Counts.
    """

    tokens: tuple[int, ...]
    seconds: float
    report: SpeculationReport

    @property
    def seconds_a_token(self) -> float:
        """Decode seconds for each token after the first, which the prompt's forward gives."""
        return self.seconds / max(len(self.tokens) - 1, 1)


class Runner:
    """Decodes requests on one model; keeps what each method learns, as a running backbone does.

    Parameters
    ----------
    model : LanguageModel
        One tier.
    curve : StepTimeCurve
        Its step times, measured once.
    judge : float
        Threshold of the row "judge", in nats.
    max_new_tokens : int
        Bound on every answer.
    draft_model : LanguageModel or None
        A cheaper tier of the same file for the rows "draft_model" and "auto".
    head : RecurrentHead or None
        A head trained for the model, for the rows "recurrent" and "auto".

    Notes
    -----
    Every prompt is run once and its cache forked for each answer, so all methods begin with the same bits.
    """

    def __init__(
        self,
        model: LanguageModel,
        curve: StepTimeCurve,
        *,
        judge: float,
        max_new_tokens: int,
        draft_model: LanguageModel | None = None,
        head: RecurrentHead | None = None,
    ) -> None:
        self.model = model
        self.curve = curve
        self.judge = judge
        self.max_new_tokens = max_new_tokens
        self.draft_model = draft_model
        self.head = head
        self.prompt_seconds: dict[tuple[int, ...], float] = {}
        self._prices: dict[str, StepTimeCurve] = {}
        if draft_model is not None:
            self._prices[DRAFT_MODEL] = measure_step_times(draft_model, max_seconds=5.0)
        if head is not None:
            self._prices[RECURRENT] = head.step_times
        self._prompts: dict[tuple[int, ...], KVCache] = {}
        self._speculators: dict[str, Speculator] = {}
        self._plain_with_fixed_rows: dict[Request, list[int]] = {}

    def start_over(self) -> None:
        """Forget what the methods learnt."""
        self._speculators.clear()

    def decode(self, request: Request, method: str, *, with_forced: bool, run: str = "") -> Outcome:
        """Decode one request.

        Parameters
        ----------
        request : Request
            What to decode.
        method : str
            "plain" (one forward per emitted token, forced ones included), "forced" (no drafts, forced tokens free) or
            a name out of `METHODS`.
        with_forced : bool
            Whether tokens that the grammar forces are taken in their canonical split. Without, the model chooses every
            token among the allowed ones; the two give different, equally valid texts.
        run : str
            Whose earlier outputs may be drafted from.
        """
        constraint = constraint_of(request, self.model, with_forced=with_forced, one_by_one=method == PLAIN)
        report = SpeculationReport()
        options: dict[str, Any] = {
            "max_new_tokens": min(request.max_new_tokens, self.max_new_tokens),
            "stop": request.stop,
            "constraint": constraint,
            "cache": self.prompt(request),
            "cached_ids": request.prompt_ids[:-1],
            "report": report,
        }
        if method in (PLAIN, FORCED):
            steps = speculate(self.model, request.prompt_ids[-1:], drafter=[], **options)
        else:
            steps = self.speculator(method).generate(request.prompt_ids[-1:], run=run, **options)
        tokens = tuple(step.token_id for step in steps)
        return Outcome(tokens, report.decode_seconds, report)

    def plain_with_fixed_rows(self, request: Request) -> list[int]:
        """Return the tokens of plain decoding in deterministic mode, decoded once."""
        if request not in self._plain_with_fixed_rows:
            steps = generate(self.model, request.prompt_ids[-1:], **self.deterministic(request))
            self._plain_with_fixed_rows[request] = [step.token_id for step in steps]
        return self._plain_with_fixed_rows[request]

    def deterministic(self, request: Request) -> dict[str, Any]:
        """Return the options of a run in deterministic mode."""
        return {
            "max_new_tokens": min(request.max_new_tokens, self.max_new_tokens),
            "stop": request.stop,
            "constraint": constraint_of(request, self.model, with_forced=True, one_by_one=False),
            "cache": self.prompt(request),
            "fixed_rows": _FIXED_ROWS,
        }

    def prompt(self, request: Request) -> KVCache:
        """Return a cache that holds all of the prompt but its last token."""
        ids = request.prompt_ids
        if ids not in self._prompts:
            begun = time.perf_counter()
            cache = self.model.new_cache(len(ids))
            if len(ids) > 1:
                self.model.prefill(ids[:-1], cache)
            self.prompt_seconds[ids] = time.perf_counter() - begun
            self._prompts[ids] = cache
        return self._prompts[ids].fork(room=self.max_new_tokens + 2 * _MAX_DRAFT)

    def speculator(self, method: str) -> Speculator:
        """Return the speculator of a method, with what it has learnt since `start_over`."""
        if method not in self._speculators:
            self._speculators[method] = Speculator(
                self.model,
                methods=METHODS[method],
                draft_model=self.draft_model if method in (DRAFT_MODEL, AUTO) else None,
                head=self.head if method in (RECURRENT, AUTO) else None,
                judge=self.judge if method == JUDGE else 0.0,
                governor=Governor(self.curve, max_draft=_MAX_DRAFT, prices=self._prices),
            )
        return self._speculators[method]


class _OneByOne:
    """The same grammar, whose forced tokens are chosen one at a time like any other."""

    def __init__(self, inner: Constraint, *, with_forced: bool) -> None:
        self._inner = inner
        self._with_forced = with_forced
        self._queue: list[int] = []
        self._was_forced = False

    @property
    def is_complete(self) -> bool:
        return self._inner.is_complete

    @property
    def is_finished(self) -> bool:
        return self._inner.is_finished

    def allowed(self) -> torch.Tensor:
        allowed = self._inner.allowed()
        self._fill()
        return (
            torch.zeros_like(allowed).index_fill_(0, torch.tensor(self._queue[:1]), True)
            if self._queue
            else allowed
        )

    def forced(self) -> list[int]:
        return []

    def advance(self, ids: Sequence[int]) -> int:
        for taken, token in enumerate(ids):
            self._fill()
            if self._queue and token != self._queue[0]:
                return taken
            if self._inner.advance([token]) == 0:
                return taken
            self._was_forced = bool(self._queue)
            self._queue = self._queue[1:]
        return len(ids)

    def rollback(self, count: int) -> None:
        self._inner.rollback(count)
        self._queue, self._was_forced = [], False

    def fork(self) -> _OneByOne:
        twin = _OneByOne(self._inner.fork(), with_forced=self._with_forced)
        twin._queue, twin._was_forced = list(self._queue), self._was_forced
        return twin

    def _fill(self) -> None:
        """Look for a forced run once after each token that the model chose."""
        if self._with_forced and not self._queue and not self._was_forced and not self._inner.is_finished:
            self._queue = self._inner.forced()


def constraint_of(
    request: Request, model: LanguageModel, *, with_forced: bool, one_by_one: bool
) -> Constraint | None:
    """Return a fresh constraint of a request."""
    if request.grammar is None:
        return None
    constraint = GrammarConstraint(request.grammar, model.tokenizer)
    if with_forced and not one_by_one:
        return constraint
    return _OneByOne(constraint, with_forced=with_forced)


def is_exact_with_fixed_rows(runner: Runner, request: Request, method: str) -> bool:
    """Return whether a method gives the tokens of plain decoding in deterministic mode."""
    fast = runner.speculator(method).generate(
        request.prompt_ids[-1:], cached_ids=request.prompt_ids[:-1], **runner.deterministic(request)
    )
    return [step.token_id for step in fast] == runner.plain_with_fixed_rows(request)
