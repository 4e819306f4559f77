"""The agent as a whole, over a small corpus with a scripted model: answers, limits, memory, events, bad input."""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from scripted_local import ScriptedLocal, SlowCorpus, small_corpus
from scripted_model import ScriptedModel, calling

from agentcore import Agent, Budget
from agentcore.corpus import Corpus
from agentcore.errors import (
    AgentError,
    ConfigurationError,
    RunCancelledError,
    RunNotFoundError,
    RunStorageError,
)
from agentcore.events import EVENT_TYPES
from agentcore.memory import SwiftMem
from agentcore.memory.embedding import HashEmbedder
from agentcore.tools import ToolSpec
from agentcore.workflow.dependencies import WorkflowSettings
from agentcore.workflow.reading.settings import ReaderSettings

QUESTION = "In which city was the inventor of the piano born?"
COMPARISON = "Who was born earlier, John Harrison or James Cook?"
# The not-found rule is calibrated for a real embedder; hashed vectors say little about meaning.
TRUSTING = ReaderSettings(found_threshold=0.0)
STRICT = ReaderSettings(found_threshold=1.0)


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with small_corpus() as opened:
        yield opened


def agent_of(corpus: Any, folder: Path, model: Any = None, **options: Any) -> Agent:
    options.setdefault("reading", TRUSTING)
    return Agent(
        model or ScriptedLocal(), corpus=corpus, runs=folder / "runs.db", embedder=HashEmbedder(), **options
    )


def test_an_answer_cites_what_was_read(corpus: Corpus, tmp_path: Path) -> None:
    """Each citation of an answer is a span of a stored snapshot, and the answer stands in one of them."""
    result = agent_of(corpus, tmp_path).run(QUESTION)
    assert result.status == "done"
    assert result.citations
    for citation in result.citations:
        assert corpus.snapshot(citation.sha256)[citation.start : citation.end] == citation.quote
        kept = result.report_path and result.report_path.parent / "snapshots" / f"{citation.sha256}.txt"
        assert kept and kept.read_text() == corpus.snapshot(citation.sha256)
    assert any(result.answer in citation.quote for citation in result.citations)
    assert result.report_path is not None
    assert "Model: " in result.report_path.read_text()


def test_code_answers_comparisons(corpus: Corpus, tmp_path: Path) -> None:
    """Of two things, the one with the earlier date is named, from both their passages; each gets its own seeker."""
    result = agent_of(corpus, tmp_path).run(COMPARISON)
    assert result.answer == "John Harrison"
    assert result.mode == "comparison"
    assert {citation.title for citation in result.citations} == {"John Harrison", "James Cook"}
    assert len([e for e in result.trace if e.type == "seeker_started"]) == 3


def test_not_found_is_said(corpus: Corpus, tmp_path: Path) -> None:
    """Where the evidence is too thin, the answer is "not found", without citations, after a second look."""
    result = agent_of(corpus, tmp_path, reading=STRICT).run("Who won the regatta of 1988?")
    assert (result.status, result.answer, result.citations) == ("not_found", "not found", ())
    assert [e.data["round"] for e in result.trace if e.type == "plan"] == [1, 2]


def test_events_are_numbered_and_typed(corpus: Corpus, tmp_path: Path) -> None:
    """Events count from 1 without gaps, begin and end as they should, and are recorded as they were heard."""
    heard: list[Any] = []
    result = agent_of(corpus, tmp_path).run(COMPARISON, on_event=heard.append)
    assert [event.seq for event in heard] == list(range(1, len(heard) + 1))
    assert tuple(heard) == result.trace
    assert {event.type for event in heard} <= set(EVENT_TYPES)
    assert (heard[0].type, heard[-1].type) == ("run_started", "run_finished")
    assert heard[-1].data == result.as_dict()
    assert result.report_path is not None
    lines = (result.report_path.parent / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(e.as_dict())) for e in heard]


def test_a_seekers_events_carry_its_path(corpus: Corpus, tmp_path: Path) -> None:
    """Nothing that a seeker does appears as the parent's."""
    result = agent_of(corpus, tmp_path).run(COMPARISON)
    of_seekers = {"seeker_started", "tool_call", "tool_result"}
    assert all(event.path for event in result.trace if event.type in of_seekers)
    assert {e.path for e in result.trace if e.path} == {(f"seeker-1-{n}",) for n in (1, 2, 3)}


