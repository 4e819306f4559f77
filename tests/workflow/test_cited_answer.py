"""Answers of chat models: what they are shown, how their replies are read, and on what the answer rests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, obliging_model, saying, serving
from langchain_core.messages import AIMessage, BaseMessage
from scripted_local import ScriptedLocal, small_corpus
from scripted_model import ScriptedModel

from agentcore import Agent, load_backbone
from agentcore.corpus import Corpus
from agentcore.memory.embedding import HashEmbedder
from agentcore.result import Result
from agentcore.workflow.dependencies import WorkflowSettings
from agentcore.workflow.reading.settings import ReaderSettings

QUESTION = "In which city was the inventor of the piano born?"
PLAN = AIMessage('{"sub_questions": ["Who invented the piano?"]}')
TRUSTING, STRICT = ReaderSettings(found_threshold=0.0), ReaderSettings(found_threshold=1.0)
Shown = Callable[[str], int]


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with small_corpus() as opened:
        yield opened


def numbers_in(text: str) -> Shown:
    """Return a function that gives the number of the sentence with some words."""
    sentences = dict(re.findall(r"\[(\d+)\] ((?:(?!\[\d).)*)", text.replace("\n", " ")))
    return lambda words: next(int(number) for number, said in sentences.items() if words in said)


def answered(
    corpus: Corpus,
    folder: Path,
    *replies: str | Callable[[Shown], str],
    question: str = QUESTION,
    reading: ReaderSettings = TRUSTING,
) -> tuple[Result, ScriptedModel]:
    """Ask a model that plans and then replies."""

    def line(reply: str | Callable[[Shown], str]) -> Callable[[list[BaseMessage]], AIMessage]:
        return lambda heard: AIMessage(
            reply if isinstance(reply, str) else reply(numbers_in(str(heard[-1].content)))
        )

    model = ScriptedModel(lines=[PLAN, *map(line, replies)])
    agent = Agent(
        model,
        corpus=corpus,
        runs=folder / "runs.db",
        embedder=HashEmbedder(),
        reading=reading,
        settings=WorkflowSettings(max_rounds=1),
    )
    return agent.run(question), model


@pytest.mark.parametrize(
    "form", ["Padua [{}]", "**Padua** [{}].", "Answer: Padua [{}]", "Padua[{}][99]", "Padua [{}, 99]"]
)
def test_numbers_become_citations(corpus: Corpus, tmp_path: Path, form: str) -> None:
    """The answer is the words without their marks, and cites the sentences that the model named and that exist."""
    result, _ = answered(corpus, tmp_path, lambda number: form.format(number("Padua")))
    assert (result.answer, result.mode, result.status) == ("Padua", "chat", "done")
    assert [citation.quote for citation in result.citations] == ["He was born on 4 May 1655 in Padua."]
    assert all(claim.is_supported for claim in result.claims)


@pytest.mark.parametrize("reply", ["Padua", "Padua [1]", "Padua [99]"])
def test_wrong_or_missing_numbers_are_found_by_code(corpus: Corpus, tmp_path: Path, reply: str) -> None:
    """Where the model names no sentence that says its answer, the sentence is found, and the one that leads to it."""
    result, _ = answered(corpus, tmp_path, lambda number: reply if number("Padua") != 1 else "Padua")
    quotes = [citation.quote for citation in result.citations]
    assert "Padua" in quotes[0]
    assert "Bartolomeo Cristofori" in quotes[1]


def test_each_sentence_rests_on_its_own(corpus: Corpus, tmp_path: Path) -> None:
    """An answer of several sentences is checked sentence by sentence, each against the sentences behind it."""

    def reply(number: Shown) -> str:
        invented, born = number("invented by"), number("Padua")
        return f"Bartolomeo Cristofori invented the piano [{invented}]. He was born in Venice. [{born}]"

    result, _ = answered(corpus, tmp_path, reply, question="Describe the life of the inventor of the piano.")
    first, second = result.claims
    assert first.is_supported and not second.is_supported
    assert set(first.citations).isdisjoint(second.citations)
    assert result.statement == "Bartolomeo Cristofori invented the piano. He was born in Venice."


def test_many_passages_follow_few(corpus: Corpus, tmp_path: Path) -> None:
    """A model that does not find the answer in few sentences is shown many before it is believed."""
    result, model = answered(corpus, tmp_path, "not found", lambda number: f"Padua [{number('Padua')}]")
    few, many = (str(heard[-1].content) for heard in model.heard[1:])
    assert result.answer == "Padua"
    assert few.count("[") < many.count("[")
    result, _ = answered(corpus, tmp_path, "Not found.", question="How tall is the Forth Bridge?")
    assert (result.status, result.answer, result.citations) == ("not_found", "not found", ())


def test_who_names_no_sentence_is_not_believed_against_retrieval(corpus: Corpus, tmp_path: Path) -> None:
    """Where retrieval finds the evidence too thin, only a model that names the sentence answers."""
    result, _ = answered(corpus, tmp_path, "Padua", reading=STRICT)
    assert result.status == "not_found"
    result, _ = answered(corpus, tmp_path, lambda number: f"Padua [{number('Padua')}]", reading=STRICT)
    assert result.answer == "Padua"


def test_dates_are_compared_by_code(corpus: Corpus, tmp_path: Path) -> None:
    """A comparison that two dates decide costs no model call."""
    result, model = answered(
        corpus, tmp_path, "James Cook", question="Who was born earlier, John Harrison or James Cook?"
    )
    assert (result.answer, result.mode, model.heard) == ("John Harrison", "comparison", [])


def test_a_draft_is_told_while_it_is_written(corpus: Corpus, tmp_path: Path) -> None:
    """Each word of a server's stream is an event before the next one is sent, and the answer follows checked."""
    told: list[tuple[str, str]] = []

    def answer(request: dict[str, Any]) -> Reply:
        shown = str(request["messages"][-1]["content"])
        if "[1]" not in shown:
            return obliging_model(request)
        return saying(request, f"It was Padua, his town [{numbers_in(shown)('Padua')}]", delay_s=0.2)

    with serving(answer) as server:
        agent = Agent(
            load_backbone(f"openai:served@{server.url}"),
            corpus=corpus,
            runs=tmp_path / "runs.db",
            embedder=HashEmbedder(),
            reading=TRUSTING,
        )
        result = agent.run(
            QUESTION, on_event=lambda event: told.append((event.type, str(event.data.get("text"))))
        )
    drafts = [event for event in result.trace if event.type == "draft"]
    assert [event.data["text"] for event in drafts[:4]] == ["It ", "was ", "Padua, ", "his "]
    assert [event.data["begins"] for event in drafts[:3]] == [True, False, False]
    assert drafts[3].time - drafts[0].time > 0.4
    types = [kind for kind, _ in told]
    assert types.index("answer") > len(types) - 1 - types[::-1].index("draft")
    assert [event.seq for event in result.trace] == list(range(1, len(result.trace) + 1))
    assert not any(event.path for event in drafts)


