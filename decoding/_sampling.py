"""Choosing the next token from scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from agentcore.decoding._numbers import check_count, check_number

__all__ = ["Sampler", "Sampling"]

_COLDEST = 1e-6  # below, scores divided by the temperature leave what float32 holds


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Attributes
    ----------
    temperature : float
        0 takes the best token, and so does what is below a millionth; above, the scores are divided by it.
    top_k : int
        Only the k best tokens stay; 0 for all.
    top_p : float
        Only the smallest set of best tokens with this total probability stays; 1 for all.
    seed : int or None
        Makes sampling repeatable; 64 bits with a sign.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, least=0)
        check_count("top_k", self.top_k, cure=", 0 for all")
        check_number("top_p", self.top_p)
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p!r}: use a number in (0, 1]")
        if self.seed is not None:
            check_count("seed", self.seed, least=-(2**63))
            if self.seed >= 2**63:
                raise ValueError(f"seed is {self.seed!r}: use one that fits into 64 bits")

    @property
    def is_greedy(self) -> bool:
        """Whether the best token is always taken."""
        return self.temperature < _COLDEST

    def generator(self, stream: int = 0) -> torch.Generator:
        """Return a new random state; streams of one seed are independent of each other."""
        generator = torch.Generator()
        if self.seed is None:
            generator.seed()
        else:
            generator.manual_seed(self.seed + stream)
        return generator


class Sampler:
    """Draws tokens for one sequence; holds its random state.

    Parameters
    ----------
    sampling : Sampling
        The rule.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._generator = None if sampling.is_greedy else sampling.generator()

    def choose(self, scores: Tensor) -> int:
        """Return a token id for `scores`, (V,), float32; -inf marks what is not allowed."""
        if self.sampling.is_greedy:
            return int(scores.argmax())
        return int(torch.multinomial(self.probabilities(scores), 1, generator=self._generator))

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return the distribution that `choose` draws from, (V,), float32."""
        sampling = self.sampling
        if sampling.is_greedy:
            return torch.zeros_like(scores).index_fill_(0, scores.argmax(), 1.0)
        scores = scores.cpu() / sampling.temperature
        if 0 < sampling.top_k < scores.shape[0]:
            kept = scores.topk(sampling.top_k)
            scores = torch.full_like(scores, float("-inf")).scatter_(0, kept.indices, kept.values)
        probabilities = scores.softmax(0)
        if sampling.top_p < 1:
            ordered, order = probabilities.sort(descending=True)
            outside = ordered.cumsum(0) - ordered >= sampling.top_p
            probabilities = probabilities.index_fill(0, order[outside], 0.0)
            probabilities /= probabilities.sum()
        return probabilities
