"""The paper's verifier: an instruct model's Yes against No, from one prefill and no decoding."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Protocol

from agentcore.decoding.trimming._neutralise import neutralise

_SYSTEM = "You check the reasoning of another model. Answer every question with Yes or No only.\n\n"
_EXISTS = (
    "Question: {question}\n\nSnippet of the reasoning:\n{snippet}\n\n"
    "Does the snippet state a final answer to the question, or a candidate for it? Answer:"
)
_EXISTS_SHOTS = (
    "Question: How many eggs are left?\n\nSnippet of the reasoning:\nFirst I list what was eaten each day.\n\n"
    "Does the snippet state a final answer to the question, or a candidate for it? Answer: No\n\n"
    "Question: How many eggs are left?\n\nSnippet of the reasoning:\nSo 12 - 5 = 7 eggs are left.\n\n"
    "Does the snippet state a final answer to the question, or a candidate for it? Answer: Yes\n\n"
)
_SAME = (
    "Question: {question}\n\nSnippet A:\n{first}\n\nSnippet B:\n{second}\n\n"
    "Do both snippets reach the same result for the question? Answer:"
)
_SAME_SHOTS = (
    "Question: How many eggs are left?\n\nSnippet A:\nSo 7 eggs are left.\n\nSnippet B:\nThen there are 8 eggs.\n\n"
    "Do both snippets reach the same result for the question? Answer: No\n\n"
    "Question: How many eggs are left?\n\nSnippet A:\nSo 7 eggs are left.\n\nSnippet B:\nThe rest is seven eggs.\n\n"
    "Do both snippets reach the same result for the question? Answer: Yes\n\n"
)
_MAX_SNIPPET = 1200


class YesNo(Protocol):
    """A model that can be asked for the odds of Yes against No."""

    @property
    def tokens_spent(self) -> int:
        """Tokens read so far."""
        ...

    async def ask(self, prefix: str, prompts: Sequence[str]) -> list[float]:
        """Return P(Yes) / (P(Yes) + P(No)) as the next word after each of the prompts, which share a prefix."""
        ...


class LikelihoodVerifier:
    """Answer existence and equivalence from the probabilities of Yes and No.

    Based on TrimR (arXiv 2505.17155, section 3.2), whose few-shot prompts are not public: these are ours. Differs in that
    questions of all streams that arrive within `gather_s` go to the model as one batch per shared prefix.

    Parameters
    ----------
    model : YesNo
        The local engine or a server. A competent one: at 135M parameters the verdict is a coin toss.
    gather_s : float
        Seconds to wait for more questions before a batch is sent; only the verifier waits.
    """

    def __init__(self, model: YesNo, *, name: str = "likelihood", gather_s: float = 0.01) -> None:
        self.name = name
        self._model = model
        self._gather_s = gather_s
        self._waiting: dict[str, list[tuple[str, asyncio.Future[float]]]] = {}

    @property
    def tokens_spent(self) -> int:
        """Tokens that the model has read."""
        return self._model.tokens_spent

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return how likely a snippet states a (candidate) answer."""
        prompt = _EXISTS.format(question=_safe(question), snippet=_safe(snippet))
        return await self._enqueue(_SYSTEM + _EXISTS_SHOTS, prompt)

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return how likely two snippets reach the same result."""
        prompt = _SAME.format(question=_safe(question), first=_safe(first), second=_safe(second))
        return await self._enqueue(_SYSTEM + _SAME_SHOTS, prompt)

    async def _enqueue(self, prefix: str, prompt: str) -> float:
        """Join the batch that is being gathered, or begin one."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        batch = self._waiting.setdefault(prefix, [])
        batch.append((prompt, future))
        if len(batch) == 1:
            await asyncio.sleep(self._gather_s)
            await self._send(prefix)
        return await future

    async def _send(self, prefix: str) -> None:
        """Ask about everything gathered; a failure is everybody's."""
        batch = self._waiting.pop(prefix, [])
        try:
            answers = await self._model.ask(prefix, [prompt for prompt, _ in batch])
        except BaseException as exc:
            for _, future in batch:
                if not future.done():
                    if isinstance(exc, asyncio.CancelledError):
                        future.cancel()
                    else:
                        future.set_exception(exc)
                        future.exception()
            raise
        for (_, future), value in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(value)


class LocalYesNo:
    """Ask the local engine: one prefill a question in a worker thread; a beginning that questions share is run once.

    Parameters
    ----------
    model : LanguageModel
        As `agentcore.decoding.load_gguf` gives it.
    """

    def __init__(self, model: Any) -> None:
        self.tokens_spent = 0
        self._model = model
        self._words = [model.tokenizer.encode(word) for word in (" Yes", " No")]
        self._known: set[str] = set()

    async def ask(self, prefix: str, prompts: Sequence[str]) -> list[float]:
        """Return the odds of Yes for each prompt."""
        start = self._model.tokenizer.encode(prefix)
        questions = [self._model.tokenizer.encode(prompt) for prompt in prompts]
        self.tokens_spent += sum(map(len, questions)) + (0 if prefix in self._known else len(start))
        self._known.add(prefix)
        return await asyncio.to_thread(self._ask, start, questions)

    def _ask(self, start: Sequence[int], questions: Sequence[Sequence[int]]) -> list[float]:
        from agentcore.decoding import score

        return [_odds(*score(self._model, [*start, *ids], self._words)) for ids in questions]


def _odds(yes: float, no: float) -> float:
    """Return P(Yes) of the two from their log-probabilities."""
    return 1.0 / (1.0 + math.exp(max(-60.0, min(60.0, no - yes))))


def _safe(text: str) -> str:
    """Shorten from the front and neutralise: a snippet is data to the verifier."""
    return neutralise(text[-_MAX_SNIPPET:].strip())
