"""Speculative decoding against plain decoding, on a model whose scores are exact."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding import (
    ContextOverflowError,
    GenerationCancelled,
    NonFiniteLogitsError,
    Sampling,
    generate,
)
from agentcore.decoding.speculation import (
    Draft,
    Drafter,
    DraftModelDrafter,
    FixedLength,
    Governor,
    LeapDrafter,
    PromptLookupDrafter,
    RecurrentDrafter,
    SmoothedNgramDrafter,
    SpeculationReport,
    StepTimeCurve,
    SuffixDrafter,
    TokenRecyclingDrafter,
    Verification,
    speculate,
)

from .toy import EOS, HostileDrafter, OracleDrafter, ToyGrammar, ToyHead, ToyModel

CURVE = StepTimeCurve((1, 4, 16), (0.010, 0.012, 0.030))
MAKERS: dict[str, Callable[[ToyModel], Drafter]] = {
    "suffix": lambda model: SuffixDrafter(),
    "prompt_lookup": lambda model: PromptLookupDrafter(),
    "recycling": lambda model: TokenRecyclingDrafter(),
    "leap": lambda model: LeapDrafter(),
    "ngram_model": lambda model: SmoothedNgramDrafter(),
    "draft_model": lambda model: DraftModelDrafter(
        ToyModel(seed=model.seed, sharpness=2.5, order=1), target=model
    ),
    "recurrent": lambda model: RecurrentDrafter(ToyHead(model, noise=1.5)),  # type: ignore[arg-type]
    "random": lambda model: HostileDrafter(1, kind="random"),
    "eos": lambda model: HostileDrafter(2, kind="eos"),
    "overlong": lambda model: HostileDrafter(3, kind="overlong"),
    "oracle": lambda model: OracleDrafter(model, 4),
}
prompts = st.lists(st.integers(1, 7), min_size=1, max_size=12)


def _plain(model: ToyModel, prompt: list[int], **options: object) -> list[tuple[int, str, bool, str | None]]:
    return [(s.token_id, s.text, s.is_forced, s.finish) for s in generate(model, prompt, **options)]  # type: ignore[arg-type]


def _fast(model: ToyModel, prompt: list[int], **options: object) -> list[tuple[int, str, bool, str | None]]:
    return [(s.token_id, s.text, s.is_forced, s.finish) for s in speculate(model, prompt, **options)]  # type: ignore[arg-type]


@settings(max_examples=250, deadline=None)
@given(st.data(), prompts, st.integers(0, 50), st.integers(1, 60), st.sampled_from(sorted(MAKERS)))
def test_greedy_output_is_that_of_plain_decoding(
    data: st.DataObject, prompt: list[int], seed: int, length: int, name: str
) -> None:
    """Tokens, text, forced marks and the reason to finish are the same for any drafter, stop strings and grammar."""
    model = ToyModel(seed=seed)
    stop = data.draw(st.lists(st.text("bcdefg", min_size=1, max_size=3), max_size=2))
    grammar = data.draw(st.none() | st.integers(0, 30))
    governor = data.draw(st.sampled_from([None, FixedLength(3), FixedLength(16), Governor(CURVE)]))
    fixed_rows = data.draw(st.sampled_from([None, 4, 9]))
    expected = _plain(
        model,
        prompt,
        max_new_tokens=length,
        stop=stop,
        constraint=None if grammar is None else ToyGrammar(seed=grammar),
    )
    found = _fast(
        model,
        prompt,
        drafter=MAKERS[name](model),
        max_new_tokens=length,
        stop=stop,
        constraint=None if grammar is None else ToyGrammar(seed=grammar),
        governor=governor,
        fixed_rows=fixed_rows,
    )
    assert found == expected


@settings(max_examples=80, deadline=None)
@given(
    prompts,
    st.integers(0, 20),
    st.integers(0, 20),
    st.none() | st.integers(0, 20),
    st.sampled_from(sorted(MAKERS)),
)
def test_sampled_text_is_that_of_plain_sampling_with_the_same_seed(
    prompt: list[int], seed: int, draw: int, grammar: int | None, name: str
) -> None:
    """A drafter that is certain of its drafts does not change a single sampled token."""
    model = ToyModel(seed=seed, sharpness=1.5)
    sampling = Sampling(temperature=0.8, top_p=0.95, seed=draw)
    constraints = [None if grammar is None else ToyGrammar(seed=grammar) for _ in range(2)]
    expected = _plain(model, prompt, max_new_tokens=40, sampling=sampling, constraint=constraints[0])
    found = _fast(
        model,
        prompt,
        drafter=MAKERS[name](model),
        max_new_tokens=40,
        sampling=sampling,
        constraint=constraints[1],
    )
    assert found == expected


@pytest.mark.parametrize("grammar", [None, 16])
@pytest.mark.parametrize("governor", [None, Governor(CURVE)], ids=["fixed", "governed"])
def test_sampled_drafts_keep_the_targets_distribution(governor: Governor | None, grammar: int | None) -> None:
    """With drafts drawn at random from another model, pairs of tokens come out in the target's proportions."""
    model = ToyModel(seed=5, vocabulary_size=5, sharpness=1.2, eos_bias=-0.5)
    draft = ToyModel(seed=6, vocabulary_size=5, sharpness=1.0)
    prompt, runs = [1, 2], 3000
    expected = _exact_pairs(
        model, prompt, None if grammar is None else ToyGrammar(seed=grammar, vocabulary_size=5)
    )
    found: Counter[tuple[int, ...]] = Counter()
    report = SpeculationReport()
    for run in range(runs):
        sampling = Sampling(temperature=0.9, seed=run)
        drafter = DraftModelDrafter(draft, target=model, sampling=sampling, stop_below=0.25)
        steps = speculate(
            model,
            prompt,
            drafter=drafter,
            sampling=sampling,
            max_new_tokens=200,  # far from the budget's end, where a grammar is steered to completion
            constraint=None if grammar is None else ToyGrammar(seed=grammar, vocabulary_size=5),
            governor=governor or FixedLength(4),
            report=report,
        )
        found[tuple(step.token_id for step in islice(steps, 3))] += 1
    assert report.methods["draft_model"].accepted > 100
    assert set(found) <= set(expected)
    _assert_same_distribution(found, expected, runs)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    prompt=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    seed=st.integers(0, 99),
    length=st.integers(2, 4),
    stop=st.sampled_from(["", "b", "cd", "ee"]),
    draft_length=st.integers(1, 6),
)
def test_sampled_drafts_keep_the_distribution_over_prompts_lengths_and_ends(
    prompt: list[int], seed: int, length: int, stop: str, draft_length: int
) -> None:
    """Whatever the prompt, the budget, the stop string and the ends of turn inside drafts, proportions are the target's."""
    model = ToyModel(seed=seed, vocabulary_size=5, sharpness=1.2, eos_bias=0.0)
    draft = ToyModel(seed=seed + 1, vocabulary_size=5, sharpness=1.0, eos_bias=0.5)
    expected = _exact_pairs(model, prompt, None, length=length, stop=stop)
    found: Counter[tuple[int, ...]] = Counter()
    for run in range(500):
        sampling = Sampling(temperature=0.9, seed=run)
        steps = speculate(
            model,
            prompt,
            drafter=DraftModelDrafter(draft, target=model, sampling=sampling, stop_below=0.0),
            sampling=sampling,
            max_new_tokens=length,
            stop=[stop] if stop else [],
            governor=FixedLength(draft_length),
        )
        found[tuple(step.token_id for step in steps)] += 1
    assert set(found) <= set(expected)
    _assert_same_distribution(found, expected, 500)


