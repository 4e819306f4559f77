"""Follow-up questions are made to stand alone: by rule without a capable model, by the model where there is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from scripted_local import ScriptedLocal
from scripted_model import ScriptedModel

from agentcore import Agent, Budget
from agentcore.corpus import Corpus
from agentcore.memory.embedding import HashEmbedder
from agentcore.workflow.follow_up import (
    Exchange,
    Reference,
    depends_on_conversation,
    reference_of,
    stand_alone,
)
from agentcore.workflow.reading.settings import ReaderSettings

SPOKEN_OF: dict[str, Reference] = {
    "Mary Anning": "she",
    "Bartolomeo Cristofori": "he",
    "Piano": "it",
    "Lyme Regis": "place",
}
FOSSILS = Exchange("Who found the first ichthyosaur?", "Mary Anning", ("Mary Anning", "Lyme Regis"))
PIANO = Exchange("Who invented the piano?", "Bartolomeo Cristofori", ("Piano", "Bartolomeo Cristofori"))
BIRTH = Exchange("Where was Mary Anning born?", "Lyme Regis", ("Mary Anning",))
BUILT = Exchange("Who built the Eiffel Tower?", "Stephen Sauvestre", ("Eiffel Tower",))
HEIGHT = Exchange("How tall is the Eiffel Tower?", "330 metres", ("Eiffel Tower",))


@pytest.mark.parametrize(
    ("before", "asked", "understood"),
    [
        ([FOSSILS], "and where did she die?", "Where did Mary Anning die?"),
        ([FOSSILS], "Who was her father?", "Who was Mary Anning's father?"),
        ([PIANO], "When was it invented?", "When was Piano invented?"),
        ([PIANO], "When was he born?", "When was Bartolomeo Cristofori born?"),
        ([PIANO, FOSSILS], "Where did he work?", "Where did Bartolomeo Cristofori work?"),
        ([BIRTH], "What else happened there?", "What else happened in Lyme Regis?"),
        ([BIRTH], "Which river flows through that town?", "Which river flows through Lyme Regis?"),
        ([BIRTH], "What is the population of this town?", "What is the population of Lyme Regis?"),
        ([BIRTH], "What about Charles Darwin?", "Where was Charles Darwin born?"),
        ([BIRTH], "And Charles Darwin?", "Where was Charles Darwin born?"),
        ([BUILT], "How tall is it?", "How tall is Eiffel Tower?"),
        ([BUILT], "When was he born?", "When was Stephen Sauvestre born?"),
        ([HEIGHT], "When was it opened?", "When was Eiffel Tower opened?"),
        ([HEIGHT], "In which year?", "In which year: How tall is the Eiffel Tower?"),
        ([FOSSILS], "Where did James Cook die?", "Where did James Cook die?"),
        ([FOSSILS], "Did Marie Curie know her husband early?", "Did Marie Curie know her husband early?"),
        ([FOSSILS], "How many rivers are there in Yorkshire?", "How many rivers are there in Yorkshire?"),
        ([BIRTH], "Who is the man that found it?", "Who is the man that found Lyme Regis?"),
        ([], "and where did she die?", "and where did she die?"),
    ],
)
def test_what_a_follow_up_means_is_put_in(before: list[Exchange], asked: str, understood: str) -> None:
    """Pronouns, places and omissions take what the turns before were about; whole questions stay as they are."""
    assert stand_alone(asked, before, lambda name: SPOKEN_OF.get(name, "unknown")) == understood


@pytest.mark.parametrize(
    ("question", "depends"),
    [
        ("and where did she die?", True),
        ("What about the viola?", True),
        ("Why?", True),
        ("那她在哪里去世?", True),
        ("Where was Mary Anning born?", False),
        ("Who was born earlier, John Harrison or James Cook?", False),
        ("Did Mary Anning sell what she found?", False),
    ],
)
def test_only_a_question_that_needs_it_is_looked_at(question: str, depends: bool) -> None:
    """A question with its own names and no loose pronoun costs no model call."""
    assert depends_on_conversation(question) is depends


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Mary Anning was a collector of fossils. She was born in Lyme Regis.", "she"),
        ("Lyme Regis is a town in Dorset. It lies on the coast.", "place"),
        ("The piano is an instrument. It has keys.", "it"),
        ("Nothing here says what it could be of.", "it"),
        ("Brr.", "unknown"),
    ],
)
def test_documents_tell_how_a_name_is_spoken_of(text: str, reference: str) -> None:
    """The pronoun that a document uses most, and what its first sentence says it is about, decide."""
    assert reference_of(text) == reference


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    passages = [
        (
            "Mary Anning",
            "Mary Anning was a collector of fossils. She was born in Lyme Regis. She died in Lyme Regis.",
        ),
        ("Ichthyosaur", "The first ichthyosaur was found by Mary Anning in 1811. It was five metres long."),
        ("James Cook", "James Cook was a navigator. He was born in Marton. He died in Hawaii."),
    ]
    with Corpus.from_passages(passages, embedder=HashEmbedder()) as opened:
        yield opened


def agent_of(corpus: Corpus, folder: Path, model: Any, **options: Any) -> Agent:
    reading = ReaderSettings(found_threshold=0.0)
    return Agent(
        model, corpus=corpus, runs=folder / "runs.db", embedder=HashEmbedder(), reading=reading, **options
    )


TURNS = [{"question": "Who found the first ichthyosaur?", "answer": "Mary Anning", "titles": ["Ichthyosaur"]}]


def test_the_agent_works_on_what_was_meant(corpus: Corpus, tmp_path: Path) -> None:
    """A small model's agent searches with the name put in, tells so, and keeps what was asked."""
    result = agent_of(corpus, tmp_path, ScriptedLocal()).run("and where did she die?", conversation=TURNS)
    assert (result.question, result.understood) == ("and where did she die?", "Where did Mary Anning die?")
    assert any("understood as: Where did Mary Anning die?" in str(e.data.get("text")) for e in result.trace)
    assert result.citations[0].title == "Mary Anning"
    assert result.as_turn()["question"] == "Where did Mary Anning die?"


def test_a_capable_model_reads_the_conversation(corpus: Corpus, tmp_path: Path) -> None:
    """A chat model is shown the turns and rewrites the question; one that cannot is replaced by the rules."""
    rewritten = AIMessage(json.dumps({"question": "In which place did Mary Anning die?"}))
    plan = AIMessage('{"sub_questions": ["Where did Mary Anning die?"]}')
    answer = AIMessage("Lyme Regis")
    model = ScriptedModel(lines=[rewritten, plan, answer])
    result = agent_of(corpus, tmp_path, model).run("and where did she die?", conversation=TURNS)
    assert result.understood == "In which place did Mary Anning die?"
    assert "Agent: Mary Anning" in str(model.heard[0][-1].content)
    broken = ScriptedModel(lines=[ConnectionError("gone")])
    result = agent_of(corpus, tmp_path, broken).run("and where did she die?", conversation=TURNS)
    assert result.understood == "Where did Mary Anning die?"


def test_a_limit_leaves_the_rules(corpus: Corpus, tmp_path: Path) -> None:
    """Where no model call is allowed the follow-up is still understood."""
    agent = agent_of(corpus, tmp_path, ScriptedModel(lines=[AIMessage("never")]), budget=Budget(max_calls=0))
    result = agent.run("and where did she die?", conversation=TURNS)
    assert (result.status, result.understood) == ("partial", "Where did Mary Anning die?")
