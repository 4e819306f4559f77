"""What drafters that write token by token have in common: a choice among scores, and a draft out of choices."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import torch
from torch import Tensor

from agentcore.decoding._sampling import Sampler, Sampling
from agentcore.decoding.speculation._draft import Draft, Guess, TokenDistribution, WritesByToken

__all__ = ["MOST_CONFIDENT", "TokenChooser", "write_draft"]

MOST_CONFIDENT = 0.999  # nothing that is not forced is certain
_UNNAMED = 0.02  # what a judge is told of tokens that a drafter has no scores for; a draw must say what it was drawn from


class TokenChooser:
    """Choose a drafted token from a drafter's scores: the best one, or at a temperature one that is drawn.

    Parameters
    ----------
    sampling : Sampling
        The target's. A draw has a random state of its own.
    with_distributions : bool
        Whether greedy choices keep the distribution; drawn ones always do.
    ids : Tensor or None, (N,), int64
        The tokens that scores are about; None for the whole vocabulary.
    """

    def __init__(
        self, sampling: Sampling, *, with_distributions: bool = False, ids: Tensor | None = None
    ) -> None:
        self.is_greedy = sampling.is_greedy
        self._keeps = with_distributions or not sampling.is_greedy
        self._ids = ids
        self._names = None if ids is None else ids.numpy().astype("int32")
        self._sampler = Sampler(sampling)
        self._generator = sampling.generator(stream=2)

    def choose(self, scores: Tensor) -> Guess:
        """Return a token, how sure the drafter is of its best one, and what it believes, from scores, (V,) or (N,)."""
        if self.is_greedy:
            # A judge compares it in float64, but a drafter's weights make no more than float32.
            p = scores.softmax(-1).cpu()
            place = int(p.argmax())
            confidence = float(p[place])
        else:
            p = self._sampler.probabilities(scores).double().cpu()
            p /= p.sum()
            place = int(torch.multinomial(p, 1, generator=self._generator))
            confidence = float(p.max())
        return Guess(
            place if self._names is None else int(self._names[place]),
            min(confidence, MOST_CONFIDENT),
            self._distribution(p) if self._keeps else None,
            not self.is_greedy,
            p,
            self._ids,
        )

    def _distribution(self, p: Tensor) -> TokenDistribution:
        rest = _UNNAMED if self.is_greedy and self._names is not None else 0.0
        return TokenDistribution(self._names, p.double().numpy() * (1.0 - rest), rest)


def write_draft(
    drafter: WritesByToken, limit: int, *, after: Sequence[int] = (), eos_ids: AbstractSet[int] = frozenset()
) -> Draft:
    """Return at most `limit` tokens that a drafter writes behind the committed ones and `after`, none behind an end of turn."""
    guesses: list[Guess] = []
    tokens = list(after)
    with drafter.writing() as guess_after:
        while len(guesses) < limit and (guess := guess_after(tokens)) is not None:
            guesses.append(guess)
            tokens.append(guess.token)
            if guess.token in eos_ids:
                break
    known = tuple(guess.distribution for guess in guesses if guess.distribution is not None)
    return Draft(
        tuple(guess.token for guess in guesses),
        tuple(guess.confidence for guess in guesses),
        known if guesses and len(known) == len(guesses) else None,
        drafter.name,
        any(guess.is_sampled for guess in guesses),
    )
