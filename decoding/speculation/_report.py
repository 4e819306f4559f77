"""Count what a speculative run did, for benchmarks and for users who ask why it is fast or slow."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["MethodCounts", "SpeculationReport"]


@dataclass(slots=True)
class MethodCounts:
    """What one method drafted.

    Attributes
    ----------
    drafts, drafted, accepted : int
        Verified drafts, their tokens, and how many of those the target kept; forced tokens are not counted.
    """

    drafts: int = 0
    drafted: int = 0
    accepted: int = 0


@dataclass(slots=True)
class SpeculationReport:
    """Counts of one sequence, or of many when it is passed to several calls.

    Attributes
    ----------
    emitted : int
        Tokens given out.
    forwards : int
        Forwards of the target after the prompt's own.
    rows : int
        Rows of those forwards.
    forced : int
        Emitted tokens that a constraint forced.
    decode_seconds, draft_seconds : float
        Wall time after the prompt's forward, and the part of it spent on drafting.
    methods : dict
        Counts by the method's name.
    """

    emitted: int = 0
    forwards: int = 0
    rows: int = 0
    forced: int = 0
    decode_seconds: float = 0.0
    draft_seconds: float = 0.0
    methods: dict[str, MethodCounts] = field(default_factory=dict)

    @property
    def tokens_per_forward(self) -> float:
        """Emitted tokens a forward."""
        return self.emitted / self.forwards if self.forwards else 0.0

    @property
    def accepted_mean(self) -> float:
        """Mean number of draft tokens kept a forward."""
        return (
            sum(counts.accepted for counts in self.methods.values()) / self.forwards if self.forwards else 0.0
        )

    @property
    def acceptance(self) -> float:
        """Share of drafted tokens that were kept."""
        drafted = sum(counts.drafted for counts in self.methods.values())
        return sum(counts.accepted for counts in self.methods.values()) / drafted if drafted else 0.0

    def count_draft(self, source: str, *, drafted: int, accepted: int) -> None:
        """Add one verified draft."""
        counts = self.methods.setdefault(source, MethodCounts())
        counts.drafts += 1
        counts.drafted += drafted
        counts.accepted += accepted
