"""What the support check marks, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentcore.workflow.support import check_support

PAIRS = json.loads((Path(__file__).parent.parent / "data" / "support.json").read_text(encoding="utf-8"))


def test_nine_of_ten_spoiled_claims_are_marked() -> None:
    """Claims whose number, name, negation or relation was spoiled are marked, at least 90 % of them."""
    spoiled = [pair for pair in PAIRS if not pair["supported"]]
    missed = [pair["claim"] for pair in spoiled if check_support(pair["claim"], [pair["span"]]).is_supported]
    assert len(missed) <= 0.1 * len(spoiled), missed


def test_one_of_ten_good_claims_at_most_is_marked() -> None:
    """Claims that their span supports are left alone, at least 90 % of them."""
    good = [pair for pair in PAIRS if pair["supported"]]
    marked = [pair["claim"] for pair in good if not check_support(pair["claim"], [pair["span"]]).is_supported]
    assert len(marked) <= 0.1 * len(good), marked


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("The tower is 96 metres high.", "The tower, built in 1890, is 69 metres high."),
        ("Oslo is the capital of Sweden.", "Oslo is the capital of Norway."),
        ("The valve was not replaced.", "The valve was replaced in March."),
        ("Vega is smaller than Rigel.", "Rigel is smaller than Vega."),
        ("Nobody from Turin spoke.", "The committee met in Milan on Friday."),
    ],
)
def test_a_contradiction_is_marked(claim: str, span: str) -> None:
    """A claim that its span contradicts is marked, with the reason in words."""
    verdict = check_support(claim, [span])
    assert not verdict.is_supported
    assert all(verdict.problems)


@pytest.mark.parametrize(
    "pair", [pair for pair in PAIRS if pair["supported"]], ids=lambda pair: pair["claim"][:30]
)
def test_a_span_supports_its_own_sentences(pair: dict[str, str]) -> None:
    """Whatever a span says word for word is supported by it."""
    assert check_support(pair["span"], [pair["span"]]).is_supported


def test_several_spans_are_read_together() -> None:
    """A claim may take one fact from each of its citations."""
    spans = ["The piano was invented by Bartolomeo Cristofori.", "He was born in Padua."]
    assert check_support("Bartolomeo Cristofori was born in Padua.", spans).is_supported
    assert not check_support("Bartolomeo Cristofori was born in Venice.", spans).is_supported