def test_every_event_is_in_the_table(corpus: Corpus, tmp_path: Path) -> None:
    """docs/events.md names every type of event, and every key that an event of that type carries."""
    table = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert set(rows) == set(EVENT_TYPES)

    def broken(_: str) -> None:
        raise ConnectionError("server gone")

    memory = SwiftMem(None, embedder=HashEmbedder())
    runs = [
        agent_of(corpus, tmp_path / "1", memory=memory).run(COMPARISON),
        agent_of(corpus, tmp_path / "2", memory=memory).run(COMPARISON),
        agent_of(corpus, tmp_path / "3", ScriptedLocal(before=broken)).run(QUESTION),
    ]
    memory.close()
    for event in (event for result in runs for event in result.trace if event.type != "run_finished"):
        assert all(f"`{key}`" in rows[event.type] for key in event.data), event


def test_the_second_run_uses_the_memory(corpus: Corpus, tmp_path: Path) -> None:
    """An answer is remembered with its citations and given again while they still hold."""
    with SwiftMem(None, embedder=HashEmbedder()) as memory:
        agent = agent_of(corpus, tmp_path, memory=memory)
        first, second = agent.run(QUESTION), agent.run(QUESTION)
        assert [e.data["hits"] for e in first.trace if e.type == "memory_hits"] == [[]]
        assert second.mode == "memory"
        assert (second.answer, second.citations) == (first.answer, first.citations)
        assert second.usage["tool_calls"] == second.usage["model_calls"] == 0
        assert len(memory.get_all(user_id="default", namespace="findings")) == 1


def test_a_memory_whose_source_is_gone_is_not_trusted(corpus: Corpus, tmp_path: Path) -> None:
    """When a cited document is no longer there, the question is researched again."""
    with SwiftMem(None, embedder=HashEmbedder()) as memory:
        first = agent_of(corpus, tmp_path, memory=memory).run(QUESTION)
        other = Corpus.from_passages(
            [("Piano", "The piano was invented in Rome by someone.")], embedder=HashEmbedder()
        )
        with other:
            second = agent_of(other, tmp_path, memory=memory).run(QUESTION)
    assert first.mode != "memory"
    assert second.mode != "memory"


@pytest.mark.parametrize(
    ("budget", "limit"),
    [(Budget(max_calls=1), "calls"), (Budget(max_tokens=5), "tokens"), (Budget(max_seconds=0.0), "seconds")],
)
def test_a_limit_ends_in_a_flagged_answer(corpus: Corpus, tmp_path: Path, budget: Budget, limit: str) -> None:
    """At a limit there is a result with status "partial" that names the limit, in the report too."""
    result = agent_of(corpus, tmp_path, budget=budget).run(QUESTION)
    assert (result.status, result.limit) == ("partial", limit)
    assert result.report_path is not None
    assert f"the limit of {limit} was reached" in result.report_path.read_text()


def test_the_time_limit_holds_inside_the_search(corpus: Corpus, tmp_path: Path) -> None:
    """A search that takes long is given up at the limit; the question's own first one gives the partial answer."""

    class Stalling(SlowCorpus):
        def search(self, query: str, limit: int = 5) -> Any:
            if query != QUESTION:
                time.sleep(3)
            return super().search(query, limit)

    began = time.monotonic()
    result = agent_of(Stalling(corpus, 0.0), tmp_path, budget=Budget(max_seconds=0.5)).run(QUESTION)
    assert time.monotonic() - began < 2.5
    assert (result.status, result.limit) == ("partial", "seconds")
    assert result.citations


def test_one_run_does_not_eat_the_next_ones_budget(corpus: Corpus, tmp_path: Path) -> None:
    """The limits hold for each run by itself."""
    agent = agent_of(corpus, tmp_path, budget=Budget(max_calls=3))
    assert [agent.run(QUESTION).status for _ in range(3)] == ["done"] * 3


@pytest.mark.parametrize("seed", range(12))
def test_random_limits_and_failures_never_end_in_silence(corpus: Corpus, tmp_path: Path, seed: int) -> None:
    """Whatever stalls or fails under whatever limit: a status, and no limit passed by more than one call."""
    chance = random.Random(seed)

    def trouble(_: str) -> None:
        if chance.random() < 0.2:
            time.sleep(0.02)

    model = ScriptedLocal(
        before=trouble,
        text=chance.choice(["", "Padua.", "no JSON", "x" * 500]),
        plan=chance.choice(["{", "[]", "null", "{}"]),
    )
    budget = Budget(
        max_tokens=chance.choice([None, chance.randint(0, 900)]),
        max_calls=chance.choice([None, chance.randint(0, 5)]),
        max_seconds=chance.choice([None, chance.random() / 5]),
    )
    reading = chance.choice([TRUSTING, STRICT])
    result = agent_of(corpus, tmp_path, model, budget=budget, reading=reading).run(
        chance.choice([QUESTION, COMPARISON])
    )
    assert result.status in ("done", "partial", "not_found")
    assert (result.status == "partial") == (result.limit is not None)
    assert budget.max_calls is None or result.usage["model_calls"] <= budget.max_calls + 1
    assert budget.max_tokens is None or result.usage["tokens"] <= budget.max_tokens + 200