def test_rows_without_drafts_pass_the_chi_square_test_too() -> None:
    """The test of proportions itself: plain sampling passes it, and a wrong temperature fails it."""
    model = ToyModel(seed=5, vocabulary_size=5, sharpness=1.2, eos_bias=-0.5)
    expected = _exact_pairs(model, [1, 2], None)
    for temperature, passes in ((0.9, True), (1.1, False)):
        found: Counter[tuple[int, ...]] = Counter()
        for run in range(3000):
            sampling = Sampling(temperature=temperature, seed=run)
            found[
                tuple(s.token_id for s in generate(model, [1, 2], sampling=sampling, max_new_tokens=3))
            ] += 1  # type: ignore[arg-type]
        if passes:
            _assert_same_distribution(found, expected, 3000)
        else:
            with pytest.raises(AssertionError):
                _assert_same_distribution(found, expected, 3000)


def _exact_pairs(
    model: ToyModel, prompt: list[int], grammar: ToyGrammar | None, *, length: int = 3, stop: str = ""
) -> dict[tuple[int, ...], float]:
    """Probabilities of all outputs of up to `length` tokens at temperature 0.9."""
    out: dict[tuple[int, ...], float] = {}

    def visit(tokens: tuple[int, ...], mass: float, state: ToyGrammar | None) -> None:
        is_stopped = stop != "" and "".join(chr(97 + token) for token in tokens).endswith(stop)
        if len(tokens) == length or (tokens and tokens[-1] == EOS) or is_stopped:
            out[tokens] = mass
            return
        scores = model.row([*prompt, *tokens])
        if state is not None:
            scores = scores.masked_fill(~state.allowed(), float("-inf"))
        for token, p in enumerate((scores / 0.9).softmax(0).tolist()):
            if p > 0:
                branch = None if state is None else state.fork()
                if branch is not None:
                    branch.advance([token])
                visit((*tokens, token), mass * p, branch)

    visit((), 1.0, grammar)
    return out


