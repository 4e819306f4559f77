"""Chat models as reader and judge of the memory benchmarks."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage
from scripted_model import ScriptedModel

from agentcore.evaluation.memory_answers import answering


def test_reader_sees_the_excerpts_and_the_question() -> None:
    """The reader is asked once, with every excerpt in order, and its reply comes back on one line."""
    model = ScriptedModel(lines=[AIMessage(" 7 May\n2023 ")])
    reader = answering(model, passages=3, most=5)
    assert reader.answer("When?", ["Ann: on the seventh", "Bob: nice"]) == "7 May 2023"
    asked = model.heard[0][-1].text
    assert asked.index("Ann: on the seventh") < asked.index("Bob: nice") < asked.index("When?")
    assert (reader.judge, reader.passages, reader.most) == (None, 3, 5)


@pytest.mark.parametrize(
    ("reply", "right"),
    [("yes", True), ("**Yes**, same.", True), ("no", False), ("Not yes", False), ("", False)],
)
def test_judge_says_yes_or_no(reply: str, right: bool) -> None:
    """Only a reply that begins with yes counts as right."""
    judge = ScriptedModel(lines=[AIMessage(reply)])
    verdict = answering(ScriptedModel(lines=[AIMessage("x")]), judge=judge).judge
    assert verdict is not None
    assert verdict("When?", "7 May 2023", "May 7") is right
    assert "7 May 2023" in judge.heard[0][-1].text
