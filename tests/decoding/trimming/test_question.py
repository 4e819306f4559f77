"""What a question asks for, and which values can answer it."""

from __future__ import annotations

import pytest

from agentcore.decoding.trimming import Answer, Question, answer

OPTIONS = "What is $x$? $\\textbf{(A)}\\ 5 \\qquad \\textbf{(B)}\\ 6 \\qquad \\textbf{(C)}\\ 7$"


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("A farm has 12 cows. How many legs do they have?", "count"),
        ("How much money does she have left?", "number"),
        ("Simplify $\\frac{x^2-1}{x-1}$.", "expression"),
        ("What is 2 + 2?\nA. 3\nB. 4\nC. 5\nD. 6", "choice"),
        (OPTIONS, "choice"),
        ("In triangle $ABC$ with $A = (0,0)$, $B = (1,2)$, $C = (3,4)$, find the area.", "number"),
        ("Who has more money after the trip?", "words"),
        ("Find the number of residents who own both.", "count"),
        ("Which student has the greatest average speed?", "words"),
        ("Is 97 a prime number?", "words"),
        ("Prove that the square root of 2 is irrational.", "words"),
        ("Write a Python function that returns the number of primes below n.", "words"),
        ("Find all real solutions of $x^2 = 4$.", "words"),
        ("Find the sum of all real solutions of $x^2 = 4$.", "number"),
        ("How many apples does Ben have and how many does Ann have?", "words"),
        ("Find $a$ and $b$.", "words"),
        ("一共有多少只动物？", "number"),
        ("证明根号2是无理数。", "words"),
        ("", "number"),
    ],
)
def test_the_kind_of_an_answer(problem: str, kind: str) -> None:
    """Counts, numbers, expressions, options and what no single number answers are told apart."""
    assert Question.parse(problem).kind == kind


@pytest.mark.parametrize(
    ("problem", "right", "wrong"),
    [
        ("How many cows are there?", "12", "7/2"),
        (OPTIONS, "C", "7"),
        ("Who has more money?", "Ben", "20"),
        ("Find all real solutions of $x^2 = 4$.", "-2, 2", "2"),
        ("How much is left?", "7/2", "x + 1"),
    ],
)
def test_only_what_can_answer_fits(problem: str, right: str, wrong: str) -> None:
    """A value of the wrong type is no answer, whatever is said about it."""
    question = Question.parse(problem)
    good, bad = answer(right), answer(wrong)
    assert isinstance(good, Answer)
    assert isinstance(bad, Answer)
    assert question.fits(good)
    assert not question.fits(bad)


def test_chinese_questions_have_nouns_and_words() -> None:
    """What a Chinese question counts or measures is found, and its words are pairs of characters."""
    question = Question.parse("农场有12头牛和44只羊。一共有多少只动物？")
    assert "动物" in question.nouns
    assert "动物" in question.words
    assert "总和" in Question.parse("求这些数的总和是多少？").nouns
