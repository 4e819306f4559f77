"""What the governor drafts, given prices and a record of acceptance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agentcore.decoding.speculation import Draft, Governor, StepTimeCurve, measure_step_times

from .toy import ToyCache, ToyModel

FLAT = StepTimeCurve((1, 16), (0.010, 0.011))
STEEP = StepTimeCurve((1, 2, 16), (0.010, 0.020, 0.160))


def _draft(length: int = 12, confidence: float = 0.75, source: str = "suffix") -> Draft:
    return Draft(tuple(range(1, length + 1)), (confidence,) * length, source=source)


def _teach(
    governor: Governor, accepted: int, *, draft: Draft | None = None, times: int = 60, seconds: float = 1e-5
) -> None:
    """Let one sequence after another keep the first `accepted` tokens of a draft."""
    draft = draft or _draft()
    for _ in range(times):
        governor.for_sequence().observe(
            [draft], (*draft.tokens[:accepted], 99), seconds={draft.source: seconds}
        )


def test_cheap_rows_and_good_drafts_are_drafted_long() -> None:
    """Where rows are nearly free and drafts are kept, the whole draft is verified."""
    governor = Governor(FLAT)
    _teach(governor, 12)
    assert len(governor.choose([_draft()], rows=1)) == 12


def test_dear_rows_shorten_the_draft() -> None:
    """The same acceptance gives a shorter draft where each row costs as much as a token."""
    governor = Governor(StepTimeCurve((1, 4, 16), (0.010, 0.012, 0.060)))
    _teach(governor, 3)
    flat = Governor(FLAT)
    _teach(flat, 3)
    assert 0 < len(governor.choose([_draft()], rows=1)) < len(flat.choose([_draft()], rows=1))


def test_rejected_drafts_stop_and_win_back_their_place_by_being_watched() -> None:
    """A method that keeps failing is not run at all, until drafts that nobody ran would have been kept."""
    governor = Governor(StepTimeCurve((1, 16), (0.010, 0.040)))
    _teach(governor, 0)
    assert not any(len(governor.choose([_draft()], rows=1)) for _ in range(64))
    _teach(governor, 12, times=400)
    assert len(governor.choose([_draft()], rows=1)) == 12


def test_a_sequence_that_quotes_nothing_stops_drafts_that_others_keep() -> None:
    """What is learnt holds for all sequences, but one that keeps no draft soon runs none, and spoils it for no other."""
    governor = Governor(StepTimeCurve((1, 16), (0.010, 0.040)))
    _teach(governor, 12, times=200)
    sequence = governor.for_sequence()
    assert len(sequence.choose([_draft()], rows=1)) > 0
    for _ in range(6):
        sequence.observe([_draft()], (99,), seconds={"suffix": 1e-5})
    assert len(sequence.choose([_draft()], rows=1)) == 0
    assert len(governor.for_sequence().choose([_draft()], rows=1)) > 0


@pytest.mark.parametrize("kind", ["never kept", "kept at random", "kept in bursts"])
@pytest.mark.parametrize("steepness", [1.2, 1.6, 3.0])
def test_drafts_that_fail_cost_little(kind: str, steepness: float) -> None:
    """Over traffic whose confident drafts fail, the time that runs them stays within three hundredths of plain decoding."""
    rng = np.random.default_rng(3)
    curve = StepTimeCurve((1, 4, 16), (0.010, 0.010 * steepness, 0.010 * 3 * steepness))
    governor = Governor(curve, max_draft=12)
    spent = plain = 0.0
    for _ in range(12):  # sequences, their first one included
        sequence, emitted = governor.for_sequence(), 0
        while emitted < 100:
            share = {"never kept": 0.0, "kept at random": 0.08, "kept in bursts": 0.5 * (emitted % 40 < 4)}[
                kind
            ]
            draft = _draft(confidence=float(rng.uniform(0.1, 0.9)))
            kept = int(np.argmin([*(rng.random(len(draft)) < share), False]))
            run = sequence.choose([draft], rows=1)
            tokens = (*draft.tokens[: min(kept, len(run))], 99)
            sequence.observe([draft], tokens, seconds={"suffix": 1e-5})
            spent += curve(1 + len(run))
            plain += len(tokens) * curve(1)
            emitted += len(tokens)
    assert plain / spent >= 0.97, f"{plain / spent:.3f}"


def test_nothing_is_drafted_where_a_row_costs_a_step() -> None:
    """Without any gain from rows that share a forward, even perfect drafts are declined."""
    governor = Governor(STEEP)
    _teach(governor, 12)
    assert len(governor.choose([_draft()], rows=1)) == 0


def test_the_method_with_the_better_promise_wins() -> None:
    """Of two drafts the one whose method has been right is verified."""
    governor = Governor(FLAT)
    _teach(governor, 8, draft=_draft(source="good"))
    _teach(governor, 1, draft=_draft(source="bad"))
    drafts = [_draft(source="bad"), _draft(source="good")]
    assert governor.choose(drafts, rows=1).source == "good"
    assert governor.acceptance("good") > governor.acceptance("bad")


@pytest.mark.parametrize("says", [1, 7])
def test_a_drafting_model_bears_witness_for_other_drafts(says: int) -> None:
    """A long quotation is run where the model's own short draft begins like it, and the model's draft where it does not."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.004,))})
    _teach(governor, 12, draft=_draft(source="model"), times=200)
    _teach(governor, 7, draft=_draft(source="quote"), times=200)
    quote, own = _draft(source="quote"), Draft((says, says + 1), (0.75, 0.75), source="model")
    chosen = governor.choose([quote, own], rows=1)
    assert chosen.source == ("quote" if says == 1 else "model")
    assert len(chosen) > 2 or says != 1


