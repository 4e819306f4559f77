"""The local backbone with drafts, on the embedded model."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore.backbones import load_backbone
from agentcore.backbones._speculation import SpeculationOptions
from agentcore.errors import ConfigurationError
from agentcore.models import path_of

needs_model = pytest.mark.skipif(
    path_of("smollm2") is None, reason="the embedded model is not pulled: agentcore models pull smollm2"
)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (None, None),
        (False, None),
        ("off", None),
        (True, SpeculationOptions()),
        ("suffix, leap", SpeculationOptions(("suffix", "leap"))),
        (["leap"], SpeculationOptions(("leap",))),
        ({"methods": "leap", "judge": 0.3}, SpeculationOptions(("leap",), judge=0.3)),
        ({"max_draft": 4}, SpeculationOptions(max_draft=4)),
    ],
)
def test_every_way_to_ask_is_understood(wish: Any, expected: SpeculationOptions | None) -> None:
    """A switch, names, a list and a mapping all say what is wanted."""
    assert SpeculationOptions.parse(wish) == expected


def test_an_unknown_option_names_the_known_ones() -> None:
    """A misspelt key is an error with the cure."""
    with pytest.raises(ConfigurationError, match=r"'methdos'.*methods"):
        SpeculationOptions.parse({"methdos": "leap"})


@needs_model
def test_a_repetitive_completion_is_drafted_and_says_the_same() -> None:
    """With speculation on, the text is that of plain decoding, and most of it came from drafts."""
    prompt = "red, green, blue, red, green, blue, red, green, blue, red,"
    plain = load_backbone("local").complete(prompt, max_tokens=24)  # type: ignore[attr-defined]
    model: Any = load_backbone("local", speculation="suffix")
    assert model.complete(prompt, max_tokens=24, run="test") == plain
    from agentcore.backbones._speculation import speculator_for

    report = speculator_for(model.engine, SpeculationOptions(("suffix",))).report
    assert report.methods["suffix"].accepted > 8


@needs_model
def test_an_unknown_method_is_a_clear_error() -> None:
    """A method without that name fails with the list of names."""
    model: Any = load_backbone("local", speculation="sufix")
    with pytest.raises(ConfigurationError, match=r"'sufix'.*recycling"):
        model.complete("a", max_tokens=2)


@needs_model
@pytest.mark.parametrize(("weights", "layout"), [("bf16", "int4"), ("auto", None)])
def test_a_dearer_layout_drafts_in_four_bits(weights: str, layout: str | None) -> None:
    """By default a bf16 model takes its own int4 layout along as drafter, and the int4 model drafts from text alone."""
    from agentcore.backbones._speculation import speculator_for

    model: Any = load_backbone("local", weights=weights)
    speculator = speculator_for(model.engine, SpeculationOptions())
    if speculator.model.layout not in ("bf16", "int4"):
        pytest.skip("this machine runs no int4 weights")
    drafts = None if speculator.draft_model is None else speculator.draft_model.layout
    assert drafts == layout
