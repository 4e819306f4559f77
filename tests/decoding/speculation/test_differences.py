"""The explanation of a difference."""

from __future__ import annotations

import pytest

from agentcore.decoding import generate
from agentcore.decoding.speculation import first_difference

from .toy import ToyGrammar, ToyModel


def test_the_first_different_place_comes_with_its_gap() -> None:
    """Place, both tokens and the distance of the two best scores are those of the plain run."""
    model = ToyModel(seed=4, eos_bias=-9.0)
    expected = [step.token_id for step in generate(model, [1, 2], max_new_tokens=12)]  # type: ignore[arg-type]
    found = [*expected[:5], (expected[5] + 1) % 8, *expected[6:]]
    difference = first_difference(model, [1, 2], expected=expected, found=found)
    assert difference is not None
    assert (difference.place, difference.expected, difference.found) == (5, expected[5], found[5])
    best = model.row([1, 2, *expected[:5]]).topk(2).values
    assert difference.gap == pytest.approx(float(best[0] - best[1]))


def test_equal_outputs_have_no_difference_and_shorter_ones_end_early() -> None:
    """Equality is None; an output that stopped differs where it stopped."""
    model = ToyModel(seed=4)
    assert first_difference(model, [1], expected=[1, 2], found=[1, 2]) is None
    difference = first_difference(model, [1], expected=[1, 2], found=[1])
    assert difference is not None
    assert (difference.place, difference.expected, difference.found) == (1, 2, None)


def test_the_gap_is_taken_among_what_the_constraint_allows() -> None:
    """Tokens that a grammar forbids do not count as rivals."""
    model = ToyModel(seed=4, eos_bias=-9.0)
    difference = first_difference(model, [1], expected=[1], found=[2], constraint=ToyGrammar(seed=1))
    assert difference is not None
    allowed = ToyGrammar(seed=1).allowed()
    scores = model.row([1]).masked_fill(~allowed, float("-inf")).topk(2).values
    assert difference.gap == float(scores[0] - scores[1])
