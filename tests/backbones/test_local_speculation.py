"""The local backbone with drafts: on the embedded model, and on a tiny one where every bit counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from langchain_core.messages import AIMessage

from agentcore.backbones import load_backbone
from agentcore.backbones._speculation import SpeculationOptions
from agentcore.decoding.speculation import judge_threshold
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
        ({"judge": "auto"}, SpeculationOptions(judge="auto")),
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


@pytest.mark.parametrize(
    "option", [{"judge": "high"}, {"judge": -1}, {"judge": float("nan")}, {"max_draft": 0}, {"max_draft": 2.5}, {"methods": 5}, {"draft_model": 5}, {"head": 5}],
)  # fmt: skip
def test_an_option_that_cannot_be_meant_is_named(option: dict[str, Any]) -> None:
    """A value of the wrong kind is an error that names its option, before a model is loaded."""
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        SpeculationOptions.parse(option)


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


def test_the_judges_threshold_is_the_layouts_own(tiny_path: Path) -> None:
    """With judge="auto" a model is judged at the threshold that is shipped for its layout, and free text is no longer promised."""
    model: Any = load_backbone(
        f"gguf:{tiny_path}", weights="bf16", speculation={"methods": "ngram_model", "judge": "auto"}
    )
    assert model.text.speculator.judge == judge_threshold("bf16")


def test_drafts_of_another_model_are_judged_more_generously(tiny_path: Path, tmp_path: Path) -> None:
    """Two models of a family lie further apart than a model and its own four bits."""
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    wish = {"methods": "draft_model", "judge": "auto", "draft_model": f"gguf:{other}"}
    model: Any = load_backbone(f"gguf:{tiny_path}", weights="bf16", speculation=wish)
    assert model.text.speculator.judge == judge_threshold("bf16", by_another_model=True)
    assert model.text.speculator.judge > judge_threshold("bf16")


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


def test_a_head_of_ones_own_drafts(tiny_path: Path, tmp_path: Path) -> None:
    """A trained head is named by its file; a file that is not there is a clear error."""
    from agentcore.backbones._engines import shared_engine
    from agentcore.decoding.speculation import HeadWeights, fingerprint

    engine = shared_engine(tiny_path, weights="fp64")
    width = engine.spec.model_width
    HeadWeights(
        torch.ones(width, 2 * width),
        torch.ones(64, width),
        torch.ones(width, 32),
        torch.ones(width),
        vocabulary=torch.arange(50),
        model=fingerprint(engine),
    ).save(tmp_path / "head.safetensors")

    def answer(wish: Any) -> str:
        model: Any = load_backbone(f"gguf:{tiny_path}", weights="fp64", speculation=wish, max_tokens=24)
        return str(model.invoke("hello").content)

    wish = {"methods": "recurrent", "head": str(tmp_path / "head.safetensors")}
    assert answer(wish) == answer(None)
    with pytest.raises(ConfigurationError, match=r"none\.safetensors"):
        answer({"head": str(tmp_path / "none.safetensors")})
    with pytest.raises(ConfigurationError, match="needs a head"):
        answer("recurrent")


def test_parallel_drafting_callers_get_what_each_gets_alone(tiny_path: Path) -> None:
    """Eight callers of one chat model, half of them with a forced tool call, share forwards and never hear each other."""
    model: Any = load_backbone(
        f"gguf:{tiny_path}", weights="fp64", speculation="suffix, recycling", max_tokens=32
    )
    tool = {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look something up.",
            "parameters": {
                "type": "object",
                "properties": {"place": {"enum": ["here", "there"]}, "count": {"type": "integer"}},
                "required": ["place", "count"],
            },
        },
    }
    calling = model.bind_tools([tool], tool_choice="any")

    def ask(number: int) -> tuple[str, list[dict[str, Any]]]:
        asked = calling if number % 2 else model
        answer: AIMessage = asked.invoke(f"{number}: " + "the thing in the inn " * (3 + number))
        return str(answer.content), [call["args"] for call in answer.tool_calls]

    alone = [ask(number) for number in range(8)]
    sizes: list[int] = []
    queue = model.engine._queue
    run = queue._run
    queue._run = lambda batch: sizes.append(len(batch)) or run(batch)
    try:
        with ThreadPoolExecutor(8) as callers:
            together = list(callers.map(ask, range(8)))
    finally:
        queue._run = run
    assert together == alone
    assert len({text for text, _ in alone}) > 4, "the callers' answers must tell them apart"
    assert max(sizes) > 1, "no forward was shared"
    report = model.text.speculator.report
    assert sum(counts.accepted for counts in report.methods.values()) > 8
    assert model.engine.blocks.num_used == 0


def test_a_device_that_is_not_here_is_named(tiny_path: Path) -> None:
    """A wrong device is one clear line when the weights are loaded, and says what does run."""
    model: Any = load_backbone(f"gguf:{tiny_path}", device="nowhere")
    with pytest.raises(ConfigurationError, match=r"no device 'nowhere' here.*use 'cpu'"):
        model.invoke("hello")
