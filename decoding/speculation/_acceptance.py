"""Decide which drafted tokens the target keeps: greedily, or by exact rejection sampling.

Letters: `n` drafted tokens, `V` vocabulary.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from agentcore.decoding._model import check_finite
from agentcore.decoding._sampling import Sampler, Sampling
from agentcore.decoding.speculation._draft import TokenDistribution

__all__ = [
    "AcceptanceRule",
    "GreedyAcceptance",
    "RejectionSampling",
]


class AcceptanceRule(Protocol):
    """Choose the token of each row, given what was drafted there; a draft is accepted when it is chosen."""

    is_lossless: bool

    def begin(self, scores: Tensor) -> list[int]:
        """Take the scores of one forward, (n + 1, V), and return the best token of each row."""
        ...

    def certain(self, row: int) -> int | None:
        """Return the token that `choose` would give if the constraint allows it; None where that cannot be said."""
        ...

    def choose(
        self,
        row: int,
        *,
        proposal: int | None = None,
        distribution: TokenDistribution | None = None,
        is_sampled: bool = False,
        allowed: Tensor | None = None,
    ) -> int:
        """Return the token of `row`.

        Parameters
        ----------
        row : int
            Which row of the scores.
        proposal : int or None
            The token drafted there; None behind the last draft.
        distribution : TokenDistribution or None
            What the drafter believed there.
        is_sampled : bool
            Whether `proposal` was drawn at random from `distribution`.
        allowed : Tensor or None, (V,), bool
            What a constraint permits; None for everything.
        """
        ...


class GreedyAcceptance:
    """Keep a draft exactly where it is the target's best token: plain greedy decoding, several tokens at a time."""

    is_lossless = True

    def __init__(self) -> None:
        self._scores = torch.empty(0)
        self._best: list[int] = []

    def begin(self, scores: Tensor) -> list[int]:
        """Take the scores of one forward, (n + 1, V), and return the best token of each row."""
        values, best = scores.max(-1)
        if not bool(torch.isfinite(values).all()):
            check_finite(scores)
        self._scores, self._best = scores, best.tolist()
        return self._best

    def certain(self, row: int) -> int | None:
        """Return the best token: the first among the best stays the first when others are ruled out."""
        return self._best[row]

    def choose(
        self,
        row: int,
        *,
        proposal: int | None = None,  # noqa: ARG002 - greedy needs no proposal
        distribution: TokenDistribution | None = None,  # noqa: ARG002
        is_sampled: bool = False,  # noqa: ARG002
        allowed: Tensor | None = None,
    ) -> int:
        """Return the best token that is allowed."""
        if allowed is None:
            return self._best[row]
        return int(_permitted(self._scores[row], allowed).argmax())


class RejectionSampling:
    """Keep drafts such that the output has exactly the target's distribution, at any temperature.

    A proposal x drawn from q is kept with probability min(1, p(x)/q(x)); otherwise the token is drawn from the rest,
    max(p - q, 0) normalised. A certain proposal (a point mass) is kept when the token drawn from p equals it, which is
    the same rule; it takes one draw a token in the order of plain sampling, so with the same seed such drafts give
    the very text of plain sampling.

    Parameters
    ----------
    sampling : Sampling
        Temperature, truncation and seed.

    Notes
    -----
    Speculative sampling (https://arxiv.org/abs/2302.01318, https://arxiv.org/abs/2211.17192); p is what `Sampler`
    draws from, after the constraint, temperature, top-k and top-p, and the arithmetic of the ratio is float64.
    """

    is_lossless = True

    def __init__(self, sampling: Sampling) -> None:
        self._sampler = Sampler(sampling)
        self._coin = sampling.generator(stream=1)
        self._scores = torch.empty(0)

    def begin(self, scores: Tensor) -> list[int]:
        """Take the scores of one forward, (n + 1, V), and return the best token of each row."""
        check_finite(scores)
        self._scores = scores
        best: list[int] = scores.argmax(-1).tolist()
        return best

    def certain(self, row: int) -> int | None:  # noqa: ARG002 - a draw needs the mask first
        """Return None: the mask shapes the distribution, so it must come first."""
        return None

    def choose(
        self,
        row: int,
        *,
        proposal: int | None = None,
        distribution: TokenDistribution | None = None,
        is_sampled: bool = False,
        allowed: Tensor | None = None,
    ) -> int:
        """Return the proposal or a token of the target's own, in exactly the target's proportions."""
        scores = _permitted(self._scores[row], allowed)
        if proposal is None or not is_sampled:
            return self._sampler.choose(scores)
        assert distribution is not None, "a sampled draft carries its distributions"
        p = self._sampler.probabilities(scores).double().cpu()
        p /= p.sum()
        q = torch.from_numpy(distribution.dense(len(p)))
        if float(torch.rand((), generator=self._coin, dtype=torch.float64)) * float(q[proposal]) < float(
            p[proposal]
        ):
            return proposal
        rest = (p - q).clamp_(min=0.0)
        if not float(rest.sum()) > 0.0:  # p and q agree to the last bit
            rest = p
        return int(torch.multinomial(rest, 1, generator=self._coin))


def _permitted(scores: Tensor, allowed: Tensor | None) -> Tensor:
    return scores if allowed is None else scores.masked_fill(~allowed.to(scores.device), float("-inf"))