def test_a_seeker_that_fails_ends_alone(tmp_path: Path, corpus: Corpus) -> None:
    """A search that breaks for one part leaves the others' evidence, and the report says so."""

    class Breaking(SlowCorpus):
        def search(self, query: str, limit: int = 5) -> Any:
            if query.startswith("James Cook:"):
                raise OSError("the disk went away")
            return super().search(query, limit)

    result = agent_of(Breaking(corpus, 0.0), tmp_path).run(COMPARISON)
    assert result.status == "done"
    assert result.report_path is not None
    assert "the disk went away" in result.report_path.read_text()


def test_a_run_can_be_stopped_and_resumed(corpus: Corpus, tmp_path: Path) -> None:
    """A cancelled run stops at its next step and goes on from there, its budget included."""
    cancel = threading.Event()
    agent = agent_of(SlowCorpus(corpus, 0.01), tmp_path)
    with pytest.raises(RunCancelledError):
        agent.run(
            QUESTION,
            run_id="mine",
            on_event=lambda e: cancel.set() if e.type == "tool_call" else None,
            cancel=cancel,
        )
    result = agent.resume("mine")
    assert result.status == "done"
    assert result.answer == agent.run(QUESTION).answer
    assert result.trace[0].seq > 1


async def test_events_stream_while_the_run_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    """Astream yields the same events as run; leaving it early stops the run."""
    agent = agent_of(SlowCorpus(corpus, 0.02), tmp_path)
    types = [event.type async for event in agent.astream(QUESTION)]
    assert (types[0], types[-1]) == ("run_started", "run_finished")
    began = time.monotonic()
    async for event in agent.astream(COMPARISON, run_id="left"):
        if event.type == "seeker_started":
            break
    assert time.monotonic() - began < 5
    for _ in range(200):
        try:
            resumed = await asyncio.to_thread(agent.resume, "left")
            break
        except AgentError:
            await asyncio.sleep(0.05)
    assert resumed.answer == "John Harrison"


def _number_of(words: str, heard: list[Any]) -> str:
    """Return the number, in brackets, of the last sentence with these words that a model was shown."""
    numbers = re.findall(r"(\[\d+\])(?:(?!\[\d).)*?" + re.escape(words), str(heard[-1].content), re.DOTALL)
    return str(numbers[-1])


def test_a_chat_model_names_its_sentences(corpus: Corpus, tmp_path: Path) -> None:
    """A chat-only model plans in JSON, asked again where that is broken, and answers with the numbers of its sentences."""
    replies = [
        AIMessage("I would ask who invented it."),
        AIMessage('```json\n{"sub_questions": ["Who invented the piano?"]}\n```'),
        lambda heard: AIMessage(f"Padua {_number_of('in Padua', heard)}"),
    ]
    model = ScriptedModel(lines=replies)
    result = agent_of(corpus, tmp_path, model).run(QUESTION)
    assert (result.answer, result.mode, len(result.citations)) == ("Padua", "chat", 1)
    assert len(model.heard) == 3


