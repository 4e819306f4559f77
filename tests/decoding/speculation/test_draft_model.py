"""Drafts by a model: with a cache of its own, and over the target's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agentcore.decoding import Sampling
from agentcore.decoding.speculation import (
    DraftModelDrafter,
    FixedLength,
    Governor,
    SpeculationReport,
    Speculator,
    StepTimeCurve,
    speculate,
)

from .toy import ToyCache, ToyModel

PROMPT = [1, 2, 3, 1, 2]


class Layout(ToyModel):
    """One weight layout of a file: the same keys and values as another, slightly other scores."""

    def __init__(self, *, noise: float = 0.0, path: str = "model.gguf") -> None:
        super().__init__(context=60, eos_bias=-9.0)
        self.path, self.dtype, self.noise = Path(path), torch.bfloat16, noise
        self.rows_run = 0

    def forward(self, ids: list[int], cache: ToyCache, **options: object) -> torch.Tensor:  # type: ignore[override]
        self.rows_run += len(ids)
        scores = super().forward(ids, cache, **options)  # type: ignore[arg-type]
        return scores + self.noise * torch.sin(7.0 * scores)


def _plain(length: int = 40) -> list[int]:
    return [step.token_id for step in speculate(Layout(), PROMPT, drafter=[], max_new_tokens=length)]


@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_a_cheaper_layout_drafts_over_the_targets_cache(noise: float) -> None:
    """The text is plain decoding's, and the drafting layout runs neither the prompt nor any token twice."""
    target, cheap = Layout(), Layout(noise=noise)
    report = SpeculationReport()
    drafter = DraftModelDrafter(cheap, target=target)  # type: ignore[arg-type]
    steps = speculate(
        target, PROMPT, drafter=drafter, max_new_tokens=40, governor=FixedLength(4), report=report
    )
    assert [step.token_id for step in steps] == _plain()
    counts = report.methods["draft_model"]
    assert cheap.rows_run <= counts.drafted + counts.drafts  # one row for each draft, none for the prompt
    assert report.forwards < 40 if not noise else report.forwards <= 40


@pytest.mark.parametrize("known", [True, False])
def test_a_live_cache_is_shared_wherever_the_sequence_began(known: bool) -> None:
    """Continuing a cache, with or without the tokens that it holds, drafts over the right positions."""
    target, cheap = Layout(), Layout()
    cache = target.new_cache()
    target.prefill(PROMPT[:3], cache)
    steps = speculate(
        target,
        PROMPT[3:],
        drafter=DraftModelDrafter(cheap, target=target),  # type: ignore[arg-type]
        max_new_tokens=40,
        governor=FixedLength(4),
        cache=cache,
        cached_ids=PROMPT[:3] if known else (),
    )
    assert [step.token_id for step in steps] == _plain()


@pytest.mark.parametrize("other", ["another.gguf", ""])
def test_another_file_gets_a_cache_of_its_own(other: str) -> None:
    """A model of another file never runs on the target's keys and values."""
    target, small = Layout(), Layout(path=other)
    drafter = DraftModelDrafter(small, target=target)  # type: ignore[arg-type]
    steps = speculate(target, PROMPT, drafter=drafter, max_new_tokens=40, governor=FixedLength(4))
    assert [step.token_id for step in steps] == _plain()
    assert small.rows_run >= len(PROMPT)


def test_sampled_drafts_over_a_shared_cache_leave_it_as_they_found_it() -> None:
    """At a temperature too, a proposal cuts the target's cache back to where it was."""
    target, cheap = Layout(), Layout(noise=0.5)
    cache = target.new_cache()
    target.prefill(PROMPT, cache)
    drafter = DraftModelDrafter(cheap, target=target, sampling=Sampling(temperature=1.0, seed=1))  # type: ignore[arg-type]
    drafter.start([*PROMPT, 4])
    drafter.share(cache, offset=0)
    draft = drafter.propose(5)
    assert 0 < len(draft) <= 5
    assert cache.tokens == PROMPT


def test_auto_takes_the_drafting_model_along_at_its_price() -> None:
    """Given a drafting model, the default methods include it, and the governor knows what its tokens take."""
    target, cheap = Layout(), Layout()
    speculator = Speculator(target, draft_model=cheap)  # type: ignore[arg-type]
    assert speculator.methods == ("suffix", "ngram_model", "draft_model")
    dear = Speculator(
        target,  # type: ignore[arg-type]
        draft_model=cheap,  # type: ignore[arg-type]
        governor=Governor(
            StepTimeCurve((1, 16), (1.0, 1.1)), prices={"draft_model": StepTimeCurve((1,), (1.0,))}
        ),
    )
    report = SpeculationReport()
    text = [step.token_id for step in dear.generate(PROMPT, max_new_tokens=40, report=report)]
    assert text == _plain()
    assert "draft_model" not in report.methods
