"""A run is continued from one of its checkpoints as a run of its own; the earlier one stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from scripted_local import ScriptedLocal, small_corpus
from scripted_model import ScriptedModel

from agentcore import Agent, Budget
from agentcore.corpus import Corpus
from agentcore.errors import ConfigurationError, RunNotFoundError
from agentcore.memory.embedding import HashEmbedder
from agentcore.workflow.reading.settings import ReaderSettings

QUESTION = "Who was born earlier, John Harrison or James Cook?"


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with small_corpus() as opened:
        yield opened


def agent_of(corpus: Corpus, folder: Path, model: Any = None, **options: Any) -> Agent:
    return Agent(
        model or ScriptedLocal(),
        corpus=corpus,
        runs=folder / "runs.db",
        embedder=HashEmbedder(),
        reading=ReaderSettings(found_threshold=0.0),
        **options,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("step", "planned", "seekers"),
    [(None, 0, 0), ("recall", 1, 3), ("plan", 1, 3), ("seeker", 0, 3), ("reflect", 0, 0), ("write", 0, 0)],
)
def test_a_fork_does_only_what_comes_after_its_step(
    corpus: Corpus, tmp_path: Path, step: Any, planned: int, seekers: int
) -> None:
    """From each step the fork gives the same answer, doing again only what follows, and leaves the first run alone."""
    agent = agent_of(corpus, tmp_path)
    first = agent.run(QUESTION, run_id="first")
    before = files_of(tmp_path / "runs" / "first")
    fork = agent.fork("first", step=step, fork_id="second")
    assert (fork.answer, fork.citations, fork.run_id) == (first.answer, first.citations, "second")
    types = [event.type for event in fork.trace]
    assert (types.count("plan"), types.count("seeker_started")) == (planned, seekers)
    assert fork.trace[0].data["forked_from"] == "first"
    assert files_of(tmp_path / "runs" / "first") == before
    assert agent.resume("first").answer == first.answer


def test_another_model_answers_from_the_same_evidence(corpus: Corpus, tmp_path: Path) -> None:
    """A fork uses the parts and the limits of the agent that makes it, and its own usage."""
    agent_of(corpus, tmp_path).run("In which city was the inventor of the piano born?", run_id="first")
    model = ScriptedModel(lines=[AIMessage("Padua")])
    fork = agent_of(corpus, tmp_path, model).fork("first")
    assert (fork.answer, fork.mode, fork.usage["model_calls"]) == ("Padua", "chat", 1)
    assert fork.usage["tool_calls"] == 0


def test_another_question_is_asked_of_what_was_found(corpus: Corpus, tmp_path: Path) -> None:
    """The question of a fork replaces that of its run, in the record and the report too."""
    agent = agent_of(corpus, tmp_path)
    agent.run("In which city was the inventor of the piano born?", run_id="first")
    fork = agent.fork("first", question="Who invented the piano?", fork_id="second")
    assert fork.question == fork.understood == "Who invented the piano?"
    assert fork.report_path is not None and fork.report_path.read_text().startswith(
        "# Who invented the piano?"
    )
    head = json.loads((tmp_path / "runs" / "second" / "run.json").read_text())
    assert (head["question"], head["forked_from"]) == ("Who invented the piano?", "first")


def test_a_run_that_met_its_limit_goes_on_with_more(corpus: Corpus, tmp_path: Path) -> None:
    """A fork of a partial run begins before the limit, and with room enough it is done."""
    agent_of(corpus, tmp_path, budget=Budget(max_calls=0)).run("Who invented the piano?", run_id="poor")
    rich = agent_of(corpus, tmp_path).fork("poor")
    assert (rich.status, rich.limit) == ("done", None)


def test_a_fork_can_be_forked_and_resumed(corpus: Corpus, tmp_path: Path) -> None:
    """A fork is a run like any other."""
    agent = agent_of(corpus, tmp_path)
    answer = agent.run(QUESTION, run_id="first").answer
    agent.fork("first", step="plan", fork_id="second")
    assert agent.fork("second", step="seeker", fork_id="third").answer == answer
    assert agent.resume("third").answer == answer


def test_what_cannot_be_forked_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    """An unknown run, an unknown step, a step the run has not, and a question too late are told with the cure."""
    agent = agent_of(corpus, tmp_path)
    with pytest.raises(RunNotFoundError):
        agent.fork("none")
    agent.run(QUESTION, run_id="first")
    with pytest.raises(ConfigurationError, match="use one of recall, plan"):
        agent.fork("first", step="nonsense")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="fork at 'plan'"):
        agent.fork("first", step="seeker", question="Who?")
    with pytest.raises(ConfigurationError, match="already"):
        agent.fork("first", fork_id="first")
    (tmp_path / "runs" / "unborn").mkdir()
    (tmp_path / "runs" / "unborn" / "run.json").write_text(json.dumps({"question": QUESTION}))
    with pytest.raises(ConfigurationError, match="it has none"):
        agent.fork("unborn")
