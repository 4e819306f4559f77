"""Plain decoding: one forward per emitted token, forced tokens for free."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from agentcore.decoding._block_pool import CancelSignal
from agentcore.decoding._cache import KVCache
from agentcore.decoding._model import LanguageModel, check_finite
from agentcore.decoding._numbers import check_count
from agentcore.decoding._output import Output, Step
from agentcore.decoding._sampling import Sampler, Sampling
from agentcore.decoding.constraints._protocol import Constraint
from agentcore.decoding.errors import ContextOverflowError, GenerationCancelled

__all__ = ["generate"]


def generate(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    *,
    max_new_tokens: int = 256,
    sampling: Sampling | None = None,
    stop: Sequence[str] = (),
    constraint: Constraint | None = None,
    cancel: CancelSignal | None = None,
    cache: KVCache | None = None,
    logprobs: bool = False,
    fixed_rows: int | None = None,
) -> Iterator[Step]:
    """Continue a prompt token by token.

    Parameters
    ----------
    model : LanguageModel
        The model.
    prompt_ids : sequence of int
        Tokens to continue; with `cache`, only those that it does not hold yet.
    max_new_tokens : int
        At most this many tokens are emitted.
    sampling : Sampling, optional
        How tokens are chosen; greedy by default.
    stop : str or sequence of str
        Texts that end the output; they are not part of it.
    constraint : Constraint, optional
        What the output must satisfy; it is advanced in place.
    cancel : CancelSignal, optional
        Looked at between two tokens, and between two chunks of a prompt; a `cache` then holds those that were run.
    cache : KVCache, optional
        A sequence to continue, changed in place: force tokens into a live sequence by passing them as `prompt_ids`.
        Its last emitted token is not yet in it; `prompt_ids` must begin with that.
    logprobs : bool
        Whether each step carries its log-probability.
    fixed_rows : int, optional
        Run every forward after the prompt's over this many rows: the deterministic arithmetic of `LanguageModel.forward`.

    Yields
    ------
    Step
        The end-of-turn token is yielded with empty text.

    Raises
    ------
    ContextOverflowError
        If the prompt leaves no room for a single new token; fewer than `max_new_tokens` end with ``length`` instead.
    CacheFullError
        If there is no room for the sequence. Without a `cache` it waits until others have finished, unless nothing moves.
    GenerationCancelled
        If `cancel` is set between two tokens or two chunks of the prompt, or while waiting for room.
    NonFiniteLogitsError
        If the model's scores are not numbers.
    """
    check_count("max_new_tokens", max_new_tokens, least=1)
    if len(prompt_ids) == 0:
        raise ValueError("the prompt has no tokens: give at least one")
    if fixed_rows is not None and fixed_rows < 1:
        raise ValueError(f"fixed_rows must be at least 1, not {fixed_rows}")
    cached = 0 if cache is None else cache.length
    limit = model.spec.context_length
    if cached + len(prompt_ids) >= limit:
        raise ContextOverflowError(cached + len(prompt_ids) + 1, limit)
    budget = min(max_new_tokens, limit - cached - len(prompt_ids))
    own = None
    if cache is None:
        cache = own = model.new_cache(len(prompt_ids) + budget + (fixed_rows or 0), cancel=cancel)
    try:
        yield from _steps(
            model,
            list(prompt_ids),
            cache,
            output=Output(model.tokenizer, budget=budget, stop=stop, constraint=constraint),
            sampler=Sampler(sampling or Sampling()),
            constraint=constraint,
            cancel=cancel,
            logprobs=logprobs,
            fixed_rows=fixed_rows,
        )
    finally:
        if own is not None:
            own.release()


def _steps(
    model: LanguageModel,
    pending: list[int],
    cache: KVCache,
    *,
    output: Output,
    sampler: Sampler,
    constraint: Constraint | None,
    cancel: CancelSignal | None,
    logprobs: bool,
    fixed_rows: int | None,
) -> Iterator[Step]:
    """Decode until something ends the output; `pending` is committed, but not yet in the cache."""
    num_prompt = len(pending)
    while True:
        if cancel is not None and cancel.is_set():
            raise GenerationCancelled("cancelled by the caller")
        for token_id in output.forced():
            output.advance(token_id)
            step = output.commit(token_id, is_forced=True)
            pending.append(token_id)
            yield step
            if step.finish is not None:
                return
        with torch.inference_mode():
            scores = _extend(model, pending, cache, fixed_rows, num_prompt, cancel)
            token_id, logprob = _choose(scores, sampler, constraint, logprobs)
        token_id = output.steered(token_id)
        output.advance(token_id)
        step = output.commit(token_id, logprob=logprob)
        yield step
        if step.finish is not None:
            return
        pending, num_prompt = [token_id], 0


def _extend(
    model: LanguageModel,
    ids: Sequence[int],
    cache: KVCache,
    fixed_rows: int | None,
    num_prompt: int,
    cancel: CancelSignal | None,
) -> Tensor:
    """Run new tokens, the first `num_prompt` of them a prompt's, and return the scores for the one after them, (V,)."""
    if fixed_rows is None:
        return model.prefill(ids, cache, cancel=cancel)[-1]
    # Tokens forced right behind the prompt must not be run with it: one by one they would not be either.
    scores = model.prefill(ids[:num_prompt], cache, cancel=cancel) if num_prompt else None
    for begin in range(num_prompt, len(ids), fixed_rows):
        scores = model.forward(ids[begin : begin + fixed_rows], cache, fixed_rows=fixed_rows)
    assert scores is not None
    return scores[-1]


def _choose(
    scores: Tensor, sampler: Sampler, constraint: Constraint | None, logprobs: bool
) -> tuple[int, float | None]:
    allowed = (
        scores
        if constraint is None
        else scores.masked_fill(~constraint.allowed().to(scores.device), float("-inf"))
    )
    token_id = sampler.choose(allowed)
    value = float(scores[token_id])
    if not math.isfinite(value):
        check_finite(scores)
    return token_id, float(scores.log_softmax(0)[token_id]) if logprobs else None
