"""Draft with a smaller model of the same tokenizer, or with the same model in a cheaper tier."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from agentcore.decoding._sampling import Sampling
from agentcore.decoding.errors import TokenizerMismatchError
from agentcore.decoding.speculation._draft import Draft, Guess, Verification
from agentcore.decoding.speculation._target import Target
from agentcore.decoding.speculation._writing import MOST_CONFIDENT, TokenChooser, write_draft

__all__ = ["DraftModelDrafter"]

# Typical difference, in nats, between four bits and a dearer layout of one file in how far the two best tokens lie apart. On
# 600 tokens of ten encyclopedic passages the layouts agreed in .82 where the two lay within .2, and in .997 of the others.
_NOISE = 0.1


class DraftModelDrafter:
    """Let a cheaper model write the next tokens.

    Parameters
    ----------
    model : Target
        The drafting model. It keeps a cache of its own, unless it is the target's file in another weight layout: then it
        reads the target's, and needs no run of the prompt.
    target : Target
        The model that verifies; only its vocabulary is looked at.
    sampling : Sampling, optional
        The target's sampling. At a temperature the draft is drawn from the drafter's distribution under the same rule
        (best for exact rejection sampling); at 0 it takes the best token.
    with_distributions : bool
        Keep the distributions of a greedy draft, which judge decoding needs.
    stop_below : float
        End the draft behind a position whose best token is less likely than this. Not looked at where the cache is shared:
        there the target agrees even where neither is sure.

    Raises
    ------
    TokenizerMismatchError
        If the two models do not share their vocabulary.

    Notes
    -----
    Speculative decoding (https://arxiv.org/abs/2211.17192). The cache is brought up to date from the committed tokens at
    every proposal, so an accepted last draft, whose keys and values were never computed, cannot be forgotten. Drafting in
    four bits over the keys and values of the dearer layout is QSpec's idea (https://arxiv.org/abs/2410.11305); its activations
    are quantised and ours are not. The verifying forward writes over whatever the draft left behind the end of the cache.
    """

    name = "draft_model"

    def __init__(
        self,
        model: Target,
        *,
        target: Target,
        sampling: Sampling | None = None,
        with_distributions: bool = False,
        stop_below: float = 0.3,
    ) -> None:
        _check_same_vocabulary(model.tokenizer, target.tokenizer)
        self.model = model
        self.stop_below = stop_below
        self._chooser = TokenChooser(sampling or Sampling(), with_distributions=with_distributions)
        self._can_share = _is_same_file(model, target)
        self._offset: int | None = (
            None  # where the sequence begins in the target's cache, when that is shared
        )
        self._committed: list[int] = []
        self._fed: list[int] = []
        self._cache: Any = None

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Begin a sequence; its prompt is run at the first proposal."""
        self._committed = list(prompt_ids)
        self._fed = []
        self._cache = self._offset = None

    def share(self, cache: Any, *, offset: int) -> None:
        """Read the target's cache from now on, where the two models compute the same keys and values."""
        if self._can_share:
            self._cache, self._offset = cache, offset

    def add(self, ids: Sequence[int]) -> None:
        """Do nothing: a model knows only its sequence."""

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens."""
        self._committed.extend(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return what the drafting model writes next."""
        return write_draft(self, limit, after=after, eos_ids=self.model.tokenizer.eos_ids)

    @contextmanager
    def writing(self) -> Iterator[Callable[[Sequence[int]], Guess | None]]:
        """Give the function that writes the next token; afterwards a shared cache holds what it held before."""
        held = 0 if self._offset is None else self._cache.length
        try:
            yield self._guess_after
        finally:
            if self._offset is not None:
                self._cache.truncate(held)

    @torch.inference_mode()
    def _guess_after(self, tokens: Sequence[int]) -> Guess | None:
        context = [*self._committed, *tokens]
        if not context or len(context) + (self._offset or 0) >= self.model.spec.context_length:
            return None
        if self._offset is None:
            scores = self._catch_up(context)
        else:
            scores = self.model.forward(context[self._cache.length - self._offset :], self._cache)[-1]
        guess = self._choose(scores)
        is_unsure = self._offset is None and guess.confidence < self.stop_below
        return None if is_unsure and tokens else guess

    def _catch_up(self, context: list[int]) -> Tensor:
        """Make the drafter's own cache hold exactly `context` and return the scores after it, (V,)."""
        if self._cache is None:
            self._cache = self.model.new_cache(len(context) + 256)
        shared = len(self._fed)
        if self._fed != context[:shared]:
            pairs = zip(self._fed, context, strict=False)
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        shared = min(shared, len(context) - 1)
        self._cache.truncate(shared)
        unread = context[shared:]
        run = self.model.prefill if len(unread) > 1 else self.model.forward
        scores = run(unread, self._cache)[-1]
        self._fed = context
        return scores

    def _choose(self, scores: Tensor) -> Guess:
        """Return a token from scores, (V,), with how likely the target keeps it."""
        guess = self._chooser.choose(scores)
        if (
            self._offset is None or guess.is_sampled
        ):  # nothing that depends on a draw, or lengths would bias the output
            return guess
        first, second = scores.topk(2).values.tolist()
        return replace(guess, confidence=min(1.0 - 0.5 * math.exp((second - first) / _NOISE), MOST_CONFIDENT))


def _is_same_file(model: Target, target: Target) -> bool:
    """Whether two models are one file in two layouts whose keys and values have one type."""
    paths = (getattr(model, "path", None), getattr(target, "path", None))
    kinds = (getattr(model, "dtype", None), getattr(target, "dtype", None))
    return paths[0] is not None and paths[0] == paths[1] and kinds[0] == kinds[1]


def _check_same_vocabulary(one: object, other: object) -> None:
    sizes = one.vocabulary_size, other.vocabulary_size  # type: ignore[attr-defined]  # a Target's tokenizer
    if sizes[0] == sizes[1]:
        pairs = ((one.token_bytes(i), other.token_bytes(i)) for i in range(sizes[0]))  # type: ignore[attr-defined]
        differing = next((i for i, (left, right) in enumerate(pairs) if left != right), None)
        if differing is None:
            return
        detail = f"token {differing} differs"
    else:
        detail = f"{sizes[0]} and {sizes[1]} tokens"
    raise TokenizerMismatchError(
        f"the drafting model and the target have different vocabularies ({detail}): use two models of one family"
    )
