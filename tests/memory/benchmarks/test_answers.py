"""Scores of answers, and their place in the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agentcore.memory.benchmarks import Answering, LocomoConfig, print_tables, run_locomo
from agentcore.memory.benchmarks._answers import bleu_1, declines, score_answer, token_f1
from agentcore.memory.benchmarks._dataset import Question
from agentcore.memory.embedding import HashEmbedder


def test_token_f1_and_bleu() -> None:
    """Articles, case, punctuation and inflection do not count; order does not either; too short answers pay in BLEU."""
    assert token_f1("The dogs!", "a dog") == 1
    assert token_f1("7 May 2023", "May 2023") == pytest.approx(0.8)
    assert token_f1("", "dog") == token_f1("cat", "dog") == 0
    assert bleu_1("may 7", "7 May") == 1
    assert bleu_1("May", "7 May 2023") == pytest.approx(0.1353, abs=1e-3)
    assert bleu_1("", "x") == 0


def test_rules_by_category() -> None:
    """Lists are scored part by part, open questions up to the semicolon, unanswerable ones by declining alone."""
    several = Question("q", "?", ("t",), "1", answer="pottery, camping, painting")
    assert score_answer(several, "painting, pottery")["f1"] == pytest.approx(2 / 3)
    open_ended = Question("q", "?", ("t",), "3", answer="Likely no; she hates cold")
    assert score_answer(open_ended, "likely no")["f1"] == 1
    trap = Question("q", "?", ("t",), "5", answerable=False)
    assert score_answer(trap, "That is not mentioned.") == {"declined": 1.0}
    assert score_answer(trap, "a lion") == {"declined": 0.0}


@pytest.mark.parametrize(
    ("reply", "says_no"),
    [("I don't know", True), ("No information available", True), ("", True), ("Norway", False)],
)
def test_declining(reply: str, says_no: bool) -> None:
    """Replies that admit there is no answer are recognised, others are not."""
    assert declines(reply) is says_no


def test_answers_are_scored_beside_retrieval(locomo_file: Path) -> None:
    """A plugged-in reader gets the passages that were found, and its scores stand in the result."""
    seen: list[Sequence[str]] = []

    def answer(question: str, passages: Sequence[str]) -> str:
        seen.append(passages)
        return "Pepper" if "called" in question else "not mentioned"

    answering = Answering(answer, lambda question, gold, reply: gold == reply, passages=2)
    config = LocomoConfig(locomo_file, compare=(), show_progress=False, answering=answering)
    result = run_locomo(config, embedder=HashEmbedder(128))
    assert len(seen) == result.metrics["num_answered"] == 6
    assert all(len(passages) == 2 for passages in seen)
    assert "(8 May 2023): I adopted a greyhound called Pepper." in seen[0][0]
    assert result.metrics["answer_f1"] == result.metrics["answer_judge"] == 0.5
    assert result.metrics["abstention_accuracy"] == 1.0
    assert result.metrics["wrongly_declined_rate"] == 0.5
    print_tables(result)
    fewer = LocomoConfig(locomo_file, compare=(), show_progress=False, answering=Answering(answer, most=2))
    assert run_locomo(fewer, embedder=HashEmbedder()).metrics["num_answered"] == 2