def test_a_key_is_never_split_over_two_drafts(corpus: Corpus, tmp_path: Path) -> None:
    """A key that comes in pieces is one word of one event, and the record does not hold it."""
    key = "sk-abcdefghijklmnopqrstuvwxyz"

    def answer(request: dict[str, Any]) -> Reply:
        if "[1]" not in str(request["messages"][-1]["content"]):
            return obliging_model(request)
        pieces = [{"content": piece} for piece in ("The key ", key[:6], key[6:15], key[15:], " opens it")]
        from chat_server import streamed

        return streamed(*pieces)

    with serving(answer) as server:
        agent = Agent(
            load_backbone(f"openai:served@{server.url}"),
            corpus=corpus,
            runs=tmp_path / "runs.db",
            embedder=HashEmbedder(),
            reading=TRUSTING,
        )
        result = agent.run(QUESTION)
    assert any(key in event.data["text"] for event in result.trace if event.type == "draft")
    record = tmp_path / "runs" / result.run_id / "events.jsonl"
    assert key[:12] not in record.read_text()


class Writing(ScriptedLocal):
    """A local backbone that completes word by word."""

    def stream_completion(self, prompt: str, **options: Any) -> Iterator[str]:
        """Yield the words of the fixed text."""
        yield from re.findall(r"\S+\s*", self.complete(prompt, **options))


def test_a_local_models_own_words_are_a_draft(corpus: Corpus, tmp_path: Path) -> None:
    """What a local model says itself, and its sentence, are told as drafts; the answer is still a span of a document."""
    result = Agent(
        Writing(text=" In Padua, they say."),
        corpus=corpus,
        runs=tmp_path / "runs.db",
        embedder=HashEmbedder(),
        reading=TRUSTING,
        choice="likelihood",
    ).run(QUESTION)
    drafts = [event.data for event in result.trace if event.type == "draft"]
    words = ["In ", "Padua, ", "they ", "say."]
    assert [draft["text"] for draft in drafts] == 2 * words
    assert [draft["begins"] for draft in drafts].count(True) == 2
    assert any(result.answer in citation.quote for citation in result.citations)