def test_a_slow_drafter_is_asked_for_less() -> None:
    """A drafter that takes as long as the target is not asked at all, a fast one for the full length."""
    governor = Governor(FLAT)
    _teach(governor, 12, draft=_draft(source="slow"), seconds=12 * 0.010)
    _teach(governor, 12, draft=_draft(source="fast"), seconds=1e-5)
    assert governor.limit("slow", rows=1) == 0
    assert governor.limit("fast", rows=1) == governor.max_draft


def test_a_known_price_counts_before_the_first_draft() -> None:
    """A drafting model as dear as the target is not tried out, one at a tenth of it is."""
    governor = Governor(
        FLAT, prices={"dear": StepTimeCurve((1,), (0.010,)), "tenth": StepTimeCurve((1,), (0.001,))}
    )
    assert governor.limit("dear", rows=1) == 0
    assert governor.limit("tenth", rows=1) == governor.max_draft


def test_a_drafting_model_writes_on_only_while_it_is_sure() -> None:
    """Behind sure tokens another one pays for itself, behind doubtful ones no longer; forced ones cost no drafting."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.004,))})
    _teach(governor, 12, draft=_draft(source="model"), times=20)
    assert governor.goes_on("model", [], forced=0, rows=1)
    assert governor.goes_on("model", [0.95] * 2, forced=0, rows=1)
    assert not governor.goes_on("model", [0.95, 0.3, 0.3], forced=0, rows=1)
    assert not governor.goes_on("model", [0.95] * governor.max_draft, forced=0, rows=1)
    assert governor.goes_on("free of charge", [0.1] * 5, forced=0, rows=1)


def test_a_drafting_model_that_has_much_to_catch_up_on_is_not_asked() -> None:
    """What was committed since its last forward, such as a run of forced tokens, is part of a drafting model's price."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1, 8), (0.003, 0.015))})
    assert governor.limit("model", rows=1) > 0
    assert governor.limit("model", rows=8) == 0


