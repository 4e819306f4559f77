"""What the agent is measured against, and the stand-ins the benchmark needs."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agentcore.workflow.reading.beam import two_hop
from agentcore.workflow.reading.passages import Passage, PassageHit, Searchable
from agentcore.workflow.reading.prompts import reading_prompt
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.reading.words import bare_title

__all__ = ["Hiding", "RandomModel", "Remembering", "SingleShot", "single_shot_answer"]

_ANSWER_TOKENS = 16
_PASSAGES = 2
_CONTINUE = "Continue the text after its last word: the answer to the last question alone, in a few words, on one line."


class Hiding:
    """A corpus without some of its documents.

    Parameters
    ----------
    corpus : Searchable
        The whole.
    sources : collection of str
        The documents that are taken out.
    """

    def __init__(self, corpus: Searchable, sources: Collection[str]) -> None:
        self._corpus = corpus
        self._hidden = frozenset(sources)
        self.sources = tuple(s for s in getattr(corpus, "sources", ()) if s not in self._hidden)

    def search(self, query: str, limit: int = 5) -> list[PassageHit]:
        """Return the best passages of the documents that are left."""
        hits = self._corpus.search(query, limit + 4 * len(self._hidden))
        return [hit for hit in hits if hit.source not in self._hidden][:limit]

    def snapshot(self, sha256: str) -> str:
        """Return a document's text."""
        return self._corpus.snapshot(sha256)


class Remembering:
    """A corpus that answers the same query once: the baselines search what the agent searched before."""

    def __init__(self, corpus: Searchable) -> None:
        self._corpus = corpus
        self._hits: dict[tuple[str, int], list[PassageHit]] = {}
        self.sources = tuple(getattr(corpus, "sources", ()))

    def search(self, query: str, limit: int = 5) -> list[PassageHit]:
        """Return the best passages, from the record where the query was seen."""
        key = (query, limit)
        if key not in self._hits:
            self._hits[key] = list(self._corpus.search(query, limit))
        return self._hits[key]

    def snapshot(self, sha256: str) -> str:
        """Return a document's text."""
        return self._corpus.snapshot(sha256)


class RandomModel(BaseChatModel):
    """A model without any knowledge: where the grammar leaves a choice, it draws lots."""

    seed: int = 0
    _random: random.Random = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Seed the lots."""
        super().model_post_init(context)
        self._random = random.Random(self.seed)

    @property
    def _llm_type(self) -> str:
        return "random"

    def complete(self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), schema: Any = None) -> str:
        """Continue with random words of the prompt's last lines, as JSON where a schema asks for it."""
        del stop
        pool = prompt.strip().split("\n")[-2:]
        words = [word for word in " ".join(pool).split() if word.isalpha()] or ["what"]
        text = " ".join(self._random.choice(words) for _ in range(min(6, max_tokens)))
        return f'{{"sub_questions": ["{text}?"]}}' if schema is not None else f" {text}."

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return lots for log-likelihoods."""
        del prompt
        return [-self._random.random() for _ in continuations]

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        text = self.complete(str(messages[-1].content), max_tokens=6)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


@dataclass(frozen=True, slots=True)
class SingleShot:
    """One answer of single-shot retrieval-augmented generation.

    Attributes
    ----------
    answer : str
        The first line of the completion.
    passages : tuple of Passage
        In the order of the retrieval; the first two were read.
    searches, tokens : int
        Made; read and written.
    """

    answer: str
    passages: tuple[Passage, ...]
    searches: int
    tokens: int

    @property
    def read(self) -> tuple[Passage, ...]:
        """The passages that the model saw."""
        return self.passages[:_PASSAGES]


def single_shot_answer(
    model: Any, question: str, corpus: Searchable, *, settings: ReaderSettings, hops: int = 2
) -> SingleShot:
    """Answer from the two best passages by few-shot completion.

    Parameters
    ----------
    hops : int
        2: the passages of the agent's own two-hop search, the best single shot known here. 1: those of one search.
    """
    queries: list[str] = []

    def search(query: str, limit: int) -> list[Passage]:
        queries.append(query)
        return [Passage.of(hit) for hit in corpus.search(query, limit)]

    if hops > 1:
        size = len(getattr(corpus, "sources", ()))
        passages = two_hop(question, search, settings=settings, size=size).passages
    else:
        passages = tuple(sorted(search(question, settings.search_limit), key=lambda passage: -passage.score))
    rows = [(bare_title(passage.title), passage.text) for passage in passages[:_PASSAGES]]
    prompt = reading_prompt(question, rows).text
    text, tokens = _continued(model, prompt)
    return SingleShot(text.strip().rstrip("."), passages, len(queries), tokens)


def _continued(model: Any, prompt: str) -> tuple[str, int]:
    """Return how a model continues the prompt, in one line, and the tokens it took; one that only chats is asked to."""
    if hasattr(model, "complete"):
        text: str = model.complete(prompt, max_tokens=_ANSWER_TOKENS, stop=("\n",))
        return text, model.count_tokens(prompt) + model.count_tokens(text)
    messages = [SystemMessage(_CONTINUE), HumanMessage(prompt)]
    answer = model.invoke(messages, max_tokens=_ANSWER_TOKENS, stop=["\n"])
    usage = answer.usage_metadata
    return answer.text, 0 if usage is None else usage["total_tokens"]
