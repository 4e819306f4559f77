"""Over-thinking and under-thinking as the paper defines them."""

from __future__ import annotations

import pytest

from agentcore.decoding.trimming import (
    ClassCounter,
    ResetCounter,
    ThoughtTrimmer,
    TrimmingConfig,
    UnderThinking,
)


def reset_fires(answers: str) -> list[bool]:
    counter = ResetCounter(2)
    return [
        counter.add(same_as_previous=index > 0 and answers[index - 1] == now)
        for index, now in enumerate(answers)
    ]


def classes_fire(answers: str) -> list[bool]:
    counter = ClassCounter(2)
    return [
        counter.add(same_as=tuple(other for other in counter.representatives() if answers[other] == now))
        for now in answers
    ]


def test_the_published_rule_forgets_at_a_disagreement() -> None:
    """Three in a row fire, A A B A A does not."""
    assert reset_fires("AAA") == [False, False, True]
    assert not any(reset_fires("AABAA"))


def test_classes_remember() -> None:
    """A A B A A fires at its fourth answer, and a class that is not the latest never fires."""
    assert classes_fire("AABAA") == [False, False, False, True, True]
    assert classes_fire("AAAB")[-1] is False


def test_a_later_conclusion_cannot_be_referred_to() -> None:
    """A verdict about conclusions that do not exist is a mistake of the caller."""
    with pytest.raises(ValueError, match="does not come before"):
        ClassCounter().add(same_as=(0,))


@pytest.mark.parametrize(
    ("mode", "tokens", "thoughts", "fires"),
    [
        ("and", 60, 25, True), ("and", 60, 5, False), ("and", 10, 25, False),
        ("or", 60, 5, True), ("or", 10, 25, True), ("or", 10, 5, False), ("off", 99, 99, False),
    ],
)  # fmt: skip
def test_under_thinking_limits(mode: str, tokens: int, thoughts: int, fires: bool) -> None:
    """Both limits must be reached in `and` mode, either in `or` mode."""
    config = TrimmingConfig(under_mode=mode)  # type: ignore[arg-type]
    assert UnderThinking(config, budget=100).check(tokens=tokens, thoughts=thoughts) is fires


def test_under_thinking_needs_a_budget_for_its_share() -> None:
    """Without a budget the default mode never fires."""
    assert not UnderThinking(TrimmingConfig()).check(tokens=10**9, thoughts=10**6)
    for budget in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match=r"budget is .*: use a whole number of at least 1"):
            UnderThinking(budget=budget)  # type: ignore[arg-type]  # the mistakes under test


THOUGHT = "Some more words that make this thought long enough to stand alone in the stream of reasoning here. So we get {}.\n\n"


def test_the_paper_rule_stops_after_three_equal_conclusions() -> None:
    """With the rule verifier, three thoughts that conclude the same end the thinking, two do not."""
    config = TrimmingConfig(over_rule="reset")
    trimmer = ThoughtTrimmer("What is it?", config)
    assert trimmer.push(THOUGHT.format(7) + "Wait, " + THOUGHT.format(7) + "Wait, ") is None
    verdict = trimmer.push(THOUGHT.format(7) + "Wait, " + THOUGHT.format(7))
    assert verdict is not None
    assert (verdict.reason, verdict.force, verdict.answer and verdict.answer.key) == (
        "over_thinking",
        "mild",
        "7",
    )
