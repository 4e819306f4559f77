"""A local backbone without weights: completes and scores by rules a test can foresee, and a small corpus for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from agentcore.corpus import Corpus
from agentcore.memory.embedding import HashEmbedder

PASSAGES = (
    (
        "Piano",
        "The piano is a keyboard instrument. It was invented by Bartolomeo Cristofori in Florence in about 1700.",
    ),
    (
        "Bartolomeo Cristofori",
        "Bartolomeo Cristofori was a maker of instruments. He was born on 4 May 1655 in Padua.",
    ),
    ("Theremin", "The theremin is played without being touched. Clara Rockmore was its greatest player."),
    ("John Harrison", "John Harrison was a clockmaker. He was born on 3 April 1693 in Foulby in Yorkshire."),
    ("James Cook", "James Cook was a navigator. He was born on 7 November 1728 in Marton in Yorkshire."),
    ("Brno", "Brno is the second largest city of the Czech Republic. Gregor Mendel entered an abbey there."),
    ("General Sherman", "General Sherman is a giant sequoia in California. It is about 84 metres high."),
    ("Dinant", "Dinant is a town in Belgium on the River Meuse. Adolphe Sax was born there in 1814."),
    ("Kon-Tiki", "The Kon-Tiki was a raft. Its voyage lasted 101 days in 1947."),
    ("Forth Bridge", "The Forth Bridge is a railway bridge in Scotland. It was opened on 4 March 1890."),
)


class ScriptedLocal(BaseChatModel):
    """Prefers the longest candidate, completes with a fixed text; each call may be delayed or made to fail."""

    text: str = ""
    plan: str = '{"sub_questions": ["Where was Bartolomeo Cristofori born?"]}'
    delay_s: float = 0.0
    before: Callable[[str], None] | None = None
    _calls: list[str] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted-local"

    @property
    def calls(self) -> list[str]:
        """The kinds of calls so far."""
        return self._calls

    def complete(self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), schema: Any = None) -> str:
        """Give the plan where a schema is asked for, else the fixed text."""
        self._note("complete")
        return self.plan if schema is not None else self.text

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Like long continuations."""
        self._note("score")
        return [float(len(text)) for text in continuations]

    def count_tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._note("chat")
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.text))])

    def _note(self, kind: str) -> None:
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.before is not None:
            self.before(kind)
        self._calls.append(kind)


class SlowCorpus:
    """A corpus whose searches take a while."""

    def __init__(self, corpus: Corpus, delay_s: float) -> None:
        self._corpus = corpus
        self._delay_s = delay_s
        self.sources = corpus.sources

    def search(self, query: str, limit: int = 5) -> Any:
        """Wait, then search."""
        time.sleep(self._delay_s)
        return self._corpus.search(query, limit)

    def snapshot(self, sha256: str) -> str:
        """Return a document's text."""
        return self._corpus.snapshot(sha256)


def small_corpus() -> Corpus:
    """Index the passages above with an embedder that needs no weights."""
    return Corpus.from_passages(PASSAGES, embedder=HashEmbedder())
