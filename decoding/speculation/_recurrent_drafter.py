"""Draft with a trained head, from the target's last hidden state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from agentcore.decoding._sampling import Sampler, Sampling
from agentcore.decoding.speculation._draft import Draft, Guess, TokenDistribution, Verification
from agentcore.decoding.speculation._recurrent_head import RecurrentHead

__all__ = ["RecurrentDrafter"]

_MOST = 0.999  # nothing that is not forced is certain
_FURTHEST = (
    16  # tokens behind the last state that the target computed: a guess of a guess is worth less each time
)


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
        self.sampling = sampling or Sampling()
        self.with_distributions = with_distributions
        self._sampler = Sampler(self.sampling)
        self._generator = torch.Generator()
        if self.sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(self.sampling.seed + 2)
        self._ids = head.vocabulary.numpy().astype("int32")
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
        guesses: list[Guess] = []
        tokens = list(after)
        with self.writing() as guess_after:
            while len(guesses) < limit and (guess := guess_after(tokens)) is not None:
                guesses.append(guess)
                tokens.append(guess.token)
        return Draft(
            tuple(guess.token for guess in guesses),
            tuple(guess.confidence for guess in guesses),
            tuple(guess.distribution for guess in guesses if guess.distribution) if self._keeps else None,
            self.name,
            not self.sampling.is_greedy,
        )

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
            return self._choose(self.head.scores(state))

        yield guess_after

    @property
    def _keeps(self) -> bool:
        return self.with_distributions or not self.sampling.is_greedy

    def _choose(self, scores: Tensor) -> Guess:
        """Return a token, how sure the head is of its best one, and what it believes, from scores, (N,)."""
        if self.sampling.is_greedy:
            p = scores.softmax(-1).cpu()
            place = int(p.argmax())
            confidence = float(p[place])
        else:
            p = self._sampler.probabilities(scores).double().cpu()
            p /= p.sum()
            confidence, place = float(p.max()), int(torch.multinomial(p, 1, generator=self._generator))
        distribution = TokenDistribution(self._ids, p.double().numpy()) if self._keeps else None
        return Guess(
            int(self._ids[place]),
            min(confidence, _MOST),
            distribution,
            not self.sampling.is_greedy,
            p,
            self.head.vocabulary,
        )
