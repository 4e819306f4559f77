"""Say what a drafter is: the interface every method shares and the values it exchanges with the loop.

Letters: `n` drafted tokens, `V` vocabulary, `K` successors that the target rates highest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor  # drafters from text need none

__all__ = [
    "CERTAIN",
    "EMPTY_DRAFT",
    "Draft",
    "Drafter",
    "Guess",
    "ReadsHidden",
    "SharesCache",
    "TokenDistribution",
    "Verification",
    "WritesByToken",
]


_ROUNDING = 1e-3  # quotients of sums in float32 may pass 1


@dataclass(frozen=True, slots=True)
class TokenDistribution:
    """Hold a drafter's distribution over the next token, sparse or dense.

    Parameters
    ----------
    ids : ndarray or None, (K,), int32
        The tokens with a probability of their own; None when `probabilities` covers the whole vocabulary.
    probabilities : ndarray, (K,) or (V,), float64
        Their probabilities.
    rest : float
        Mass spread evenly over the tokens that are not in `ids`; 0 for a dense distribution.
    """

    ids: NDArray[np.int32] | None
    probabilities: NDArray[np.float64]
    rest: float = 0.0

    def dense(self, vocabulary_size: int) -> NDArray[np.float64]:
        """Return the probabilities of all `vocabulary_size` tokens, (V,), float64."""
        if self.ids is None:
            return self.probabilities
        others = vocabulary_size - len(self.ids)
        full = np.full(vocabulary_size, self.rest / others if others else 0.0)
        full[self.ids] = self.probabilities
        return full

    def argmax(self) -> int:
        """Return the likeliest token, ignoring the mass without a name."""
        best = int(np.argmax(self.probabilities))
        return best if self.ids is None else int(self.ids[best])


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold proposed tokens, in order, for the target to verify in one forward.

    Parameters
    ----------
    tokens : tuple of int, (n,)
        The proposal.
    confidences : tuple of float, (n,)
        The drafter's own guess, for each token, that the target keeps it given that it kept those before.
        A governor corrects it by what it measures.
    distributions : tuple of TokenDistribution or None, (n,)
        What the drafter believed at each position; None when it has no distribution.
    source : str
        Name of the method that made it.
    is_sampled : bool
        Whether the tokens were drawn at random from `distributions`. False: each is the drafter's certain choice,
        a point mass for rejection sampling, whatever `distributions` says.
    forced : frozenset of int
        Places in `tokens` where a constraint leaves no choice; they need no verification.
    """

    tokens: tuple[int, ...] = ()
    confidences: tuple[float, ...] = ()
    distributions: tuple[TokenDistribution, ...] | None = None
    source: str = ""
    is_sampled: bool = False
    forced: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if len(self.confidences) != len(self.tokens):
            raise ValueError(
                f"{len(self.tokens)} tokens need as many confidences, got {len(self.confidences)}"
            )
        if not all(0.0 <= confidence <= 1.0 + _ROUNDING for confidence in self.confidences):
            raise ValueError(f"confidences are probabilities from 0 to 1, not {self.confidences}")
        if self.distributions is not None and len(self.distributions) != len(self.tokens):
            raise ValueError(
                f"{len(self.tokens)} tokens need as many distributions, got {len(self.distributions)}"
            )
        if self.is_sampled and self.distributions is None:
            raise ValueError("a sampled draft needs the distributions that it was drawn from")

    def __len__(self) -> int:
        return len(self.tokens)

    def shortened(self, length: int) -> Draft:
        """Return the first `length` tokens as a draft of their own, fewer where that would split a forced run."""
        if length >= len(self.tokens):
            return self
        while length and length in self.forced and length - 1 in self.forced:
            length -= 1
        distributions = None if self.distributions is None else self.distributions[:length]
        forced = frozenset(place for place in self.forced if place < length)
        return replace(
            self,
            tokens=self.tokens[:length],
            confidences=self.confidences[:length],
            distributions=distributions,
            forced=forced,
        )


EMPTY_DRAFT = Draft()
CERTAIN = 1.0  # the confidence of a forced token; a drafter's own stays below


