"""The exact acceptance rules on bare scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agentcore.decoding import Sampling
from agentcore.decoding.speculation import (
    GreedyAcceptance,
    RejectionSampling,
    TokenDistribution,
)

UNDECIDED = torch.tensor([[0.0, 1.0, 0.9, -3.0]], dtype=torch.float64)

SURE = torch.tensor([[0.0, 9.0, 1.0, -3.0]], dtype=torch.float64)


def test_greedy_takes_the_best_allowed_token() -> None:
    """A mask rules tokens out before the choice, and without one the best token wins."""
    rule = GreedyAcceptance()
    assert rule.begin(UNDECIDED) == [1]
    assert rule.choose(0, proposal=2) == 1
    assert rule.choose(0, allowed=torch.tensor([True, False, False, True])) == 0


def test_a_sampled_proposal_survives_in_proportion_to_the_overlap() -> None:
    """Over many rows a proposal drawn from q is kept with probability sum(min(p, q)), and never otherwise."""
    q = np.array([0.5, 0.1, 0.1, 0.3])
    p = UNDECIDED[0].softmax(-1).numpy()
    rng = np.random.default_rng(0)
    rule = RejectionSampling(Sampling(temperature=1.0, seed=3))
    rule.begin(UNDECIDED)
    kept = 0
    for _ in range(4000):
        proposal = int(rng.choice(4, p=q))
        chosen = rule.choose(0, proposal=proposal, distribution=TokenDistribution(None, q), is_sampled=True)
        kept += chosen == proposal
    assert kept / 4000 == pytest.approx(np.minimum(p, q).sum(), abs=0.03)
