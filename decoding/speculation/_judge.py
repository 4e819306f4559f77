"""Judge which drafted tokens pass although the target would have chosen others: matters of wording, in prose.

Letters: `n` drafted tokens, `V` vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from agentcore.decoding.speculation._acceptance import GreedyAcceptance
from agentcore.decoding.speculation._draft import TokenDistribution

__all__ = ["JudgeAcceptance", "divergence", "judge_threshold"]

# The judge's threshold by the target's layout, in nats (docs/decisions/0026). int8 and bf16 draft in their own four bits, whose
# distributions lie so near that 0.1 gains what 0.3 does; int4 is drafted for by counts. Those of another model lie further away.
_THRESHOLDS = {"int4": 0.3, "int8": 0.1, "bf16": 0.1, "fp32": 0.1, "fp64": 0.1}
_OTHER_MODEL_THRESHOLD = 3.0
_SURE = 0.9  # above this probability the target's own best token is required (arXiv 2601.04766)
_LEAST_SHARE = 0.2  # of the best token's probability: what the target hardly considers is not let through
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


class JudgeAcceptance(GreedyAcceptance):
    """Keep a draft also where the target is undecided and agrees with the drafter's distribution: lossy.

    A proposal x that is not the target's best token p* is kept when p(p*) <= 0.9, KL(p || q) < `threshold`, p(x) >= 0.2 p(p*),
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
