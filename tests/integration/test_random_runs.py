"""Random runs: models that stall, fail, loop, call unknown tools and emit broken JSON, under random limits."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr
from scripted_local import ScriptedLocal, small_corpus

from agentcore import Agent, Budget
from agentcore.corpus import Corpus
from agentcore.memory.embedding import HashEmbedder
from agentcore.tools import ToolSpec
from agentcore.workflow.dependencies import WorkflowSettings
from agentcore.workflow.reading.settings import ReaderSettings

RUNS = [*range(20), *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 200))]
QUESTIONS = (
    "In which city was the inventor of the piano born?",
    "Who was born earlier, John Harrison or James Cook?",
    "and where did she die?",
    "Who won the regatta of 1988?",
)
TURNS = [{"question": "Who played the theremin?", "answer": "Clara Rockmore", "titles": ["Theremin"]}]
TEXTS = (
    '{"sub_questions": ["Who invented the piano?", "Where was he born?"]}',
    '{"sub_questions": ["',
    "Padua [1][2]",
    "Padua [999]",
    "**Answer:** He was born in Padua [1, 2]. It is a town. [0]",
    "not found",
    '{"question": "Where did Clara Rockmore die?"}',
    "I would rather not.",
    "",
    "null",
    '<tool_call>{"name": "look_up", "arguments": {"about": "Padua"}}</tool_call>',
    '<tool_call>{"name": "lookup", "arguments": {"topic": "Padua"</tool_call>',
    '{"name": "no_such_tool", "arguments": {}}',
    "x" * 3000,
)
CALLS: tuple[tuple[str, Any], ...] = (
    ("look_up", {"about": "Padua"}),
    ("look_up", {"about": 7}),
    ("look_up", {}),
    ("lookup", {"about": "Padua"}),
    ("no_such_tool", {"x": 1}),
)


class Chaotic(BaseChatModel):
    """A chat model that does anything, but the same for the same seed."""

    seed: int
    stall: Any = None
    _random: random.Random = PrivateAttr()
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _count: int = PrivateAttr(default=0)

    def model_post_init(self, context: Any) -> None:
        self._random = random.Random(self.seed)

    @property
    def _llm_type(self) -> str:
        return "chaotic"

    @property
    def calls(self) -> int:
        return self._count

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(has_tools=True)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        with self._lock:
            self._count += 1
            dice, chance = self._random.random(), self._random
            text, call, identity = chance.choice(TEXTS), chance.choice(CALLS), f"call-{self._count}"
        if dice < 0.1:
            raise ConnectionError("the server went away")
        if dice < 0.2:
            self.stall.wait(0.05 if dice < 0.18 else 20)
        message = AIMessage(text)
        if kwargs.get("has_tools") and dice > 0.4:
            calls = [{"name": call[0], "args": call[1], "id": identity, "type": "tool_call"}]
            message = AIMessage(text if dice > 0.9 else "", tool_calls=calls)
        elif kwargs.get("has_tools") and dice > 0.3:
            broken = {"name": call[0], "args": json.dumps(call[1])[:-1], "id": identity, "error": "broken"}
            message = AIMessage("", invalid_tool_calls=[{**broken, "type": "invalid_tool_call"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with small_corpus() as opened:
        yield opened


@pytest.fixture
def stall() -> Iterator[threading.Event]:
    """Return what a stalled call waits for; it is let go when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def unreliable(seed: int) -> ToolSpec:
    chance = random.Random(seed)

    def look_up(about: str) -> str:
        if chance.random() < 0.2:
            raise OSError("the shelf is empty")
        return f"{about} is a city in Italy. Bartolomeo Cristofori was born there."

    schema = {"type": "object", "properties": {"about": {"type": "string"}}, "required": ["about"]}
    return ToolSpec("look_up", "Look something up.", schema, look_up, untrusted=True)


@pytest.mark.parametrize("seed", RUNS)
def test_a_run_always_ends_with_a_status(
    corpus: Corpus, tmp_path: Path, stall: threading.Event, seed: int
) -> None:
    """Whatever the model does: a result with a status, in order to its last event, and no limit passed by more than one call."""
    chance = random.Random(1000 + seed)
    limits: dict[str, Any] = {
        "max_tokens": chance.choice([None, chance.randint(0, 3000)]),
        "max_calls": chance.choice([None, chance.randint(0, 9)]),
        "max_seconds": chance.choice([0.2, 0.5, 1.0]),
    }
    model: Any = Chaotic(seed=seed, stall=stall)
    if chance.random() < 0.3:

        def trouble(_: str) -> None:
            dice = chance.random()
            if dice < 0.1:
                raise ConnectionError("the engine went away")
            if dice < 0.2:
                stall.wait(20)

        model = ScriptedLocal(before=trouble, text=chance.choice(TEXTS), plan=chance.choice(TEXTS))
    agent = Agent(
        model,
        corpus=chance.choice([corpus, corpus, None]),
        tools=[unreliable(seed)] if chance.random() < 0.7 else [],
        budget=Budget(**limits),
        runs=tmp_path / "runs.db",
        embedder=HashEmbedder(),
        reading=ReaderSettings(found_threshold=chance.choice([0.0, 0.5, 1.0])),
        settings=WorkflowSettings(max_tasks=chance.randint(1, 4), tool_rounds=chance.randint(1, 4)),
    )
    result = agent.run(chance.choice(QUESTIONS), conversation=TURNS)
    assert result.status in ("done", "partial", "not_found")
    assert (result.status == "partial") == (result.limit is not None)
    assert [event.seq for event in result.trace] == list(range(1, len(result.trace) + 1))
    assert result.trace[-1].type == "run_finished"
    assert result.report_path is not None and result.report_path.read_text()
    assert all(citation.quote for citation in result.citations)
    if limits["max_calls"] is not None:
        assert result.usage["model_calls"] <= limits["max_calls"]
        assert (
            getattr(model, "calls", 0) == 0
            or not isinstance(model, Chaotic)
            or model.calls <= limits["max_calls"]
        )
    if limits["max_tokens"] is not None:  # at most the call that was under way: a prompt and an answer
        assert result.usage["tokens"] <= limits["max_tokens"] + 3000
