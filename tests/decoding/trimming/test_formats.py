"""The default on reasoning in forms that no constant was chosen on: other words, layouts, units, languages and answers."""

from __future__ import annotations

import pytest

from agentcore.decoding.trimming import ThoughtTrimmer, TrimmingConfig, Verdict

COWS = "A farm has 12 cows and 44 sheep. How many animals are there in total?"
SHOP = "A pen costs $1.25 and a book costs $4.50. How much do 2 pens and 3 books cost in total?"
OPTIONS = "What is the sum of 12 and 44?\nA. 54\nB. 55\nC. 56\nD. 58"
TALE = (
    " I look at every part of it once more, slowly, from the first word to the last, and nothing is new." * 3
)


def trim(problem: str, text: str, *, caution: int = TrimmingConfig().caution) -> Verdict | None:
    """Feed a text in small pieces."""
    trimmer = ThoughtTrimmer(problem, TrimmingConfig(caution=caution, repetition=False, under_mode="off"))
    for start in range(0, len(text), 20):
        verdict = trimmer.push(text[start : start + 20])
        if verdict is not None:
            return verdict
    return None


@pytest.mark.parametrize(
    ("problem", "text", "value"),
    [
        (COWS, "So the total is 56 animals.\n\nWait, let me double-check. 12 + 44 is 56. So the total is 56 animals.\n\nHmm, let me verify it.", "56"),
        (COWS, "So the total is 56 animals.\n\nJust to be safe, I will go over it again. So there are 56 animals in total.\n\nLet me recheck this.", "56"),
        (COWS, "So the total is 56 animals.\n\nLet me cross-check that. So there are 56 animals in total.\n\nLet me re-examine this once more.", "56"),
        (COWS, "1. Add the cows and the sheep.\n2. So the total is **56** animals.\n3. Let me verify: it adds up.\n4. Therefore, the total is **56** animals.\n\nLet me check again.", "56"),
        (COWS, "### Step 1\nAdd them.\n\n### Step 2\nTherefore, the total number of animals is \\(56\\).\n\n### Check\nLet me verify this result. The answer is \\(56\\).\n\nLet me confirm.", "56"),
        (COWS, "**Final Answer**\n\\[ \\boxed{56} \\]\n\nWait, let me double-check the total once more.", "56"),
        (SHOP, "So the total cost is $16.00.\n\nLet me double-check. So in total that is $16.00.\n\nWait, let me verify that again.", "16"),
        (OPTIONS, "12 + 44 is 56. So the answer is C.\n\nWait, let me double-check. Yes, the answer is C.\n\nLet me verify once more.", "C"),
        ("农场有12头牛和44只羊。一共有多少只动物？", "所以一共有56只动物。\n\n等等，让我检查一下。所以一共有56只动物。\n\n让我再验证一次。", "56"),
        ("农场有12头牛和44只羊。一共有多少只动物？", "因此答案是56。\n\n让我再核对一下。12加44，答案是56。\n\n等等，再检查一遍。", "56"),
    ],
    ids=["wait", "to be safe", "cross-check", "list", "headings", "final answer", "dollars", "choice", "chinese", "chinese answer"],
)  # fmt: skip
def test_a_checked_answer_ends_the_thinking(problem: str, text: str, value: str) -> None:
    """A value stated as what is asked and then checked again and again is the answer, however it is written."""
    verdict = trim(problem, text + TALE)
    assert verdict is not None
    assert verdict.answer is not None
    assert verdict.answer.key == value


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (SHOP, "So the pens cost $2.50 in total.\n\nNext, the books. So the books cost $13.50 in total. Let me add them."),
        (COWS, "If there were 10 more, the total would be 66 animals. Wait, let me check the problem again."),
        ("Find all real solutions of $x^2 = 4$.", "So x = 2. Let me check: it works.\n\nWait, so x = 2 again. Let me verify. The answer is 2."),
        ("Who has more money, Ann or Ben?", "So Ben has 20 dollars in total. Let me double-check. So Ben has 20 dollars. Let me verify."),
        ("Write a function that returns the number of primes below n.", "For n = 10 the answer is 4. Let me check. So the answer is 4. Let me verify."),
        ("Prove that the sum of two odd numbers is even.", "So the sum is 4. Let me check with 1 and 3. So the sum is 4. Let me verify."),
        (OPTIONS, "Let me look at option A. 54 is too low. Let me check option B. 55 is too low as well."),
        ("How many cups of flour are needed?", "So the number of cups is 3 to 1 with sugar. Let me check. So it is 3 to 1. Let me verify."),
        ("What is the population?", "So the population is 5 million. Let me double-check. So the population is 5 million. Let me verify."),
    ],
    ids=["parts", "hypothesis", "all solutions", "name", "code", "proof", "options", "ratio", "million"],
)  # fmt: skip
def test_what_is_no_answer_does_not_end_it(problem: str, text: str) -> None:
    """Intermediate values, examples, one of several solutions and numbers where a name, a proof or code is asked never cut."""
    assert trim(problem, text + TALE) is None


def test_without_the_problem_the_answer_must_be_called_one() -> None:
    """A stream whose question is unknown is cut only where the value is called the answer."""
    assert (
        trim("", "So there are 56 sheep. Let me check. So there are 56 sheep. Let me verify it." + TALE)
        is None
    )
    assert trim("", "The final answer is 56. Let me check. So the answer is 56. Let me verify it." + TALE)


def test_a_short_thinking_is_left_alone() -> None:
    """A thinking that states its answer once and ends is whole."""
    assert trim(COWS, "12 + 44 = 56. So there are 56 animals in total.") is None
