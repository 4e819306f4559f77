"""Draft by leaps: each position is predicted from a short context some tokens back, not from the draft before it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from agentcore.decoding.speculation._draft import EMPTY_DRAFT, Draft, Verification

__all__ = ["LeapDrafter"]

_STRIDE = 2
_HEADS = 4  # offsets 1, 3, 5, 7
_WIDTH = _STRIDE * _HEADS - 1


class LeapDrafter:
    """Vote on the tokens 1, 3, 5, 7 places after the newest n-gram and 2, 4, 6 places after the one before.

    Because a position does not depend on the drafts in front of it, text that differs from an earlier one in a single
    token (a changed name or number inside a repeated call) is still predicted beyond the change.

    Parameters
    ----------
    size : int
        Tokens in an n-gram.
    max_places : int
        Latest occurrences of an n-gram that vote.
    max_added_tokens : int
        Bound on the texts given to `add`; then all of them are forgotten.

    Notes
    -----
    L-MTP (https://arxiv.org/abs/2505.17505, section 3) with n-gram statistics in place of its trained heads: 4 leaping
    heads of stride 2 at the newest position, and the look-back to the previous position's heads for the gaps.
    """

    name = "leap"

    def __init__(self, *, size: int = 2, max_places: int = 8, max_added_tokens: int = 65_536) -> None:
        if size < 1 or max_places < 1:
            raise ValueError(f"size and max_places must be positive, got {size} and {max_places}")
        self.size = size
        self.max_places = max_places
        self.max_added_tokens = max_added_tokens
        self._text: list[int] = []
        self._places: dict[tuple[int, ...], deque[int]] = {}
        self._added_tokens: list[int] = []
        self._start_of_text = 0

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Index the added texts and the prompt of a new sequence."""
        self._text, self._places = [], {}
        self._start_of_text = 0
        self._extend(self._added_tokens)
        self._text.append(-1)
        self._start_of_text = len(self._text)
        self._extend(prompt_ids)

    def add(self, ids: Sequence[int]) -> None:
        """Remember a text for the sequences that start from now on."""
        if len(self._added_tokens) + len(ids) > self.max_added_tokens:
            self._added_tokens = []
        self._added_tokens.extend((*ids, -1))

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens."""
        self._extend(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return up to seven tokens, ending at the first place without a vote."""
        begin = max(self._start_of_text, len(self._text) - self.size - 1)
        context = [*self._text[begin:], *after]
        if len(context) < self.size:
            return EMPTY_DRAFT
        newest = tuple(context[-self.size :])
        previous = tuple(context[-self.size - 1 : -1]) if len(context) > self.size else ()
        tokens: list[int] = []
        confidences: list[float] = []
        for offset in range(1, min(limit, _WIDTH) + 1):
            leaps = offset % _STRIDE == 1
            vote = self._vote(newest, offset) if leaps else self._vote(previous, offset + 1)
            if vote is None:
                break
            tokens.append(vote[0])
            confidences.append(vote[1])
        return Draft(tuple(tokens), tuple(confidences), source=self.name)

    def _vote(self, ngram: tuple[int, ...], offset: int) -> tuple[int, float] | None:
        """Return the commonest token `offset` places after `ngram`, the latest on a tie, and its smoothed share."""
        text = self._text
        seen = [
            text[end + offset] for end in reversed(self._places.get(ngram, ())) if end + offset < len(text)
        ]
        seen = [token for token in seen if token >= 0]
        if not seen:
            return None
        token, votes = Counter(seen).most_common(1)[0]
        return token, votes / (len(seen) + 1.0)

    def _extend(self, ids: Sequence[int]) -> None:
        for token in ids:
            self._text.append(token)
            ngram = tuple(self._text[-self.size :])
            if len(ngram) == self.size and -1 not in ngram:
                self._places.setdefault(ngram, deque(maxlen=self.max_places)).append(len(self._text) - 1)
