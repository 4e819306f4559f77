"""Draft with a trained head, from the target's last hidden state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from agentcore.decoding._sampling import Sampling
from agentcore.decoding.speculation._draft import Draft, Guess, Verification
from agentcore.decoding.speculation._recurrent_head import RecurrentHead
from agentcore.decoding.speculation._writing import TokenChooser, write_draft

__all__ = ["RecurrentDrafter"]

# Tokens behind the last state that the target computed: a guess of a guess is worth less each time.
_FURTHEST = 16


class RecurrentDrafter:
    """Let a `RecurrentHead` write the next tokens.

    Parameters
    ----------
    head : RecurrentHead
        Trained for the target.
    sampling : Sampling, optional
        The target's. At a temperature the draft is drawn from the head's distribution under the same rule; at 0 the best
        token is taken.
    with_distributions : bool
        Keep the distributions of a greedy draft, which judge decoding needs.

    Notes
    -----
    It keeps no cache: a draft starts from the state behind which the target chose its last token. Forced tokens, which the
    target has not run yet, are read through the recurrence.
    """

    name = "recurrent"
    reads_hidden = True

    def __init__(
        self, head: RecurrentHead, *, sampling: Sampling | None = None, with_distributions: bool = False
    ) -> None:
        self.head = head
        self._chooser = TokenChooser(
            sampling or Sampling(), with_distributions=with_distributions, ids=head.vocabulary
        )
        self._state: Tensor | None = None
        self._unread: list[int] = []  # committed behind the state

    def start(self, prompt_ids: Sequence[int]) -> None:  # noqa: ARG002 - the target's state says it all
        """Begin a sequence; nothing is known of it before the target has run the prompt."""
        self._state, self._unread = None, []

    def add(self, ids: Sequence[int]) -> None:
        """Do nothing: the head knows only what the target's state holds."""

    def commit(self, verification: Verification) -> None:
        """Take the state behind the last token but one, as the target computed it, or note what it has not run."""
        if verification.hidden is None:
            self._unread.extend(verification.tokens)
            return
        place = min(len(verification.tokens), len(verification.hidden)) - 1
        self._state = verification.hidden[place : place + 1]
        self._unread = [*verification.tokens[-1:]]

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return what the head writes next."""
        return write_draft(self, limit, after=after)

    @contextmanager
    def writing(self) -> Iterator[Callable[[Sequence[int]], Guess | None]]:
        """Give the function that writes the next token; it remembers the states of what it has read."""
        state, unread, num_read = self._state, self._unread, 0

        @torch.inference_mode()
        def guess_after(tokens: Sequence[int]) -> Guess | None:
            nonlocal state, num_read
            path = [*unread, *tokens]
            if state is None or not num_read < len(path) <= _FURTHEST:
                return None
            for token in path[num_read:]:
                state = self.head.step(state, token)
            num_read = len(path)
            return self._chooser.choose(self.head.scores(state))

        yield guess_after
