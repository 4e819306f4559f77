"""Equality of answers."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from agentcore.decoding.trimming import same_answer

SAME = [
    ("\\dfrac{16}{27}", "\\frac{16}{27}"),
    ("4\\sqrt{5}", "\\sqrt{80}"),
    ("(2, 12) \\cup (12, 102)", "(2,12) \\cup (12,102)"),
    ("32,\\!348", "\\$32,\\!348"),
    ("\\text{Navin}", "navin"),
    ("0.5", "1/2"),
    ("5r^5", "5r^{5}"),
    ("025", "25"),
    ("864 \\mbox{ inches}", "864"),
]
DIFFERENT = [
    ("2", "3"),
    ("1/3", "0.333"),
    ("x^2", "x^3"),
    ("", "1"),
    ("Navin", "Luka"),
    ("(1,2)", "(2,1)"),
    ("C", "B"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_same(first: str, second: str) -> None:
    """Two spellings of one answer are the same, whichever comes first."""
    assert same_answer(first, second)
    assert same_answer(second, first)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different(first: str, second: str) -> None:
    """Different answers stay different."""
    assert not same_answer(first, second)
    assert not same_answer(second, first)


def test_works_in_a_worker_thread() -> None:
    """The check needs no signal, so any thread may make it."""
    outcome: list[bool] = []
    thread = threading.Thread(target=lambda: outcome.append(same_answer("3\\sqrt{12}", "6\\sqrt{3}")))
    thread.start()
    thread.join(60)
    assert outcome == [True]


async def test_works_inside_a_running_loop() -> None:
    """The check works on the event loop itself and in its executor."""
    assert same_answer("\\frac{\\sqrt{8}}{2}", "\\sqrt{2}")
    assert await asyncio.to_thread(same_answer, "\\frac{\\sqrt{18}}{3}", "\\sqrt{2}")


@pytest.mark.parametrize(
    "hostile",
    [
        "9^{9^{9^{9}}}",
        "10000000!",
        "\\int_0^1 x^x dx",
        "\\sum_{k=1}^{10^9} k",
        "2^{99999999}",
        "9" * 400,
        "((((" * 60,
        "\\frac{" * 50,
    ],
)
def test_a_costly_expression_is_not_evaluated(hostile: str) -> None:
    """What could run away is compared as text, at once."""
    started = time.process_time()
    assert not same_answer(hostile, "1")
    assert same_answer(hostile, hostile) or hostile.startswith(("((", "\\frac{"))
    assert time.process_time() - started < 30
