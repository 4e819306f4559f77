"""Values that sentences state."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agentcore.decoding.trimming import answer, boxed, extract_answer, stated_value
from agentcore.decoding.trimming._numbers import evaluate
from agentcore.decoding.trimming._values import stated_choice


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("So, 120 pounds would not be used.", 120),
        ("200 minus 80 is 120.", 120),
        ("Therefore, m + n = 4 + 5 = 9.", 9),
        ("\\[ \\boxed{\\dfrac{16}{27}} \\]", Fraction(16, 27)),
        ("So it costs $18.50.", Fraction(37, 2)),
        ("the answer is $2,450.", 2450),
        ("It's 10% of 20, so 2.", 2),
        ("Total distributed = 40 × 2", 80),
        ("= 4√5", None),
        ("We get 12 * 3.", None),
        ("The value of x is 6y.", None),
        ("Case 3", None),
        ("x = 3y + 2", None),
        ("Nothing here.", None),
        ("So it is $3\\frac{1}{2}$.", Fraction(7, 2)),
        ("So x = 2 or x = -3.", None),
        ("The solutions are 2 and -3.", None),
        ("So he has 5, 6 and 7 apples.", None),
        ("The ratio is 3 to 1.", None),
        ("The ratio is 2:3.", None),
        ("The population is 5 million.", None),
        ("The area is 25π.", None),
        ("It is 243 followed by zeros.", None),
        ("The size is 201 (since b + c = 200).", 201),
        ("所以一共有56只动物。", 56),
        ("答案是 -3。", -3),
    ],
)
def test_stated_value(sentence: str, value: Fraction | int | None) -> None:
    """The value of a sentence is exact, and no value is better than a wrong one."""
    found = stated_value(sentence)
    assert (found.number if found else None) == value


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("So the answer is (C).", "C"),
        ('Therefore, the answer is "Paris".', "Paris"),
        ("the final answer is \\boxed{4\\sqrt{5}}.", "4\\sqrt{5}"),
        ("答案是 42。", "42"),
        ("The answer is 3/4 because x", "3/4"),
        ("I counted 7 and then 12 apples.", "12"),
        ("I do not know.", None),
    ],
)
def test_extract_answer(text: str, key: str | None) -> None:
    """A snippet's answer is found whatever form it has."""
    found = extract_answer(text)
    assert (found.key if found else None) == key


def test_boxed_takes_the_last_balanced_box() -> None:
    """Braces inside a box are part of it, and an unclosed box is none."""
    assert boxed("\\boxed{1} then \\boxed{\\frac{1}{2}} and \\boxed{3") == "\\frac{1}{2}"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("\\boxed{" * 20_000, None),
        ("(" * 20_000, None),
        ("\\boxed{" + "{" * 20_000 + "}" * 20_000 + "}", "{" * 20_000 + "}" * 20_000),
    ],
)
def test_a_model_in_a_loop_is_read_in_one_pass(text: str, content: str | None) -> None:
    """What a runaway model repeats is read once; read anew from each place, these texts would take minutes."""
    assert boxed(text) == content
    stated_value(text)


def test_equal_values_have_equal_answers() -> None:
    """Spelling does not matter to a number."""
    assert answer("$1,200.0") == answer("1200") == answer("\\frac{2400}{2}")


@pytest.mark.parametrize("text", ["2^999", "9^9^9", "1/0", "__import__('os')", "(" * 99, "2**3", "1,2", ""])
def test_arithmetic_refuses_what_is_none(text: str) -> None:
    """Only small plain arithmetic is evaluated, never code."""
    assert evaluate(text) in (None, Fraction(8))


def test_arithmetic_is_exact() -> None:
    """Decimals do not pass through floating point."""
    assert evaluate("0.1 + 0.2") == Fraction(3, 10)
    assert evaluate("2^8 - 1,000/4") == Fraction(6)


@pytest.mark.parametrize(
    ("sentence", "letter"),
    [
        ("So the answer is C.", "C"),
        ("So option (B) is correct.", "B"),
        ("\\boxed{\\text{(D)}}", "D"),
        ("所以选B。", "B"),
        ("The answer is a prime.", None),
        ("A is 5.", None),
    ],
)
def test_stated_choice(sentence: str, letter: str | None) -> None:
    """An option counts only where its letter is named as one."""
    found = stated_choice(sentence)
    assert (found.key if found else None) == letter