def _assert_same_distribution(
    found: Counter[tuple[int, ...]], expected: dict[tuple[int, ...], float], runs: int
) -> None:
    statistic, freedom, rare, rare_mass = 0.0, -1, 0, 0.0
    for outcome, p in expected.items():
        if p * runs < 5:
            rare, rare_mass = rare + found[outcome], rare_mass + p
            continue
        statistic += (found[outcome] - p * runs) ** 2 / (p * runs)
        freedom += 1
    if rare_mass * runs >= 5:
        statistic += (rare - rare_mass * runs) ** 2 / (rare_mass * runs)
        freedom += 1
    # Wilson and Hilferty's approximation of the 0.9999 quantile.
    spread = 2 / (9 * max(freedom, 1))
    quantile = max(freedom, 1) * (1 - spread + 3.719 * spread**0.5) ** 3
    assert statistic < quantile, f"chi-square {statistic:.1f} over {freedom} degrees of freedom"


@settings(max_examples=60, deadline=None)
@given(prompts, st.integers(0, 20), st.integers(1, 30), st.none() | st.integers(0, 20))
def test_a_caller_who_leaves_finds_cache_and_grammar_where_its_last_token_left_them(
    prompt: list[int], seed: int, leave: int, grammar: int | None
) -> None:
    """After any number of tokens, everything stands as if no later token had been generated."""
    model = ToyModel(seed=seed)
    constraint = None if grammar is None else ToyGrammar(seed=grammar)
    cache = model.new_cache()
    steps = speculate(
        model,
        prompt,
        drafter=OracleDrafter(model, seed),
        max_new_tokens=40,
        constraint=constraint,
        cache=cache,
    )
    tokens = []
    for step in steps:
        tokens.append(step.token_id)
        if len(tokens) == leave:
            break
    steps.close()  # type: ignore[attr-defined]
    assert cache.tokens == [*prompt, *tokens][: cache.length]
    assert cache.length <= len(prompt) + len(tokens) - 1
    if constraint is not None:
        assert constraint.num_taken == len(tokens)


def test_accepted_drafts_save_forwards_and_are_counted() -> None:
    """With a drafter that knows the model, forwards shrink and the report adds up."""
    model = ToyModel(seed=1, eos_bias=-50.0)
    report = SpeculationReport()
    tokens = list(
        speculate(model, [1, 2], drafter=OracleDrafter(model, 0, wrong=0.0), max_new_tokens=81, report=report)
    )
    assert len(tokens) == report.emitted == 81
    assert report.forwards == 9  # 80 tokens after the prompt's own: 8 drafts and one more each
    assert report.methods["oracle"].accepted == report.methods["oracle"].drafted == 71
    assert report.acceptance == 1.0


def test_a_live_cache_is_continued() -> None:
    """Text continued in two calls on one cache equals text generated at once."""
    model = ToyModel(seed=2, eos_bias=-50.0)
    whole = [s.token_id for s in generate(model, [1, 2, 3], max_new_tokens=30)]  # type: ignore[arg-type]
    cache = model.new_cache()
    drafter = OracleDrafter(model, 1)
    first = [s.token_id for s in speculate(model, [1, 2, 3], drafter=drafter, max_new_tokens=10, cache=cache)]
    rest = [1, 2, 3, *first][cache.length :]
    second = [
        s.token_id for s in speculate(model, rest, drafter=SuffixDrafter(), max_new_tokens=20, cache=cache)
    ]
    assert first + second == whole


