"""Decode one request by one method, and say what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from agentcore.decoding import Constraint, GrammarConstraint, LanguageModel, generate
from agentcore.decoding.speculation import Governor, SpeculationReport, Speculator, StepTimeCurve, speculate
from agentcore.evaluation.decoding_traffic import Request

__all__ = [
    "DRAFT_MODEL",
    "FORCED",
    "JUDGE",
    "METHOD_NAMES",
    "PLAIN",
    "Outcome",
    "Runner",
    "constraint_of",
    "is_exact_with_fixed_rows",
]

PLAIN = "plain"
FORCED = "forced"
JUDGE = "judge"
DRAFT_MODEL = "draft_model"
# Each name with the drafting methods behind it; all but the judge are lossless.
METHODS: dict[str, str] = {
    "suffix": "suffix",
    "prompt_lookup": "prompt_lookup",
    "recycling": "recycling",
    "leap": "leap",
    "ngram_model": "ngram_model",
    JUDGE: "ngram_model",
    "auto": "auto",
    DRAFT_MODEL: "draft_model",
}
METHOD_NAMES = (PLAIN, FORCED, *METHODS)
_FIXED_ROWS = 8


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
        A cheaper tier for the row "draft_model".
    """

    def __init__(
        self,
        model: LanguageModel,
        curve: StepTimeCurve,
        *,
        judge: float,
        max_new_tokens: int,
        draft_model: LanguageModel | None = None,
    ) -> None:
        self.model = model
        self.curve = curve
        self.judge = judge
        self.max_new_tokens = max_new_tokens
        self.draft_model = draft_model
        self._speculators: dict[str, Speculator] = {}

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
        budget = min(request.max_new_tokens, self.max_new_tokens)
        if method in (PLAIN, FORCED):
            steps = speculate(
                self.model,
                request.prompt_ids,
                drafter=[],
                max_new_tokens=budget,
                stop=request.stop,
                constraint=constraint,
                report=report,
            )
        else:
            steps = self.speculator(method).generate(
                request.prompt_ids,
                run=run,
                max_new_tokens=budget,
                stop=request.stop,
                constraint=constraint,
                report=report,
            )
        tokens = tuple(step.token_id for step in steps)
        return Outcome(tokens, report.decode_seconds, report)

    def speculator(self, method: str) -> Speculator:
        """Return the speculator of a method, with what it has learnt since `start_over`."""
        if method not in self._speculators:
            self._speculators[method] = Speculator(
                self.model,
                methods=METHODS[method],
                draft_model=self.draft_model if method == DRAFT_MODEL else None,
                judge=self.judge if method == JUDGE else 0.0,
                governor=Governor(self.curve, max_draft=12),
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
    model, budget = runner.model, min(request.max_new_tokens, runner.max_new_tokens)
    plain = generate(
        model,
        request.prompt_ids,
        max_new_tokens=budget,
        stop=request.stop,
        constraint=constraint_of(request, model, with_forced=True, one_by_one=False),
        fixed_rows=_FIXED_ROWS,
    )
    expected = [step.token_id for step in plain]
    fast = runner.speculator(method).generate(
        request.prompt_ids,
        max_new_tokens=budget,
        stop=request.stop,
        constraint=constraint_of(request, model, with_forced=True, one_by_one=False),
        fixed_rows=_FIXED_ROWS,
    )
    return [step.token_id for step in fast] == expected
