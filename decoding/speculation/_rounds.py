"""The rounds of speculative decoding: plan a draft, verify it in one forward, commit what stays.

Letters: `V` vocabulary.
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

from agentcore.decoding._block_pool import CancelSignal
from agentcore.decoding._output import Output, Step
from agentcore.decoding.constraints import Constraint
from agentcore.decoding.errors import ContextOverflowError, GenerationCancelled
from agentcore.decoding.speculation._acceptance import AcceptanceRule
from agentcore.decoding.speculation._compose import compose
from agentcore.decoding.speculation._draft import (
    EMPTY_DRAFT,
    Draft,
    Drafter,
    ReadsHidden,
    SharesCache,
    Verification,
)
from agentcore.decoding.speculation._draft_policy import DraftPolicy
from agentcore.decoding.speculation._report import SpeculationReport
from agentcore.decoding.speculation._target import Target

__all__ = ["Rounds"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The draft to run, and all that were proposed, with what each took in seconds."""

    draft: Draft = EMPTY_DRAFT
    drafts: Sequence[Draft] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


class Rounds:
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
        budget = min(max_new_tokens, limit - cached - len(prompt_ids))
        self.output = Output(model.tokenizer, budget=budget, stop=stop, constraint=constraint)
        self.cache = cache
        self.capacity = len(prompt_ids) + budget + (fixed_rows or 0)
        self.cached_ids = cached_ids
        self.num_prompt = len(prompt_ids)
        self.pending = list(prompt_ids)  # committed, not yet in the cache
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
        steps: list[Step] = []
        for token_id in self.output.forced():
            self.output.advance(token_id)
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
        room = self.output.left - 1  # the target's own token follows every draft
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
                    eos_ids=self.model.tokenizer.eos_ids,
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
            assert proposal is not None
            self.output.advance(proposal)
            return proposal
        distribution = None if draft.distributions is None or proposal is None else draft.distributions[row]
        if self.constraint is None:
            return self.rule.choose(
                row, proposal=proposal, distribution=distribution, is_sampled=draft.is_sampled
            )
        certain = None if self.output.is_closing else self.rule.certain(row)
        if certain is not None and self.constraint.advance([certain]) == 1:
            return certain
        token_id = self.rule.choose(
            row,
            proposal=proposal,
            distribution=distribution,
            is_sampled=draft.is_sampled,
            allowed=self.constraint.allowed(),
        )
        token_id = self.output.steered(token_id)
        self.output.advance(token_id)
        return token_id

    def commit(self, token_id: int, *, is_forced: bool) -> Step:
        """Count one token that stays, and turn it into text."""
        self.report.emitted += 1
        self.report.forced += is_forced
        return self.output.commit(token_id, is_forced=is_forced)

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