@pytest.mark.parametrize("question", ["", "   ", "x" * 2_000_000, "who \ud83d?"])
def test_a_question_that_is_none_is_refused(corpus: Corpus, tmp_path: Path, question: str) -> None:
    """An empty or endless question gets one line with the cure."""
    with pytest.raises(ConfigurationError) as caught:
        agent_of(corpus, tmp_path).run(question)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corpus": 3}, "corpus is a int"),
        ({"memory": 3}, "memory is a int"),
        ({"backbone": "nonsense"}, "unknown backbone 'nonsense'"),
        ({"backbone": None}, "backbone is a NoneType: give a name"),
        (
            {"tools": [print]},
            r"tools holds <built-in function print>: give a sequence of agentcore.tools.ToolSpec",
        ),
        ({"tools": print}, "tools holds"),
        ({"budget": {"max_tokens": 5}}, "budget is a dict: give a Budget"),
        ({"user_id": ""}, "user_id is ''"),
        ({"user_id": "a\nb"}, "without control characters"),
        ({"user_id": "a" * 513}, "1 to 512 characters"),
        ({"choice": "guess"}, "choice is 'guess': use 'attention', 'likelihood', 'chat'"),
        ({"trimming": True}, "trimming is a bool: give a TrimmingConfig"),
        ({"settings": {}}, "settings is a dict: give a WorkflowSettings"),
        ({"reading": {}}, "reading is a dict: give a ReaderSettings"),
        ({"embedder": 5}, "embedder is a int"),
    ],
)
def test_a_part_that_is_none_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """A part that cannot be used is refused by its name when the agent is made, not deep inside a run."""
    with pytest.raises(ConfigurationError, match=message):
        Agent(**{"backbone": ScriptedLocal(), "runs": tmp_path / "runs.db", **options})


@pytest.mark.parametrize("kind", [WorkflowSettings, ReaderSettings])
def test_settings_take_only_numbers_that_can_be_meant(kind: Any) -> None:
    """Every number of the settings refuses NaN, a bool and a text; every count also a fraction and what is negative."""
    defaults = kind()
    for field in fields(kind):
        value = getattr(defaults, field.name)
        senseless = [None, "3", float("nan")] + ([1] if isinstance(value, bool) else [True])
        senseless += [] if isinstance(value, bool | float) else [1.5, -1]
        for wrong in senseless:
            with pytest.raises(ConfigurationError, match=f"^{field.name} is .*: use"):
                kind(**{field.name: wrong})


@pytest.mark.parametrize("turn", ["Who?", {"answer": "she"}])
def test_a_conversation_that_is_none_is_refused(corpus: Corpus, tmp_path: Path, turn: Any) -> None:
    """Earlier turns in another form are named with the form that they should have."""
    with pytest.raises(ConfigurationError, match="give turns with question, answer and titles"):
        agent_of(corpus, tmp_path).run(QUESTION, conversation=[turn])


def test_a_turn_may_lack_what_it_did_not_say(corpus: Corpus, tmp_path: Path) -> None:
    """A turn of an application's own, without titles, is understood as one that cited nothing."""
    assert agent_of(corpus, tmp_path).run(QUESTION, conversation=[{"question": "Hello?"}]).answer  # type: ignore[typeddict-item]


@pytest.mark.parametrize("run_id", ["x\0", "a/b", "..", 5])
def test_a_name_that_cannot_be_a_folder_is_refused(corpus: Corpus, tmp_path: Path, run_id: Any) -> None:
    """A run's name is one part of a path."""
    with pytest.raises(ConfigurationError, match="cannot name a run"):
        agent_of(corpus, tmp_path).run(QUESTION, run_id=run_id)


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_damaged_record_of_a_run_is_named(corpus: Corpus, tmp_path: Path, content: str) -> None:
    """What a crash of the machine left of a run's head is told with the cure, for resuming and forking alike."""
    agent = agent_of(corpus, tmp_path)
    run_id = agent.run(QUESTION).run_id
    next(tmp_path.rglob(f"{run_id}/run.json")).write_text(content)
    for call in (agent.resume, agent.fork):
        with pytest.raises(RunStorageError, match=f"{run_id}' is damaged: ask its question again"):
            call(run_id)


@pytest.mark.parametrize("run_id", ["missing", "", "../x"])
def test_a_run_that_is_not_there(corpus: Corpus, tmp_path: Path, run_id: str) -> None:
    """Resuming an unknown run says how to see the runs there are."""
    with pytest.raises(RunNotFoundError, match="runs list"):
        agent_of(corpus, tmp_path).resume(run_id)


@pytest.mark.parametrize(
    "question", ["¿?", "…", "🎹🎹🎹", "a\x00b", "SELECT * FROM x; --", '"\\', "who " * 2000]
)
def test_odd_questions_get_an_answer_too(corpus: Corpus, tmp_path: Path, question: str) -> None:
    """Symbols, quotes and repetition end in a result, not in an error."""
    assert agent_of(corpus, tmp_path).run(question).status in ("done", "not_found")


