"""What a sequence emits: one committed token after another, the text they make, and what ends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentcore.decoding._stopping import StopText
from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding.constraints._closing import closing_tokens
from agentcore.decoding.constraints._protocol import Constraint

__all__ = ["Output", "Step"]

# Tokens before the end of the budget from which a constrained output must still be able to close.
_CLOSING_WINDOW = 128

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Step:
    """One committed token.

    Attributes
    ----------
    token_id : int
    text : str
        Text that became certain with it; holds back half characters and possible beginnings of a stop string.
    logprob : float or None
        Its log-probability under the model (before temperature and constraint); None unless asked for, or forced.
    is_forced : bool
        Whether a constraint left no choice, so that it cost no forward of its own.
    finish : {"stop", "length"} or None
        Why this is the last step; None before.
    """

    token_id: int
    text: str
    logprob: float | None = None
    is_forced: bool = False
    finish: FinishReason | None = None


class Output:
    """The emitted tokens of one sequence: grammar, text and count advance by committed tokens only.

    Parameters
    ----------
    tokenizer : Tokenizer
        The model's.
    budget : int
        At most this many tokens are emitted.
    stop : str or sequence of str
        Texts that end the output.
    constraint : Constraint, optional
        What the output must satisfy; it is advanced in place.

    Attributes
    ----------
    left : int
        Tokens that may still be emitted.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        budget: int,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._text = StopText(tokenizer, stop)
        self._constraint = constraint
        self.left = budget

    @property
    def is_closing(self) -> bool:
        """Whether a constrained output must look where it goes: from here it may be too late to close it."""
        return self._constraint is not None and self.left <= _CLOSING_WINDOW

    def forced(self) -> list[int]:
        """Return the tokens that the constraint leaves no choice about, as far as the budget goes."""
        if self._constraint is None or self._constraint.is_finished:
            return []
        return list(self._constraint.forced()[: self.left])

    def steered(self, token_id: int) -> int:
        """Return the token, or another one where the output could no longer be completed within the budget behind it."""
        if not self.is_closing:
            return token_id
        assert self._constraint is not None
        after = self._constraint.fork()
        after.advance([token_id])
        if closing_tokens(after, self._tokenizer, limit=self.left - 1) is not None:
            return token_id
        closing = closing_tokens(self._constraint, self._tokenizer, limit=self.left)
        if closing is None:
            return token_id
        if closing:
            return closing[0]
        allowed = self._constraint.allowed()
        return next((end for end in self._tokenizer.eos_ids if allowed[end]), token_id)

    def advance(self, token_id: int) -> None:
        """Advance the constraint by a token that it allows."""
        if self._constraint is not None:
            taken = self._constraint.advance([token_id])
            assert taken == 1, "a chosen token is always allowed"

    def commit(self, token_id: int, *, is_forced: bool = False, logprob: float | None = None) -> Step:
        """Count one token that stays and by which the constraint is advanced already, and turn it into text."""
        self.left -= 1
        is_end = token_id in self._tokenizer.eos_ids
        shown, stopped = ("", False) if is_end else self._text.push(token_id)
        is_complete = self._constraint is not None and self._constraint.is_finished
        finish: FinishReason | None = None
        if is_end or is_complete or stopped:
            finish = "stop"
        elif self.left == 0:
            finish = "length"
        if finish is not None and not stopped:
            shown += self._text.flush()
        return Step(token_id, shown, logprob=logprob, is_forced=is_forced, finish=finish)
