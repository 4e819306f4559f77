"""Trimming inside the local engine's decoding."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agentcore.decoding import LanguageModel, generate
from agentcore.decoding.trimming import (
    LikelihoodVerifier,
    LocalProber,
    LocalYesNo,
    ProbeRule,
    Progress,
    SelfProbe,
    Trimming,
    TrimmingConfig,
    Verdict,
    VerifierPool,
    guide_prompt,
    trim_locally,
)

PROMPT = [5, 9, 2, 7]
OFF = TrimmingConfig(over_rule="off", repetition=False, under_mode="off", interval=4)
EARLY = TrimmingConfig(
    over_rule="off", repetition=False, under_mode="or", max_thoughts=99, budget_share=0.25, rule_interval=1
)


def test_without_a_verdict_it_is_plain_decoding(tiny: Callable[..., LanguageModel]) -> None:
    """Untrimmed, the steps are exactly those of `generate`."""
    model = tiny()
    plain = list(generate(model, PROMPT, max_new_tokens=40))
    with Trimming(OFF) as trimming:
        assert list(trim_locally(model, PROMPT, "q", trimming=trimming, max_new_tokens=40)) == plain


@pytest.mark.parametrize("end_of_thinking", ["", "</think>"])
def test_the_guide_is_forced_into_the_running_sequence(
    tiny: Callable[..., LanguageModel], end_of_thinking: str
) -> None:
    """After a cut the kept cache gives the same tokens as a fresh run over everything so far."""
    model, verdicts = tiny(), list[Verdict]()
    with Trimming(EARLY) as trimming:
        steps = list(
            trim_locally(
                model,
                PROMPT,
                "q",
                trimming=trimming,
                max_new_tokens=240,
                end_of_thinking=end_of_thinking,
                on_verdict=verdicts.append,
            )
        )
        report = trimming.reports[0]
    assert [verdict.reason for verdict in verdicts] == ["under_thinking"]
    thought = [step.token_id for step in steps[: report.num_tokens]]
    guide = model.tokenizer.encode(guide_prompt(verdicts[0], end_of_thinking=end_of_thinking))
    assert [step.token_id for step in steps[len(thought) :] if step.is_forced] == guide
    assert thought == [step.token_id for step in generate(model, PROMPT, max_new_tokens=len(thought))]
    rest = [step.token_id for step in steps[len(thought) + len(guide) :]]
    fresh = generate(model, [*PROMPT, *thought, *guide], max_new_tokens=240 - len(thought) - len(guide))
    assert rest == [step.token_id for step in fresh]
    assert report.decoder_wait_ms == 0.0


def test_the_budget_holds_with_the_guide(tiny: Callable[..., LanguageModel]) -> None:
    """Thinking, guide and answer together never exceed the tokens allowed, and the last step says so."""
    config = TrimmingConfig(
        over_rule="off", repetition=False, under_mode="or", max_thoughts=99, budget_share=0.9, rule_interval=1
    )
    with Trimming(config) as trimming:
        steps = list(trim_locally(tiny(), PROMPT, "q", trimming=trimming, max_new_tokens=20))
    assert len(steps) <= 20
    assert steps[-1].finish is not None


async def test_a_probe_does_not_touch_the_live_sequence(tiny: Callable[..., LanguageModel]) -> None:
    """Probing forks: the stream comes out as without probes, and the probes' tokens are counted."""
    model = tiny()
    plain = [step.token_id for step in generate(model, PROMPT, max_new_tokens=60)]
    rule = ProbeRule("often", " so", interval=4, confidence=2.0, agreeing=0, max_tokens=5)
    signal = SelfProbe(LocalProber(model), rule)
    with Trimming(OFF, signal=signal, pool=VerifierPool(timeout_s=20)) as trimming:
        steps = [
            step.token_id for step in trim_locally(model, PROMPT, "q", trimming=trimming, max_new_tokens=60)
        ]
        report = trimming.reports[0]
    assert steps == plain
    assert report.num_messages >= 1
    assert not {failure for failure in report.failures if failure != "cancelled"}


async def test_a_local_probe_needs_the_live_cache(tiny: Callable[..., LanguageModel]) -> None:
    """A stream of another source cannot be forked here, and the error says what to do."""
    with pytest.raises(ValueError, match="trim_locally"):
        await LocalProber(tiny()).probe(Progress("q", [], 0, (), 0), "so", max_tokens=3)


async def test_the_local_verifier_gives_odds(tiny: Callable[..., LanguageModel]) -> None:
    """Yes and No are weighed against each other by the engine's likelihoods, and what was read is counted."""
    yes_no = LocalYesNo(tiny(context_length=2048))
    verifier = LikelihoodVerifier(yes_no)
    first = await verifier.states_answer("How many?", "So it is 7.")
    assert 0.0 < first < 1.0
    assert await verifier.states_answer("How many?", "So it is 7.") == pytest.approx(first)
    spent = yes_no.tokens_spent
    assert spent > 100
    await verifier.states_answer("How many?", "So it is 8.")
    assert yes_no.tokens_spent - spent < spent / 2, "the shared prefix is read once"
