"""What decides how much is drafted: the protocol, and the plainest one, a fixed length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from agentcore.decoding.speculation._draft import EMPTY_DRAFT, Draft

__all__ = ["DraftPolicy", "FixedLength"]


class DraftPolicy(Protocol):
    """Decide how much is drafted and what of it is verified."""

    max_draft: int

    def for_sequence(self) -> DraftPolicy:
        """Return the policy for one new sequence, which learns for all of them."""
        ...

    def limit(self, source: str, *, rows: int, rivals: Sequence[Draft] = (), others: int = 0) -> int:
        """Return how many tokens to ask of `source` for a forward that has `rows` rows anyway, beside the `rivals` at hand.

        `others` sequences share the forward: a row more is a delay to them as well.
        """
        ...

    def goes_on(
        self, source: str, confidences: Sequence[float], *, forced: int, rows: int, others: int = 0
    ) -> bool:
        """Return whether a drafter that writes token by token shall write another one behind these, `forced` of them forced."""
        ...

    def choose(self, drafts: Sequence[Draft], *, rows: int, others: int = 0) -> Draft:
        """Return the draft to verify, shortened, or an empty one."""
        ...

    def ran(self, rows: int, seconds: float) -> None:
        """Learn what a forward of one sequence over so many rows took."""
        ...

    def observe(
        self,
        drafts: Sequence[Draft],
        tokens: Sequence[int],
        *,
        seconds: Mapping[str, float],
    ) -> None:
        """Learn from one step.

        Parameters
        ----------
        drafts : sequence of Draft
            All proposals, whether they were run or not.
        tokens : sequence of int
            What was committed in their place.
        seconds : mapping
            What each source's proposal took.
        """
        ...


class FixedLength:
    """Verify the first non-empty draft up to a fixed length, whatever it costs.

    Parameters
    ----------
    max_draft : int
        The length.
    """

    def __init__(self, max_draft: int = 8) -> None:
        if max_draft < 0:
            raise ValueError(f"max_draft must be 0 or more, got {max_draft}")
        self.max_draft = max_draft

    def for_sequence(self) -> FixedLength:
        """Return itself."""
        return self

    def limit(self, source: str, *, rows: int, rivals: Sequence[Draft] = (), others: int = 0) -> int:  # noqa: ARG002
        """Return the fixed length, nothing when there is a draft already."""
        return 0 if any(len(draft) for draft in rivals) else self.max_draft

    def goes_on(
        self,
        source: str,  # noqa: ARG002 - the length is fixed
        confidences: Sequence[float],  # noqa: ARG002
        *,
        forced: int,  # noqa: ARG002
        rows: int,  # noqa: ARG002
        others: int = 0,  # noqa: ARG002
    ) -> bool:
        """Return True: the limit ends a draft."""
        return True

    def choose(self, drafts: Sequence[Draft], *, rows: int, others: int = 0) -> Draft:  # noqa: ARG002
        """Return the first draft that has a token."""
        return next((draft.shortened(self.max_draft) for draft in drafts if len(draft)), EMPTY_DRAFT)

    def ran(self, rows: int, seconds: float) -> None:
        """Learn nothing."""

    def observe(
        self,
        drafts: Sequence[Draft],
        tokens: Sequence[int],
        *,
        seconds: Mapping[str, float],
    ) -> None:
        """Learn nothing."""
