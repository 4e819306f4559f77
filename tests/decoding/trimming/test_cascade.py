"""The default detector."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore.decoding.trimming import (
    Points,
    Question,
    RuleCascade,
    ThoughtTrimmer,
    TrimmingConfig,
    Verdict,
    guide_prompt,
)
from agentcore.decoding.trimming._statements import statement_class

PROBLEM = "A farm has 12 cows and 44 sheep. How many animals are there in total?"
SETTLED = (
    "I need to add them up. So 12 + 44 = 56. Therefore, there are 56 animals in total.\n\n"
    "Wait, let me double-check that. 12 + 44 is 56. So the total is 56 animals.\n\nHmm, let me verify it once more by another sum. "
)


def cascade(text: str, *, problem: str = PROBLEM, step: int = 7, caution: int = 11) -> Verdict | None:
    watch = RuleCascade(problem, TrimmingConfig(caution=caution))
    for start in range(0, len(text), step):
        verdict = watch.push(text[start : start + step])
        if verdict:
            return verdict
    return None


def test_a_settled_answer_is_cut() -> None:
    """An asked-for statement that the model sets out to verify again ends the thinking, with its value."""
    verdict = cascade(SETTLED)
    assert verdict is not None
    assert verdict.answer is not None
    assert verdict.answer.key == "56"


@pytest.mark.parametrize("step", [1, 3, 50, 1000])
def test_the_verdict_does_not_depend_on_the_chunks(step: int) -> None:
    """Where the cascade decides depends on the text alone."""
    assert cascade(SETTLED, step=step) == cascade(SETTLED)


def test_doubt_is_respected() -> None:
    """A statement that the model rejects at once is no answer."""
    text = "So there are 66 animals in total. Wait, that seems too high, let me check. " * 2
    assert cascade(text) is None


def test_a_number_of_the_problem_is_not_the_answer_so_easily() -> None:
    """Restating what is given and checking the reading of it does not end the thinking."""
    text = "So there are 44 animals that are sheep. Let me check the problem again. So the total of the sheep is 44. Let me make sure."
    assert cascade(text) is None


def test_an_intermediate_value_is_not_the_answer() -> None:
    """A value that calculations go on to use is not the end."""
    text = "So each row has 8 seats. Let me check that. Then 8 * 3 = 24 and 8 * 5 = 40 and 8 + 2 = 10. So each row has 8 seats. Let me verify."
    assert (
        cascade(text, problem="A hall has 24 seats in 3 rows. How many tickets are sold for 5 rows?") is None
    )


def test_more_caution_never_cuts_earlier() -> None:
    """The one setting is monotone: a more cautious cascade decides later or not at all."""
    positions = []
    for caution in (8, 11, 14, 18, 25):
        verdict = cascade(SETTLED * 3, caution=caution)
        positions.append(verdict.position if verdict else 10**9)
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("sentence", "strength"),
    [
        ("The final answer is 56.", 5), ("\\boxed{56}", 5), ("So the answer is 56.", 4), ("Therefore there are 56 animals.", 3),
        ("The animals number 56.", 2), ("So we get 56.", 1), ("I see 56.", 0), ("Maybe the answer is 56.", 0), ("So is it 56 animals?", 0),
    ],
)  # fmt: skip
def test_statement_classes(sentence: str, strength: int) -> None:
    """Statements are ranked by how plainly they give what is asked; hedges and questions give nothing."""
    assert statement_class(sentence, Question.parse(PROBLEM)) == strength


@pytest.mark.parametrize(
    ("problem", "expression", "kind"),
    [
        ("Let $m$ and $n$ be coprime. What is $m+n$?", "m+n", "count"),
        ("If $10^x - 10 = 9990,$ what is $x$ equal to?", "x", "number"),
        ("How many cows are in 8 of the stalls?", "", "count"),
        ("How many pounds will not be used?", "", "number"),
        ("Solve $x>5$. Enter your answer using interval notation.", "x>5", "expression"),
        ("", "", "number"),
    ],
)
def test_questions(problem: str, expression: str, kind: str) -> None:
    """The asked expression and the kind of answer are read off the last asking sentence."""
    question = Question.parse(problem)
    assert (question.expression, question.kind) == (expression, kind)


def test_the_guide_never_tells_the_answer() -> None:
    """The model says its answer itself; the guide differs only by force and by the model's end tag."""
    mild, forced = cascade(SETTLED), Verdict("repetition", 10)
    assert mild is not None
    assert "56" not in guide_prompt(mild)
    assert guide_prompt(forced) != guide_prompt(mild)
    assert "</think>" in guide_prompt(mild)
    assert "think>" not in guide_prompt(mild, end_of_thinking="")


def test_a_runaway_stream_is_stopped_with_its_best_answer() -> None:
    """A loop is ended by force; what it concluded before stays known."""
    trimmer = ThoughtTrimmer(PROBLEM, TrimmingConfig(over_rule="off"))
    loop = "Now I will go over all of the given numbers of this problem again, one after the other, to see whether anything in them was missed or was read in a way that is wrong. "
    text = "So there are 56 animals in total. " + loop * 6
    verdict = None
    for start in range(0, len(text), 20):
        verdict = verdict or trimmer.push(text[start : start + 20])
    assert verdict is not None
    assert (verdict.reason, verdict.force) == ("repetition", "forced")
    assert trimmer.best_answer is not None
    assert trimmer.best_answer.key == "56"
    assert verdict.position < len(text) // 2 + 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agreements", 0),
        ("budget_share", 0.0),
        ("caution", 0),
        ("interval", 0),
        ("over_rule", "rules"),
        ("under_mode", "xor"),
        ("caution", True),
        ("caution", 10.5),
        ("look_ahead", "80"),
        ("min_thought_tokens", -1),
        ("max_thoughts", float("nan")),
        ("budget_share", float("nan")),
        ("budget_share", True),
        ("repetition", 1),
        ("shingle_repeats", 1),
        ("shingle_window", 0),
        ("ngram_windows", 32),
        ("ngram_windows", (32, 0)),
        ("ngram_repeats", 0),
        ("ngram_window", -1),
        ("max_period", -1),
        ("rule_interval", 0),
        ("characters_per_token", 0.0),
        ("characters_per_token", float("inf")),
        ("max_text", 0),
        ("points", None),
    ],
)
def test_impossible_constants_are_refused(name: str, value: Any) -> None:
    """A wrong constant is told at construction, by name and with its cure."""
    with pytest.raises(ValueError, match=f"^{name} is .*: use "):
        TrimmingConfig(**{name: value})


@pytest.mark.parametrize("value", [1.5, True, None])
def test_points_are_whole_numbers(value: Any) -> None:
    """A fraction of a point is refused by the name of its sign."""
    with pytest.raises(ValueError, match=r"^doubt is .*: use a whole number"):
        Points(doubt=value)