def test_what_tools_return_becomes_cited_evidence(tmp_path: Path) -> None:
    """Without documents a capable model works with tools, and its answer cites a tool's kept result."""
    tool = ToolSpec(
        "weather",
        "The weather of a town.",
        {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
        lambda town: f"It is 12 degrees in {town} today.",
        untrusted=True,
    )
    lines = [
        AIMessage('{"sub_questions": ["What is the weather in Padua?"]}'),
        calling("weather", {"town": "Padua"}),
        AIMessage("12 degrees."),
        AIMessage("12 degrees [1]"),
    ]
    agent = agent_of(
        None, tmp_path, ScriptedModel(lines=lines), tools=[tool], settings=WorkflowSettings(max_tasks=1)
    )
    result = agent.run("How warm is it in Padua?")
    assert (result.answer, result.citations[0].quote) == ("12 degrees", "It is 12 degrees in Padua today.")
    assert result.citations[0].source == "tool:weather"
    assert result.usage["tool_calls"] == 1


def test_without_documents_and_tools_nothing_is_invented(tmp_path: Path) -> None:
    """An agent that has nothing to read says "not found" and why."""
    result = agent_of(None, tmp_path).run(QUESTION)
    assert result.status == "not_found"
    assert result.report_path is not None
    assert "give a corpus" in result.report_path.read_text()


def test_a_model_that_fails_leaves_a_partial_answer(corpus: Corpus, tmp_path: Path) -> None:
    """When the model's calls fail, retrieval alone answers, flagged as partial, with the error told."""

    def broken(_: str) -> None:
        raise ConnectionError("server gone")

    result = agent_of(corpus, tmp_path, ScriptedLocal(before=broken)).run(QUESTION)
    assert (result.status, result.limit, result.mode) == ("partial", "model", "linked")
    assert any("server gone" in event.data["message"] for event in result.trace if event.type == "error")


def test_without_the_model_the_sentence_that_holds_the_question_answers(tmp_path: Path) -> None:
    """Where one sentence holds the question and the model fails, the partial answer rests on that sentence."""

    def broken(_: str) -> None:
        raise ConnectionError("server gone")

    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "cats.md").write_text("# Cats\n\nThe grey cat sleeps on the red sofa.")
    (folder / "bread.txt").write_text("Bread\n\nThe bakery opens at seven o'clock.")
    with Corpus.open(folder, tmp_path / "corpus.db") as corpus:
        result = agent_of(corpus, tmp_path, ScriptedLocal(before=broken)).run(
            "Where does the grey cat sleep?"
        )
    assert (result.status, result.mode) == ("partial", "linked")
    assert "sofa" in result.citations[0].quote


def test_a_model_that_hangs_leaves_a_partial_answer(corpus: Corpus, tmp_path: Path) -> None:
    """A call that never returns is given up when the time is up, in any way of asking, and retrieval alone answers."""
    released = threading.Event()

    def hang(*_: Any) -> Any:
        released.wait(60)
        return AIMessage("too late")

    try:
        for number, model in enumerate((ScriptedLocal(before=hang), ScriptedModel(lines=[hang]))):
            agent = agent_of(corpus, tmp_path / str(number), model, budget=Budget(max_seconds=0.3))
            began = time.monotonic()
            result = agent.run(QUESTION)
            assert (result.status, result.limit, result.mode) == ("partial", "seconds", "linked")
            assert result.citations
            assert time.monotonic() - began < 20
    finally:
        released.set()


async def test_many_stopped_runs_leave_room_for_the_next(corpus: Corpus, tmp_path: Path) -> None:
    """However many runs were left while their model hung, the next one is not held up by them."""
    released = threading.Event()

    def hang(_: str) -> None:
        released.wait(120)

    try:
        hanging = agent_of(corpus, tmp_path / "hanging", ScriptedLocal(before=hang))
        for _ in range(40):
            async for event in hanging.astream(QUESTION):
                if event.type == "thinking" and not event.path:
                    break
        agent = agent_of(corpus, tmp_path / "free")
        assert (await asyncio.wait_for(agent.arun(QUESTION), 60)).status == "done"
    finally:
        released.set()


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("The height of General Sherman is about 84 metres.", False),
        ("General Sherman is about 84 metres high.", True),
        ("General Sherman is a tributary of California, and about 84 metres high.", False),
    ],
)
def test_a_phrased_answer_adds_no_words_of_its_own(
    corpus: Corpus, tmp_path: Path, text: str, is_kept: bool
) -> None:
    """What a small model writes around the answer is kept only in the words of the question and of what was read."""
    result = agent_of(corpus, tmp_path, ScriptedLocal(text=text)).run("How high is General Sherman?")
    assert result.answer in text
    assert (result.statement == text) == is_kept
