"""Generate with drafts that one forward verifies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agentcore.decoding._block_pool import CancelSignal
from agentcore.decoding._output import Step
from agentcore.decoding._sampling import Sampling
from agentcore.decoding.constraints import Constraint
from agentcore.decoding.speculation._acceptance import AcceptanceRule, GreedyAcceptance, RejectionSampling
from agentcore.decoding.speculation._draft import Drafter
from agentcore.decoding.speculation._draft_policy import DraftPolicy, FixedLength
from agentcore.decoding.speculation._judge import JudgeAcceptance
from agentcore.decoding.speculation._report import SpeculationReport
from agentcore.decoding.speculation._rounds import Rounds
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
    rounds = Rounds(
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
    return rounds.steps(cancel)


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
