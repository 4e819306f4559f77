"""Many sequences of many runs through one speculator."""

from __future__ import annotations

import pytest

from agentcore.decoding import generate
from agentcore.decoding.errors import TokenizerMismatchError, UnknownMethodError
from agentcore.decoding.speculation import METHODS, FixedLength, SpeculationReport, Speculator

from .toy import ToyHead, ToyModel


def _speculator(model: ToyModel, methods: str = "auto") -> Speculator:
    return Speculator(
        model,
        methods=methods,
        governor=FixedLength(8),
        draft_model=ToyModel(seed=model.seed, order=1),
        head=ToyHead(model, noise=1.5),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("method", [*METHODS, "auto", "suffix, leap"])
def test_every_method_by_name_gives_plain_text(method: str) -> None:
    """Whatever method is named, the output is that of plain decoding."""
    model = ToyModel(seed=7, eos_bias=-9.0)
    expected = [step.token_id for step in generate(model, [1, 2, 3], max_new_tokens=60)]  # type: ignore[arg-type]
    steps = _speculator(model, method).generate([1, 2, 3], max_new_tokens=60)
    assert [step.token_id for step in steps] == expected


def test_a_second_pass_over_the_same_task_accepts_more() -> None:
    """Outputs of a run are drafted from by its later sequences."""
    model = ToyModel(seed=7, eos_bias=-9.0)
    speculator = _speculator(model, "suffix")
    reports = [SpeculationReport(), SpeculationReport()]
    for report in reports:
        list(speculator.generate([1, 2, 3], run="tenant/run", max_new_tokens=60, report=report))
    assert reports[1].accepted_mean > 1.3 * reports[0].accepted_mean
    assert reports[1].forwards < reports[0].forwards


@pytest.mark.parametrize("method", ["suffix", "recycling"])
def test_nothing_is_learnt_across_runs_or_after_forgetting(method: str) -> None:
    """Another run, a nameless sequence and a forgotten run all start from nothing."""
    model = ToyModel(seed=7, eos_bias=-9.0)
    speculator = _speculator(model, method)

    def forwards(run: str) -> int:
        report = SpeculationReport()
        list(speculator.generate([1, 2, 3], run=run, max_new_tokens=60, report=report))
        return report.forwards

    alone = forwards("")
    assert forwards("a") == alone
    assert forwards("a") < alone
    assert forwards("b") == alone
    assert forwards("") == alone
    speculator.forget("a")
    assert forwards("a") == alone


def test_an_output_that_its_caller_left_is_remembered_as_far_as_it_was_seen() -> None:
    """Closing early pools the tokens given out and no others."""
    model = ToyModel(seed=7, eos_bias=-9.0)
    speculator = _speculator(model, "suffix")
    steps = speculator.generate([1, 2, 3], run="r", max_new_tokens=60)
    for _ in range(7):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert speculator.pool.num_tokens("r") == 7


def test_the_governor_measures_the_model_once() -> None:
    """Step times are taken at the first use and kept."""
    model = ToyModel(seed=7)
    speculator = Speculator(model)
    governor = speculator.governor
    forwards = model.forwards
    assert forwards > 1
    assert speculator.governor is governor
    assert model.forwards == forwards


def test_wrong_names_and_wrong_models_are_refused_at_once() -> None:
    """An unknown method, a missing or foreign drafting model: each is a clear error before any text."""
    model = ToyModel()
    with pytest.raises(UnknownMethodError, match=r"'sufix'.*suffix"):
        Speculator(model, methods="sufix")
    with pytest.raises(ValueError, match="needs a draft_model"):
        Speculator(model, methods="draft_model")
    with pytest.raises(ValueError, match="needs a head"):
        Speculator(model, methods="recurrent")
    with pytest.raises(ValueError, match="twice"):
        Speculator(model, methods=["leap", "leap"])
    with pytest.raises(TokenizerMismatchError, match="9 and 8 tokens"):
        Speculator(model, methods="draft_model", draft_model=ToyModel(vocabulary_size=9))
