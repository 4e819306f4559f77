"""Draft what followed the last n tokens when they occurred before."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.decoding.speculation._draft import EMPTY_DRAFT, Draft, Verification

__all__ = ["PromptLookupDrafter"]

_PRIOR = {
    1: 0.3,
    2: 0.5,
    3: 0.7,
}  # a first guess of the acceptance by match length, until a governor knows better


class PromptLookupDrafter:
    """Copy the tokens after the latest earlier occurrence of the newest n-gram, the longest n first.

    Parameters
    ----------
    longest, shortest : int
        n-gram sizes to look up, the longest first.
    max_added_tokens : int
        Texts given to `add` are indexed until this bound, then all of them are forgotten.

    Notes
    -----
    Prompt lookup decoding (Saxena 2023, in transformers and vLLM). Ours differs: the latest occurrence wins, where
    transformers and vLLM take the earliest, and an index replaces their scan of the whole context at every step.
    """

    name = "prompt_lookup"

    def __init__(self, *, longest: int = 3, shortest: int = 1, max_added_tokens: int = 65_536) -> None:
        if not 1 <= shortest <= longest:
            raise ValueError(f"need 1 <= shortest <= longest, got {shortest} and {longest}")
        self.longest = longest
        self.shortest = shortest
        self.max_added_tokens = max_added_tokens
        self._added = _NgramIndex(longest)
        self._own = _NgramIndex(longest)

    def start(self, prompt_ids: Sequence[int]) -> None:
        """Index the prompt of a new sequence."""
        self._own = _NgramIndex(self.longest)
        self._own.extend(prompt_ids)

    def add(self, ids: Sequence[int]) -> None:
        """Index a text from outside the sequence."""
        if len(self._added.tokens) + len(ids) > self.max_added_tokens:
            self._added = _NgramIndex(self.longest)
        self._added.close_text()
        self._added.extend(ids)

    def commit(self, verification: Verification) -> None:
        """Append the committed tokens to the index."""
        self._own.extend(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        """Return the copy after the longest n-gram found, from this sequence before added texts."""
        context = (*self._own.tokens[-self.longest :], *after)[-self.longest :]
        for size in range(min(self.longest, len(context)), self.shortest - 1, -1):
            for index in (self._own, self._added):
                tokens = index.continuation(context[-size:], limit)
                if tokens:
                    confidence = _PRIOR.get(size, 0.8)
                    return Draft(tokens, (confidence,) * len(tokens), source=self.name)
        return EMPTY_DRAFT


class _NgramIndex:
    """Where each n-gram was last followed by something."""

    def __init__(self, longest: int) -> None:
        self.tokens: list[int] = []
        self._longest = longest
        self._after: dict[tuple[int, ...], int] = {}
        self._text_start = 0

    def close_text(self) -> None:
        """Let no n-gram and no continuation cross from here into the next text."""
        if self.tokens:
            self.tokens.append(-1)
        self._text_start = len(self.tokens)

    def extend(self, ids: Sequence[int]) -> None:
        for token in ids:
            end = len(self.tokens)
            for size in range(1, min(self._longest, end - self._text_start) + 1):
                self._after[tuple(self.tokens[end - size : end])] = end
            self.tokens.append(token)

    def continuation(self, ngram: tuple[int, ...], limit: int) -> tuple[int, ...]:
        start = self._after.get(ngram)
        if start is None:
            return ()
        found = self.tokens[start : start + limit]
        return tuple(found[: found.index(-1)] if -1 in found else found)