def test_the_context_is_filled_to_its_last_place_and_no_further() -> None:
    """Drafts never reach beyond the model's context, and the output ends there with `length`."""
    model = ToyModel(seed=3, context=40, eos_bias=-50.0)
    expected = _plain(model, [1] * 30, max_new_tokens=50)
    assert _fast(model, [1] * 30, drafter=OracleDrafter(model, 0, wrong=0.0), max_new_tokens=50) == expected
    assert expected[-1][3] == "length"
    with pytest.raises(ContextOverflowError):
        _fast(model, [1] * 40, drafter=SuffixDrafter())


def test_a_set_cancel_signal_ends_the_run_between_two_forwards() -> None:
    """Cancelling raises, and the model serves the next call."""
    model = ToyModel(seed=3, eos_bias=-50.0)
    cancel = threading.Event()
    steps = speculate(model, [1, 2], drafter=OracleDrafter(model, 0), cancel=cancel)
    next(steps)
    cancel.set()
    with pytest.raises(GenerationCancelled):
        list(steps)
    assert _fast(model, [1, 2], drafter=SuffixDrafter(), max_new_tokens=5) == _plain(
        model, [1, 2], max_new_tokens=5
    )


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_scores_that_are_not_numbers_are_an_error_and_not_a_token(temperature: float) -> None:
    """A model that breaks in mid-sequence is reported."""

    class Broken(ToyModel):
        def row(self, tokens: list[int]) -> torch.Tensor:
            scores = super().row(tokens)
            return torch.full_like(scores, float("nan")) if len(tokens) > 6 else scores

    model = Broken(seed=3, eos_bias=-50.0)
    with pytest.raises(NonFiniteLogitsError):
        _fast(model, [1, 2], drafter=SuffixDrafter(), sampling=Sampling(temperature=temperature, seed=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"fixed_rows": 1}, "fixed_rows"),
        ({"judge": 0.5, "sampling": Sampling(temperature=0.5)}, "greedy"),
        ({"judge": -1.0}, "judge"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], message: str) -> None:
    """A wrong call fails at once, with the name of what is wrong."""
    with pytest.raises(ValueError, match=message):
        speculate(ToyModel(), [1], drafter=SuffixDrafter(), **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no tokens"):
        speculate(ToyModel(), [], drafter=SuffixDrafter())


class Proposing:
    """A user's drafter that proposes one thing, whatever was committed."""

    name = "mine"

    def __init__(self, proposal: object) -> None:
        self.proposal = proposal

    def start(self, prompt_ids: Sequence[int]) -> None: ...

    def add(self, ids: Sequence[int]) -> None: ...

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> object:
        return self.proposal

    def commit(self, verification: Verification) -> None: ...


@pytest.mark.parametrize("grammar", [None, 3])
@pytest.mark.parametrize(
    ("proposal", "kind", "message"),
    [
        (None, TypeError, "'mine' proposed None: propose must return a Draft"),
        ([1, 2], TypeError, r"'mine' proposed \[1, 2\]"),
        (Draft((1, 99), (0.5, 0.5)), ValueError, "'mine' proposed 99, which is no token"),
        (Draft((-1,), (0.5,)), ValueError, "'mine' proposed -1, which is no token"),
        (Draft((1.5,), (0.5,)), ValueError, "'mine' proposed 1.5, which is no token"),  # type: ignore[arg-type]
    ],
)
def test_a_drafter_that_proposes_no_draft_is_named(
    proposal: object, kind: type[Exception], message: str, grammar: int | None
) -> None:
    """What a user's drafter gets wrong is said with its name, with a grammar too, and the cache comes back."""
    model = ToyModel()
    constraint = None if grammar is None else ToyGrammar(seed=grammar)
    steps = speculate(model, [1, 2, 3], drafter=Proposing(proposal), constraint=constraint)  # type: ignore[arg-type]
    with pytest.raises(kind, match=message):
        list(steps)


@pytest.mark.parametrize("drafter", [None, "suffix", PromptLookupDrafter, [PromptLookupDrafter(), 3]])
def test_what_is_no_drafter_is_refused_at_once(drafter: object) -> None:
    """A name, a class or nothing in place of a drafter is told before anything runs."""
    with pytest.raises(TypeError, match="is no drafter: give an object with name, start, add"):
        speculate(ToyModel(), [1], drafter=drafter)  # type: ignore[arg-type]


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 2.0])
def test_confidences_are_probabilities(confidence: float) -> None:
    """A confidence that would upset the governor is refused where it is made."""
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        Draft((1,), (confidence,))
