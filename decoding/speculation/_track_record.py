"""What drafting methods have done so far: forgetting estimates of what they bring and take."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Correction", "Share", "TrackRecord"]

# Before a level of confidence has been seen: 0.8 of it, worth six observations. Measured on recorded agent traffic against
# 1.0 and two observations: no loss on free text, 2 % more on the whole (acceptance measured, step times of a quiet machine).
_PRIOR_SHARE = 0.8
_PRIOR_WEIGHT = 6.0
_PRIOR_KEPT = (
    0.75  # of a drafting model's tokens before its first: models of one family agree on three in four
)
_BUCKETS = 10
_MEMORY = 200.0  # observations after which the old ones count half as much as the new ones
_COMPARED = 16.0  # proposals, or forwards, over which what was foreseen is corrected by what they took
# From what was foreseen: what took longer was held up by something else, or the measurement was.
_FURTHEST = 3.0


@dataclass(slots=True)
class Share:
    """A forgetting estimate of how much comes of what is expected."""

    found: float
    expected: float
    memory: float = _MEMORY

    @property
    def value(self) -> float:
        """Return what came of one that was expected."""
        return self.found / self.expected

    def observe(self, found: float, expected: float = 1.0) -> None:
        """Add what came and what was expected, and forget a little of what was before."""
        keep = self.memory / (self.memory + 1.0)
        self.found = keep * self.found + found
        self.expected = keep * self.expected + expected


@dataclass(slots=True)
class Correction:
    """What is taken, as a share of what was foreseen: a forgetting mean in which no outlier counts for much."""

    value: float = 1.0

    def compare(self, found: float, foreseen: float) -> None:
        """Move towards what was found of what was foreseen."""
        share = min(max(found / foreseen, 1.0 / _FURTHEST), _FURTHEST)
        self.value += (share - self.value) / _COMPARED


@dataclass(slots=True)
class TrackRecord:
    """What one method has done so far.

    Attributes
    ----------
    overall : Share
        Of its tokens that were kept.
    seconds, seconds_a_token : float
        Of one proposal, the fastest; 0 before the first.
    dearness : Correction
        Of its price where that is known, beside the target's.
    brought : Share
        Tokens of rounds for which it was asked, beside those that its average chance foresaw.
    declined : int
        Refusals since it was asked to explore.
    """

    overall: Share = field(default_factory=lambda: Share(_PRIOR_KEPT * _PRIOR_WEIGHT, _PRIOR_WEIGHT))
    seconds: float = 0.0
    seconds_a_token: float = 0.0
    dearness: Correction = field(default_factory=Correction)
    brought: Share = field(default_factory=lambda: Share(_COMPARED, _COMPARED, memory=_COMPARED - 1.0))
    declined: int = 0
    _levels: dict[int, Share] = field(default_factory=dict)

    def took(self, seconds: float, length: int) -> None:
        """Keep the fastest: other work only ever adds time."""
        self.seconds = min(self.seconds or seconds, seconds)
        self.seconds_a_token = min(self.seconds_a_token or seconds / length, seconds / length)

    def at(self, confidence: float) -> Share:
        """Return the share of tokens kept at the method's own level of confidence."""
        level = min(int(confidence * _BUCKETS), _BUCKETS - 1)
        if level not in self._levels:
            expected = _PRIOR_SHARE * (level + 0.5) / _BUCKETS
            self._levels[level] = Share(expected * _PRIOR_WEIGHT, _PRIOR_WEIGHT)
        return self._levels[level]
