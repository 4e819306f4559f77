"""Verifiers without a language model: rules, embedding similarity, a cascade of two, and a cache around any of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from agentcore.decoding.trimming._answers import equivalent, extract_answer
from agentcore.decoding.trimming._signals import Verifier

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts in, one L2-normalised vector each out."""


class RuleVerifier:
    """Extraction and symbolic equality; no model, microseconds to milliseconds."""

    name = "rule"
    tokens_spent = 0

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return 1 where an answer can be extracted, else 0."""
        del question
        return float(extract_answer(snippet) is not None)

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return 1 where the extracted answers are equal, else 0."""
        del question
        left, right = extract_answer(first), extract_answer(second)
        return float(left is not None and right is not None and equivalent(left, right))


class EmbeddingVerifier:
    """Cosine similarity of conclusions, from an embedder of the caller's.

    Measured on recorded traces with MiniLM the similarity of neighbouring conclusions separates equal from different
    values with an AUC of .63 only: a weak verifier, here for comparison and as one half of a cascade.

    Parameters
    ----------
    embed : callable
        Texts to normalised vectors; run in a worker thread.
    threshold : float
        Cosine that maps to a probability of one half.
    """

    name = "embedding"
    tokens_spent = 0

    def __init__(self, embed: Embed, *, threshold: float = 0.8) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"the threshold is a cosine in (0, 1), not {threshold}")
        self._embed = embed
        self._threshold = threshold

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return 1 where an answer can be extracted, else 0: similarity says nothing about it."""
        del question
        return float(extract_answer(snippet) is not None)

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return the cosine of the snippets, scaled so that the threshold is one half."""
        del question
        left, right = await asyncio.to_thread(self._embed, [first, second])
        cosine = sum(a * b for a, b in zip(left, right, strict=True))
        low, high = self._threshold, 1.0 - self._threshold
        return max(0.0, 0.5 * cosine / low) if cosine < low else min(1.0, 0.5 + 0.5 * (cosine - low) / high)


class CascadeVerifier:
    """Ask a cheap verifier first and a better one only where the first says yes.

    A no of the first is final: with rules in front, a model is only asked about conclusions that hold an answer at all.
    """

    def __init__(self, first: Verifier, second: Verifier) -> None:
        self._first = first
        self._second = second
        self.name = f"{first.name}>{second.name}"

    @property
    def tokens_spent(self) -> int:
        """Tokens of both."""
        return self._first.tokens_spent + self._second.tokens_spent

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return the second's opinion where the first is for it, else the first's."""
        opinion = await self._first.states_answer(question, snippet)
        return opinion if opinion <= 0.5 else await self._second.states_answer(question, snippet)

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return the second's opinion where the first is for it, else the first's."""
        opinion = await self._first.same_result(question, first, second)
        return opinion if opinion <= 0.5 else await self._second.same_result(question, first, second)


class CachedVerifier:
    """Remember verdicts by (verifier, question, a, b); one question in flight is asked once.

    Parameters
    ----------
    verifier : Verifier
        Who is asked on a miss.
    size : int
        Verdicts kept, the least recently used dropped.
    """

    def __init__(self, verifier: Verifier, *, size: int = 4096) -> None:
        if size < 1:
            raise ValueError(f"a cache holds at least one verdict, not {size}")
        self._verifier = verifier
        self._size = size
        self._known: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, asyncio.Future[float]] = {}
        self.name = verifier.name
        self.hits = 0

    @property
    def tokens_spent(self) -> int:
        """Tokens of the verifier behind."""
        return self._verifier.tokens_spent

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return the verdict, known or asked for."""
        return await self._through(
            ("states", question, snippet), lambda: self._verifier.states_answer(question, snippet)
        )

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return the verdict, known or asked for; the order of the two does not matter."""
        low, high = sorted((first, second))
        return await self._through(
            ("same", question, low, high), lambda: self._verifier.same_result(question, low, high)
        )

    async def _through(self, parts: tuple[str, ...], ask: Callable[[], Awaitable[float]]) -> float:
        key = hashlib.sha256("\0".join((self.name, *parts)).encode("utf-8", "replace")).hexdigest()
        if key in self._known:
            self.hits += 1
            self._known.move_to_end(key)
            return self._known[key]
        if key in self._asked and self._asked[key].get_loop() is asyncio.get_running_loop():
            self.hits += 1
            return await asyncio.shield(self._asked[key])
        task = asyncio.ensure_future(ask())
        self._asked[key] = task
        try:
            value = await task
        finally:
            self._asked.pop(key, None)
        self._known[key] = value
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return value
