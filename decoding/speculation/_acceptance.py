"""Decide which drafted tokens the target keeps: greedily, by exact rejection sampling, or by judging divergence.

Letters: `n` drafted tokens, `V` vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from agentcore.decoding._model import check_finite
from agentcore.decoding._sampling import Sampler, Sampling
from agentcore.decoding.speculation._draft import TokenDistribution

__all__ = [
    "AcceptanceRule",
    "GreedyAcceptance",
    "JudgeAcceptance",
    "RejectionSampling",
    "divergence",
    "judge_threshold",
]

# The judge's threshold by the target's layout, in nats (docs/decisions/0026). int8 and bf16 draft in their own four bits, whose
# distributions lie so near that 0.1 gains what 0.3 does; int4 is drafted for by counts. Those of another model lie further away.
_THRESHOLDS = {"int4": 0.3, "int8": 0.1, "bf16": 0.1, "fp32": 0.1, "fp64": 0.1}
_OTHER_MODEL_THRESHOLD = 2.0
_SURE = 0.9  # above this probability the target's own best token is required (arXiv 2601.04766)
_LEAST_SHARE = 0.3  # of the best token's probability: what the target hardly considers is not let through
_WORDING = re.compile(rb" [a-z]+|[,.;:!?\n]+")  # whole words in small letters, and stops
_CALCULATION = re.compile(rb"[0-9+*/=<>%^{}\[\]_\\|]")  # and code
_PROSE = 16  # tokens without any of that behind which a text counts as prose
_PROSE_SHARE = (
    0.025  # of such tokens at the most in a prompt that is answered in prose from the first token on
)


def judge_threshold(layout: str, *, by_another_model: bool = False) -> float:
    """Return the judge's threshold in nats for a target in `layout`, drafted for by itself and by counts or by another model.

    Raises
    ------
    ValueError
        If there is no such layout.
    """
    if layout not in _THRESHOLDS:
        raise ValueError(f"unknown layout {layout!r}: use {', '.join(_THRESHOLDS)}")
    return _OTHER_MODEL_THRESHOLD if by_another_model else _THRESHOLDS[layout]


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
        self._coin = torch.Generator()
        if sampling.seed is None:
            self._coin.seed()
        else:
            self._coin.manual_seed(sampling.seed + 1)
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


class JudgeAcceptance(GreedyAcceptance):
    """Keep a draft also where the target is undecided and agrees with the drafter's distribution: lossy.

    A proposal x that is not the target's best token p* is kept when p(p*) <= 0.9, KL(p || q) < `threshold`, p(x) >= 0.3 p(p*),
    and it is a matter of wording: both tokens are stops or whole words in small letters (no names, no halves of words), and the
    last 16 tokens were prose, without a digit, an operator or a bracket. So calculations and code are decoded exactly, and the
    first 16 tokens behind a prompt of which more than one token in 40 is of that kind. Under a constraint, and for drafts
    without a distribution, the rule is greedy.

    Parameters
    ----------
    threshold : float
        Largest divergence in nats; 0 makes it greedy.
    token_bytes : callable
        Gives the bytes of a token.
    prompt_ids : sequence of int
        What is continued, control tokens left out.

    Notes
    -----
    Judge decoding by distributional divergence (https://arxiv.org/abs/2601.04766). Ours differs: the last three conditions are
    our own (docs/decisions/0026), the drafter may be an n-gram estimate or a trained head, whose distributions are smoothed
    over the vocabulary, and constrained spans are always exact. An instance follows one sequence.
    """

    is_lossless = False

    def __init__(
        self, threshold: float, *, token_bytes: Callable[[int], bytes], prompt_ids: Sequence[int] = ()
    ) -> None:
        if not threshold >= 0:
            raise ValueError(f"the judge's threshold must be 0 or more, got {threshold!r}")
        super().__init__()
        self.threshold = threshold
        self._token_bytes = token_bytes
        num_calculating = sum(map(self._calculates, prompt_ids))
        is_prose = num_calculating <= _PROSE_SHARE * len(prompt_ids)
        self._num_prose = _PROSE if is_prose else 0  # tokens since the last one of a calculation
        self.is_lossless = threshold == 0

    def choose(
        self,
        row: int,
        *,
        proposal: int | None = None,
        distribution: TokenDistribution | None = None,
        is_sampled: bool = False,  # noqa: ARG002 - a judge reads a greedy draft
        allowed: Tensor | None = None,
    ) -> int:
        """Return the proposal where the judge lets it pass, else the best token that is allowed."""
        chosen = super().choose(row, allowed=allowed)
        if (
            proposal is not None
            and distribution is not None
            and allowed is None
            and chosen != proposal
            and self._passes(row, chosen, proposal, distribution)
        ):
            chosen = proposal
        self._num_prose = 0 if self._calculates(chosen) else self._num_prose + 1
        return chosen

    def _calculates(self, token_id: int) -> bool:
        return _CALCULATION.search(self._token_bytes(token_id)) is not None

    def _passes(self, row: int, best: int, proposal: int, distribution: TokenDistribution) -> bool:
        if self._num_prose < _PROSE:
            return False
        if not all(_WORDING.fullmatch(self._token_bytes(token_id)) for token_id in (best, proposal)):
            return False
        p = self._scores[row].double().softmax(-1)
        top = float(p[best])
        if top > _SURE or float(p[proposal]) < _LEAST_SHARE * top:
            return False
        return divergence(p, distribution) < self.threshold


def divergence(p: Tensor, q: TokenDistribution) -> float:
    """Return KL(p || q) in nats.

    Parameters
    ----------
    p : Tensor, (V,), float64
        The target's probabilities.
    q : TokenDistribution
        The drafter's; infinite divergence where it rules out what the target considers.
    """
    p = p.cpu()
    p_log_p = float(torch.special.xlogy(p, p).sum())
    if q.ids is None:
        return p_log_p - float(torch.special.xlogy(p, torch.from_numpy(q.probabilities)).sum())
    ids = torch.from_numpy(q.ids).long()
    named = p[ids]
    cross = float(torch.special.xlogy(named, torch.from_numpy(q.probabilities)).sum())
    others = len(p) - len(ids)
    unnamed = max(1.0 - float(named.sum()), 0.0)
    if others and unnamed > 1e-12:
        if q.rest <= 0.0:
            return float("inf")
        cross += unnamed * float(torch.tensor(q.rest / others, dtype=torch.float64).log())
    return p_log_p - cross


def _permitted(scores: Tensor, allowed: Tensor | None) -> Tensor:
    return scores if allowed is None else scores.masked_fill(~allowed.to(scores.device), float("-inf"))
