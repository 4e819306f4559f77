"""Generate with drafts: the loop that plans, verifies and commits.

Letters: `M` rows of one forward, `V` vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agentcore.decoding._generation import _CLOSING_WINDOW, CancelSignal, Step, _steer_home
from agentcore.decoding._sampling import Sampling
from agentcore.decoding._stopping import StopText
from agentcore.decoding.constraints import Constraint
from agentcore.decoding.errors import ContextOverflowError, GenerationCancelled
from agentcore.decoding.speculation._acceptance import AcceptanceRule, GreedyAcceptance, RejectionSampling
from agentcore.decoding.speculation._compose import compose
from agentcore.decoding.speculation._draft import (
    EMPTY_DRAFT,
    Draft,
    Drafter,
    ReadsHidden,
    SharesCache,
    Verification,
)
from agentcore.decoding.speculation._governor import DraftPolicy, FixedLength
from agentcore.decoding.speculation._judge import JudgeAcceptance
from agentcore.decoding.speculation._report import SpeculationReport
from agentcore.decoding.speculation._target import Target

__all__ = ["speculate"]


def speculate(
    model: Target,
    prompt_ids: Sequence[int],
    *,
    drafter: Drafter | Sequence[Drafter],
    max_new_tokens: int = 256,
    sampling: Sampling | None = None,
    judge: float = 0.0,
    stop: Sequence[str] = (),
    constraint: Constraint | None = None,
    governor: DraftPolicy | None = None,
    cancel: CancelSignal | None = None,
    cache: object | None = None,
    cached_ids: Sequence[int] = (),
    fixed_rows: int | None = None,
    report: SpeculationReport | None = None,
) -> Iterator[Step]:
    """Continue a prompt as `generate` does, verifying several drafted tokens in one forward.

    Parameters
    ----------
    model : Target
        The model, usually a `LanguageModel`.
    prompt_ids : sequence of int
        Tokens to continue; with `cache`, only those that it does not hold yet.
    drafter : Drafter or sequence of Drafter
        Who proposes; with several, `governor` picks one at each step. None at all is plain decoding.
    max_new_tokens : int
        At most this many tokens are emitted.
    sampling : Sampling, optional
        How tokens are chosen; greedy by default. Drafts never change the distribution of the output.
    judge : float
        Lossy above 0: greedy decoding also keeps drafts whose distribution diverges from the target's by less than
        this many nats (see `JudgeAcceptance`). Off under a constraint.
    stop : str or sequence of str
        Texts that end the output; they are not part of it.
    constraint : Constraint, optional
        What the output must satisfy; it is advanced in place, by committed tokens only.
    governor : DraftPolicy, optional
        How much to draft; by default up to eight tokens at every step.
    cancel : CancelSignal, optional
        Looked at between two forwards, and between two chunks of a prompt; a `cache` then holds those that were run.
    cache : KVCache, optional
        A sequence to continue, changed in place. Its last emitted token is not yet in it; `prompt_ids` must begin
        with that.
    cached_ids : sequence of int
        The tokens that `cache` holds, for the drafters to quote from.
    fixed_rows : int, optional
        Deterministic mode: every forward after the prompt's has this many rows in one weight layout, so that drafts do
        not change a bit of the scores. Plain decoding with the same number gives the same tokens.
    report : SpeculationReport, optional
        Receives counts and times.

    Yields
    ------
    Step
        One committed token each, as `generate` gives it. When the caller stops early, cache and constraint stand where
        the last token that it received left them.

    Raises
    ------
    ContextOverflowError, GenerationCancelled, NonFiniteLogitsError
        As `generate`.
    ValueError
        On an empty prompt, a judge together with a temperature, or bounds below 1; if a drafter proposes tokens that
        are not in the vocabulary.
    TypeError
        If `drafter` lacks a method of `Drafter`, or proposes something else than a `Draft`.
    """
    sampling = sampling or Sampling()
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}")
    if len(prompt_ids) == 0:
        raise ValueError("the prompt has no tokens: give at least one")
    if judge and not sampling.is_greedy:
        raise ValueError(
            "judge decoding is a rule for greedy decoding: set the temperature or the judge to 0"
        )
    if fixed_rows is not None and fixed_rows < 2:
        raise ValueError(f"fixed_rows must be at least 2, not {fixed_rows}")
    drafters = _checked(drafter)
    rule: AcceptanceRule
    if not sampling.is_greedy:
        rule = RejectionSampling(sampling)
    else:
        rule = _judge(judge, model, [*cached_ids, *prompt_ids]) if judge else GreedyAcceptance()
    run = _Run(
        model,
        prompt_ids,
        drafters=drafters,
        policy=(governor or FixedLength()).for_sequence(),
        rule=rule,
        max_new_tokens=max_new_tokens,
        stop=stop,
        constraint=constraint,
        cache=cache,
        cached_ids=cached_ids,
        fixed_rows=fixed_rows,
        report=report if report is not None else SpeculationReport(),
    )
    return run.steps(cancel)


def _judge(threshold: float, model: Target, prompt_ids: Sequence[int]) -> JudgeAcceptance:
    control = model.tokenizer.control_ids
    text = [token_id for token_id in prompt_ids if token_id not in control]
    return JudgeAcceptance(threshold, token_bytes=model.tokenizer.token_bytes, prompt_ids=text)


def _checked(drafter: Any) -> list[Drafter]:
    """Return the drafters, each with everything that the loop will ask of it."""
    drafters = list(drafter) if isinstance(drafter, Sequence) and not isinstance(drafter, str) else [drafter]
    for one in drafters:
        if isinstance(one, type) or not isinstance(one, Drafter):
            raise TypeError(
                f"{one!r} is no drafter: give an object with name, start, add, propose and commit"
            )
    return drafters


@dataclass(frozen=True, slots=True)
class _Plan:
    """The draft to run, and all that were proposed, with what each took in seconds."""

    draft: Draft = EMPTY_DRAFT
    drafts: Sequence[Draft] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


class _Run:
    """One sequence on its way: what is committed, and the parts that must agree about it."""

    def __init__(
        self,
        model: Target,
        prompt_ids: Sequence[int],
        *,
        drafters: list[Drafter],
        policy: DraftPolicy,
        rule: AcceptanceRule,
        max_new_tokens: int,
        stop: Sequence[str],
        constraint: Constraint | None,
        cache: object | None,
        cached_ids: Sequence[int],
        fixed_rows: int | None,
        report: SpeculationReport,
    ) -> None:
        limit = model.spec.context_length
        cached = 0 if cache is None else cache.length  # type: ignore[attr-defined]  # a Target's own cache type
        if cached + len(prompt_ids) >= limit:
            raise ContextOverflowError(cached + len(prompt_ids) + 1, limit)
        self.model, self.drafters, self.policy, self.rule = model, drafters, policy, rule
        self.constraint, self.fixed_rows, self.report = constraint, fixed_rows, report
        self.budget = min(max_new_tokens, limit - cached - len(prompt_ids))
        self.cache = cache
        self.capacity = len(prompt_ids) + self.budget + (fixed_rows or 0)
        self.text = StopText(model.tokenizer, stop)
        self.eos_ids = frozenset(model.tokenizer.eos_ids)
        self.cached_ids = cached_ids
        self.num_prompt = len(prompt_ids)
        self.pending = list(prompt_ids)  # committed, not yet in the cache
        self.emitted = 0
        self.hidden: list[Tensor] | None = None  # rows of the last forward, where a drafter reads them
        if any(isinstance(drafter, ReadsHidden) for drafter in drafters):
            self.hidden = []
        self.held_before = 0  # length of the cache with everything committed before this round

    def steps(self, cancel: CancelSignal | None) -> Iterator[Step]:
        if self.cache is not None:
            yield from self.rounds(cancel)
            return
        own = self.cache = self.model.new_cache(self.capacity, cancel=cancel)
        try:
            yield from self.rounds(cancel)
        finally:
            own.release()

    def rounds(self, cancel: CancelSignal | None) -> Iterator[Step]:
        for drafter in self.drafters:
            drafter.start([*self.cached_ids, *self.pending])
            if isinstance(drafter, SharesCache):
                drafter.share(self.cache, offset=self.cache.length - len(self.cached_ids))  # type: ignore[union-attr]
        is_prompt = True
        while True:
            if cancel is not None and cancel.is_set():
                raise GenerationCancelled("cancelled by the caller")
            begun = time.perf_counter()
            self.held_before = self.cache.length + len(self.pending)  # type: ignore[union-attr]
            steps = self.forced_steps()
            if not steps or steps[-1].finish is None:
                plan = _Plan() if is_prompt else self.plan()
                with torch.inference_mode():
                    steps += self.verify(plan, self.best(plan.draft, is_prompt=is_prompt, cancel=cancel))
            if not is_prompt:
                self.report.decode_seconds += time.perf_counter() - begun
            is_prompt = False
            yield from self.give_out(steps)
            if steps[-1].finish is not None:
                return

    def forced_steps(self) -> list[Step]:
        """Commit the tokens that the constraint leaves no choice about."""
        if self.constraint is None or self.constraint.is_finished:
            return []
        forced = self.constraint.forced()[: self.budget - self.emitted]
        steps: list[Step] = []
        for token_id in forced:
            self.constraint.advance([token_id])
            steps.append(self.commit(token_id, is_forced=True))
            self.pending.append(token_id)
            if steps[-1].finish is not None:
                break
        if steps:
            self.tell(Verification(tuple(step.token_id for step in steps)))
        return steps

    def plan(self) -> _Plan:
        """Ask the drafters and let the policy choose."""
        rows, others = len(self.pending), self.model.num_others
        room = self.budget - self.emitted - 1  # the target's own token follows every draft
        if self.fixed_rows is not None:
            room = min(room, -rows % self.fixed_rows)
        room = min(room, self.policy.max_draft)
        if room < 1:
            return _Plan()
        drafts: list[Draft] = []
        seconds: dict[str, float] = {}
        for drafter in self.drafters:
            begun = time.perf_counter()
            asked = min(room, self.policy.limit(drafter.name, rows=rows, rivals=drafts, others=others))
            if asked < 1:
                continue
            goes_on = partial(self.goes_on, drafter.name, rows, others)
            drafts.append(
                compose(
                    drafter,
                    self.constraint,
                    limit=asked,
                    eos_ids=self.eos_ids,
                    vocabulary_size=self.model.spec.vocabulary_size,
                    goes_on=goes_on,
                )
            )
            seconds[drafter.name] = time.perf_counter() - begun
        draft = (
            self.policy.choose(drafts, rows=rows, others=others)
            if any(len(draft) for draft in drafts)
            else EMPTY_DRAFT
        )
        self.report.draft_seconds += sum(seconds.values())
        return _Plan(draft, drafts, seconds)

    def goes_on(self, source: str, rows: int, others: int, confidences: Sequence[float], forced: int) -> bool:
        """Ask the policy whether a drafter that writes token by token writes another one."""
        return self.policy.goes_on(source, confidences, forced=forced, rows=rows, others=others)

    def best(self, draft: Draft, *, is_prompt: bool, cancel: CancelSignal | None) -> list[int]:
        """Show the rule the scores of a forward and return each row's best token; tell the policy what a lone one took."""
        is_like_measured = not is_prompt and self.fixed_rows is None and not self.model.num_others
        begun = time.perf_counter()
        best = self.rule.begin(self.scores(draft, is_prompt=is_prompt, cancel=cancel))
        if is_like_measured:
            self.policy.ran(len(self.pending) + len(draft), time.perf_counter() - begun)
        return best

    def scores(self, draft: Draft, *, is_prompt: bool, cancel: CancelSignal | None) -> Tensor:
        """Run what is pending and the draft; return the scores after the last pending token and each draft, (n + 1, V)."""
        ids = [*self.pending, *draft.tokens]
        options: dict[str, Any] = {}
        if self.hidden is not None:
            self.hidden.clear()
            options["hidden"] = self.hidden
        if is_prompt:
            if self.fixed_rows is None or len(ids) == self.num_prompt:
                return self.model.prefill(ids, self.cache, cancel=cancel, **options)
            self.model.prefill(ids[: self.num_prompt], self.cache, cancel=cancel)
            ids = ids[
                self.num_prompt :
            ]  # forced already: in deterministic mode no part of the prompt's arithmetic
        self.report.forwards += 1
        if self.fixed_rows is None:
            self.report.rows += len(ids)
            return self.model.forward(ids, self.cache, rows="all", **options)[-len(draft) - 1 :]
        options["fixed_rows"] = self.fixed_rows
        parts = []
        for begin in range(0, len(ids), self.fixed_rows):
            self.report.rows += self.fixed_rows
            part = ids[begin : begin + self.fixed_rows]
            parts.append(self.model.forward(part, self.cache, rows="all", **options))
        return torch.cat(parts)[-len(draft) - 1 :]

    def verify(self, plan: _Plan, best: list[int]) -> list[Step]:
        """Commit the accepted drafts and the target's own token, given each row's best; cut the cache to what is committed."""
        draft = plan.draft
        context = (self.pending[-1], *draft.tokens)
        held = self.cache.length - len(draft)  # type: ignore[union-attr]
        steps: list[Step] = []
        accepted = 0
        for row in range(len(draft) + 1):
            proposal = draft.tokens[row] if row < len(draft) else None
            is_forced = row in draft.forced
            if row and proposal is None and row - 1 not in draft.forced and self.must_follow():
                break  # the next round commits the forced tokens; this row's scores do not count
            token_id = self.decide(draft, row, proposal, is_forced=is_forced)
            best[row] = token_id
            steps.append(self.commit(token_id, is_forced=is_forced))
            if token_id != proposal:
                break
            accepted += 1
            if steps[-1].finish is not None:
                break
        self.cache.truncate(held + len(steps) - 1)  # type: ignore[union-attr]
        self.pending = [steps[-1].token_id]
        tokens = tuple(step.token_id for step in steps)
        if plan.drafts:
            self.policy.observe(plan.drafts, tokens, seconds=plan.seconds)
        if len(draft):
            free = [place for place in range(len(draft)) if place not in draft.forced]
            kept = sum(place < accepted for place in free)
            self.report.count_draft(draft.source, drafted=len(free), accepted=kept)
        top_ids = np.array(best, dtype=np.int32)[:, None]
        hidden = torch.cat(self.hidden)[-len(draft) - 1 :] if self.hidden else None
        self.tell(Verification(tokens, accepted, context, top_ids, hidden))
        return steps

    def must_follow(self) -> bool:
        """Whether the constraint forces the next token."""
        return self.constraint is not None and bool(self.constraint.forced())

    def decide(self, draft: Draft, row: int, proposal: int | None, *, is_forced: bool) -> int:
        """Return the token of one row, with the constraint advanced by it."""
        if is_forced:
            assert proposal is not None and self.constraint is not None
            self.constraint.advance([proposal])
            return proposal
        distribution = None if draft.distributions is None or proposal is None else draft.distributions[row]
        if self.constraint is None:
            return self.rule.choose(
                row, proposal=proposal, distribution=distribution, is_sampled=draft.is_sampled
            )
        left = self.budget - self.emitted
        certain = self.rule.certain(row) if left > _CLOSING_WINDOW else None
        if certain is not None and self.constraint.advance([certain]) == 1:
            return certain
        token_id = self.rule.choose(
            row,
            proposal=proposal,
            distribution=distribution,
            is_sampled=draft.is_sampled,
            allowed=self.constraint.allowed(),
        )
        if left <= _CLOSING_WINDOW:
            token_id = _steer_home(token_id, self.constraint, self.model.tokenizer, left=left)
        taken = self.constraint.advance([token_id])
        assert taken == 1, "a chosen token is always allowed"
        return token_id

    def commit(self, token_id: int, *, is_forced: bool) -> Step:
        """Count one token that stays, and turn it into text."""
        self.emitted += 1
        self.report.emitted += 1
        self.report.forced += is_forced
        is_end = token_id in self.eos_ids
        ended = is_end or (self.constraint is not None and self.constraint.is_finished)
        shown, stopped = ("", False) if is_end else self.text.push(token_id)
        is_last = self.emitted == self.budget
        finish = "stop" if ended or stopped else "length" if is_last else None
        if finish is not None and not stopped:
            shown += self.text.flush()
        return Step(token_id, shown, is_forced=is_forced, finish=finish)  # type: ignore[arg-type]

    def tell(self, verification: Verification) -> None:
        for drafter in self.drafters:
            drafter.commit(verification)

    def give_out(self, steps: list[Step]) -> Iterator[Step]:
        """Yield the steps; when the caller leaves in between, undo those that it never saw."""
        given = 0
        try:
            for step in steps:
                given += 1
                yield step
        finally:
            unseen = len(steps) - given
            if unseen:
                held = self.held_before + given - 1
                self.cache.truncate(min(self.cache.length, held))  # type: ignore[union-attr]
                if self.constraint is not None:
                    self.constraint.rollback(unseen)