@dataclass(frozen=True, slots=True)
class Guess:
    """Hold what a drafter believes about one place.

    Parameters
    ----------
    token : int
        Its choice.
    confidence : float
        As in `Draft`.
    distribution : TokenDistribution or None
        What it believed, where it keeps that.
    is_sampled : bool
        Whether `token` was drawn at random from `distribution`.
    probabilities : Tensor or None, (V,) or (N,)
        The same belief, to choose another token from where a constraint forbids `token`; None when there is none.
    ids : Tensor or None, (N,), int64
        The tokens that `probabilities` is about; None for the whole vocabulary.
    """

    token: int
    confidence: float
    distribution: TokenDistribution | None = None
    is_sampled: bool = False
    probabilities: Tensor | None = None
    ids: Tensor | None = None

    def among(self, allowed: Tensor) -> Guess | None:
        """Return the likeliest of the `allowed` tokens, (V,), bool; None where no belief says which, or the draw must stand."""
        if self.probabilities is None or self.is_sampled:
            return None
        p = self.probabilities * (allowed if self.ids is None else allowed[self.ids])
        place, mass = int(p.argmax()), float(p.sum())
        if mass <= 0.0:
            return None
        token = place if self.ids is None else int(self.ids[place])
        return replace(self, token=token, confidence=float(p[place]) / mass)


@dataclass(frozen=True, slots=True)
class Verification:
    """Tell a drafter what the target made of one step.

    Parameters
    ----------
    tokens : tuple of int
        The tokens committed in this step: the accepted drafts, then the target's own token.
    accepted : int
        How many of them came from the draft.
    context : tuple of int
        The tokens whose rows `top_ids` describes: `context[i]` was fed, `top_ids[i]` is what the target rates after it.
    top_ids : ndarray or None, (len(context), K), int32
        The target's K likeliest successors in falling order, None when the loop did not compute them.
    hidden : Tensor or None, (len(context), C)
        The target's hidden states behind the tokens of `context`, where a drafter reads them (`ReadsHidden`).
    """

    tokens: tuple[int, ...]
    accepted: int = 0
    context: tuple[int, ...] = ()
    top_ids: NDArray[np.int32] | None = None
    hidden: Tensor | None = None


@runtime_checkable
class Drafter(Protocol):
    """Propose tokens for one sequence at a time.

    The life of a drafter: `add` text it may quote from (kept between sequences), `start` a sequence with its prompt,
    then `propose` and `commit` in turn. Only committed tokens ever enter its state; a draft leaves no trace.
    """

    name: str

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Forget the previous sequence and begin one with `prompt_ids`."""
        ...

    def add(self, ids: Sequence[int]) -> None:
        """Learn from text outside the sequence, for instance an earlier turn of the same run."""
        ...

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return at most `limit` tokens that may follow the committed ones and then `after`."""
        ...

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens of one step."""
        ...


@runtime_checkable
class SharesCache(Protocol):
    """What a drafter has besides that may read the target's own cache."""

    def share(self, cache: Any, *, offset: int) -> None:
        """Take note of the target's cache after `start`.

        Parameters
        ----------
        cache : object
            A Target's cache. A drafter may run behind its end, and must cut it to the length it found.
        offset : int
            Position in it of the first token that `start` was given.
        """
        ...


@runtime_checkable
class ReadsHidden(Protocol):
    """A drafter whose verifications hold the target's hidden states; the target's forwards then take `hidden`."""

    reads_hidden: bool


@runtime_checkable
class WritesByToken(Drafter, Protocol):
    """A drafter to which every token is work: it writes one at a time, and is told what stands between.

    Under a constraint such a drafter need not write what is forced, nor what stands behind a token that is forbidden.
    """

    def writing(self) -> AbstractContextManager[Callable[[Sequence[int]], Guess | None]]:
        """Return a context whose value guesses the token behind the committed ones and those given, a list that only grows.

        None where nothing is to be drafted there. Leaving the context undoes what was done to a shared cache.
        """
        ...