def test_a_drafter_that_takes_time_is_not_asked_beside_a_better_draft() -> None:
    """A free draft that is sure to be kept leaves nothing for a drafting model to add."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.003,))})
    _teach(governor, 12, times=200)
    sure = _draft()
    assert governor.limit("model", rows=1) > 0
    assert governor.limit("model", rows=1, rivals=[sure]) == 0


def test_forced_tokens_teach_nothing() -> None:
    """Tokens that a constraint forced do not make a method look better than it is."""
    governor = Governor(FLAT)
    before = governor.acceptance("suffix")
    draft = Draft((1, 2, 3), (1.0, 1.0, 1.0), source="suffix", forced=frozenset({0, 1, 2}))
    governor.observe([draft], (1, 2, 3), seconds={})
    assert governor.acceptance("suffix") == before


def test_step_times_rise_and_are_interpolated() -> None:
    """A curve never falls, is linear between its points, and goes on beyond them."""
    curve = StepTimeCurve((1, 2, 4), (0.011, 0.010, 0.014))
    assert curve(1) == curve(2) == 0.010
    assert curve(3) == pytest.approx(0.012)
    assert curve(6) == pytest.approx(0.018)
    assert curve.efficiency(4) == pytest.approx(10 / 14)
    with pytest.raises(ValueError, match="rise"):
        StepTimeCurve((2, 1), (0.01, 0.02))


def test_one_spoiled_measurement_makes_no_other_row_count_dear() -> None:
    """What other work has added to one row count is seen from the next ones, which cannot cost less."""
    curve = StepTimeCurve((1, 6, 8, 12, 16), (0.035, 0.044, 0.068, 0.048, 0.052))
    assert curve.seconds == (0.035, 0.044, 0.048, 0.048, 0.052)


def test_measuring_takes_the_fastest_of_each_row_count() -> None:
    """The measurement runs real forwards, interleaved, and leaves out the slow outliers."""
    ticks = iter([1.0, 1.0, 3.0, 5.0, 2.0, 9.0, 4.0, 3.0])  # per round: one row, two rows; round 0 warms up
    now = 0.0

    def clock() -> float:
        return now

    class Timed(ToyModel):
        def forward(self, ids: list[int], cache: ToyCache, **options: object) -> torch.Tensor:  # type: ignore[override]
            nonlocal now
            if len(ids) < 10:
                now += next(ticks)
            return super().forward(ids, cache, **options)  # type: ignore[arg-type]

    model = Timed(context=60)
    curve = measure_step_times(model, rows=(1, 2), context=500, repeats=3, max_seconds=1e9, clock=clock)
    assert curve.rows == (1, 2)
    assert curve.seconds == (2.0, 3.0)


def test_measuring_leaves_out_what_the_context_cannot_hold() -> None:
    """A model of a short context is measured as far as it goes."""
    assert measure_step_times(ToyModel(context=10), repeats=1).rows == (1, 2, 3, 4, 6, 8)


def test_measuring_ends_in_time_on_a_busy_machine() -> None:
    """A slow model is measured once and not five times."""
    model = ToyModel(context=60)
    seconds = iter(range(0, 10_000, 10))
    measure_step_times(model, rows=(1, 2), repeats=5, max_seconds=30.0, clock=lambda: float(next(seconds)))
    assert model.forwards == 1 + 2 * 2


def test_a_price_is_corrected_by_what_proposals_take() -> None:
    """A drafter that takes more than its price foresees is asked for less, and one held-up proposal does not decide."""
    curve = StepTimeCurve((1, 2, 4), (0.010, 0.011, 0.013))
    governor = Governor(curve, max_draft=4, prices={"head": StepTimeCurve((1,), (0.0015,))})
    draft = Draft((1,), (0.5,), source="head")

    def observe(seconds: float, times: int) -> None:
        for number in range(times):
            governor.observe([draft], (1 if number % 2 else 2,), seconds={"head": seconds})

    observe(0.0015, 40)
    assert governor.limit("head", rows=1) == 4
    observe(1.0, 1)
    assert governor.limit("head", rows=1) == 4
    observe(0.006, 100)
    assert governor.limit("head", rows=1) == 0


def test_a_longer_context_makes_steps_dearer_as_it_does_drafts() -> None:
    """Where forwards take more than was measured before, drafts that take as much more are still worth it."""

    def taught(step_seconds: float) -> Governor:
        governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.004,))})
        draft = _draft(2, source="model")
        for _ in range(100):
            sequence = governor.for_sequence()
            sequence.observe([draft], (1, 99), seconds={"model": 2 * 0.004 * 2})  # twice its price
            sequence.ran(2, step_seconds)
        return governor.for_sequence()

    assert taught(FLAT(2)).limit("model", rows=1) == 0
    assert taught(2 * FLAT(2)).limit("model", rows=1) > 0
    held_up = taught(FLAT(2))
    held_up.ran(2, 1.0)
    assert held_up.limit("model", rows=1) == 0


def test_a_spoiled_measurement_is_mended() -> None:
    """A price that other work had made four times too high is corrected by what drafts take."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.012,))})
    draft = _draft(2, source="model")
    assert governor.limit("model", rows=1) == 0
    for _ in range(100):
        sequence = governor.for_sequence()
        sequence.observe([draft], (1, 2, 3), seconds={"model": 2 * 0.003})
        sequence.ran(2, FLAT(2))
    assert governor.limit("model", rows=1) > 0


def test_a_slow_start_of_the_machine_disfavours_no_method() -> None:
    """Where all was measured on a busy machine, a drafting model looks as good when it is idle, asked or not."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.004,))})
    wanted = governor.limit("model", rows=1)
    for _ in range(100):
        governor.ran(2, FLAT(2) / 2)
    assert governor.limit("model", rows=1) == wanted > 0


def test_a_drafting_model_is_asked_by_what_it_brought() -> None:
    """One that ends its drafts where it is unsure brings more than its average chance foresees, and is asked beside a rival."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.003,))})
    rival = _draft(1, 0.95)
    _teach(governor, 1, draft=rival, times=200)
    long, short = _draft(10, 0.95, "model"), _draft(1, 0.35, "model")

    def rounds(*, asked: bool) -> None:
        for _ in range(100):
            for draft, tokens in ((long, tuple(range(1, 12))), (short, (99,))):
                sequence = governor.for_sequence()
                if asked:
                    assert sequence.limit("model", rows=1) > 0
                sequence.observe([draft], tokens, seconds={"model": 0.003 * len(draft)})

    rounds(asked=False)  # watched only: the average chance is known
    assert governor.for_sequence().limit("model", rows=1, rivals=[rival]) == 0
    rounds(asked=True)
    assert governor.for_sequence().limit("model", rows=1, rivals=[rival]) > 0


def test_what_an_exploring_token_brings_is_no_broken_promise() -> None:
    """A drafter that was asked and had nothing to say, and is then asked for one token to explore, is judged by neither."""
    governor = Governor(FLAT, prices={"model": StepTimeCurve((1,), (0.004,))}).for_sequence()
    assert governor.limit("model", rows=1) > 1
    unbeatable = _draft(12, 0.95)
    _teach(governor, 12, draft=unbeatable, times=200)
    asked = [governor.limit("model", rows=1, rivals=[unbeatable]) for _ in range(64)]
    assert set(asked) == {0, 1}
    before = governor.acceptance("model"), governor._records["model"].brought.value
    governor.observe([_draft(1, source="model")], (1, 2), seconds={"model": 0.004})
    assert governor._records["model"].brought.value == before[1]
    assert governor.acceptance("model") > before[0]
