"""Plain decoding: budgets, stops, sampling, cancellation, live sequences."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from agentcore.decoding import (
    ContextOverflowError,
    GenerationCancelled,
    LanguageModel,
    NonFiniteLogitsError,
    Sampler,
    Sampling,
    generate,
)
from agentcore.decoding._batching import Request
from agentcore.decoding.speculation import PromptLookupDrafter, speculate

PROMPT = [5, 40, 77, 120, 9]
Tiny = Callable[..., LanguageModel]


def tokens(model: LanguageModel, **options: object) -> list[int]:
    return [step.token_id for step in generate(model, PROMPT, **options)]


def test_greedy_takes_the_best_token_each_time(tiny: Tiny) -> None:
    """The tokens are the arg-max of uncached scores, one after the other."""
    model, ids, expected = tiny(), list(PROMPT), []
    for _ in range(12):
        expected.append(int(model.forward(ids, model.new_cache()).argmax()))
        ids.append(expected[-1])
    assert tokens(model, max_new_tokens=12) == expected


def test_the_budget_ends_the_output_as_length(tiny: Tiny) -> None:
    """Exactly `max_new_tokens` steps come, and the last says why."""
    steps = list(generate(tiny(), PROMPT, max_new_tokens=7))
    assert len(steps) == 7
    assert [step.finish for step in steps] == [None] * 6 + ["length"]


def test_the_context_bounds_the_output(tiny: Tiny) -> None:
    """Room for three tokens gives three tokens; room for none is an error before any work."""
    model = tiny()
    prompt = [(3 * i) % 250 + 3 for i in range(509)]
    steps = list(generate(model, prompt, max_new_tokens=50))
    assert len(steps) <= 3
    assert steps[-1].finish in ("length", "stop")
    with pytest.raises(ContextOverflowError, match="512"):
        next(generate(model, [*prompt, 1, 2, 3], max_new_tokens=50))


def test_the_same_seed_gives_the_same_tokens(tiny: Tiny) -> None:
    """Sampling is repeatable by seed and differs between seeds."""
    model = tiny()
    runs = [tokens(model, max_new_tokens=20, sampling=Sampling(temperature=1.0, seed=s)) for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_sampling_follows_the_softmax() -> None:
    """Drawn frequencies match the tempered distribution, and nothing outside top-k or top-p is drawn."""
    scores = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0])
    sampler = Sampler(Sampling(temperature=0.8, seed=0))
    drawn = Counter(sampler.choose(scores) for _ in range(4000))
    for token, probability in enumerate((scores / 0.8).softmax(0).tolist()):
        assert abs(drawn[token] / 4000 - probability) < 0.03
    assert {Sampler(Sampling(1.0, top_k=2, seed=s)).choose(scores) for s in range(200)} == {0, 1}
    assert {Sampler(Sampling(1.0, top_p=0.5, seed=s)).choose(scores) for s in range(200)} == {0}


def test_top_p_keeps_the_token_that_crosses_the_line() -> None:
    """The kept set is the smallest whose probability reaches top_p."""
    scores = torch.tensor([0.5, 0.3, 0.2]).log()
    kept = Sampler(Sampling(1.0, top_p=0.6)).probabilities(scores)
    assert torch.allclose(kept, torch.tensor([0.625, 0.375, 0.0]))


@pytest.mark.parametrize(
    "bad",
    [{"temperature": -1}, {"temperature": float("inf")}, {"temperature": float("nan")}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -1}, {"top_k": 1.5}, {"top_k": True},
     {"temperature": "0"}, {"top_p": True}, {"seed": 2**63}, {"seed": 0.5}],
)  # fmt: skip
def test_impossible_sampling_is_refused(bad: dict[str, float]) -> None:
    """A rule that cannot be meant is a ValueError that names the field."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        Sampling(**bad)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_a_number_of_tokens_that_is_none_is_refused(count: Any, tiny: Tiny) -> None:
    """How many tokens are wanted is a whole number from 1, told before anything runs."""
    with pytest.raises(ValueError, match=r"max_new_tokens is .*: use a whole number of at least 1"):
        next(generate(tiny(), PROMPT, max_new_tokens=count))


@pytest.mark.parametrize("temperature", [1e-5, 1e-7, 1e-300])
def test_next_to_no_temperature_takes_the_best_token(temperature: float, tiny: Tiny) -> None:
    """A temperature so low that scores divided by it overflow is that of greedy decoding, and no error."""
    model = tiny()
    assert tokens(model, max_new_tokens=10, sampling=Sampling(temperature, seed=1)) == tokens(
        model, max_new_tokens=10
    )


def test_a_stop_string_ends_the_output_before_itself(tiny: Tiny) -> None:
    """The shown text is the free text up to the stop string, wherever token borders fall; one may come without a list."""
    model = tiny()
    free = "".join(step.text for step in generate(model, PROMPT, max_new_tokens=40))
    stop = free[11:14]
    steps = list(generate(model, PROMPT, max_new_tokens=40, stop=[stop]))
    assert "".join(step.text for step in steps) == free[: free.index(stop)]
    assert steps[-1].finish == "stop"
    assert list(generate(model, PROMPT, max_new_tokens=40, stop=stop)) == steps


def test_the_beginning_of_a_stop_string_that_never_comes_is_shown_at_the_end(tiny: Tiny) -> None:
    """Held-back text is not lost when the budget ends the output."""
    model = tiny()
    free = "".join(step.text for step in generate(model, PROMPT, max_new_tokens=9))
    held = "".join(
        step.text for step in generate(model, PROMPT, max_new_tokens=9, stop=[free[-2:] + "\0never"])
    )
    assert held == free


def test_an_end_of_turn_token_ends_the_output(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end-of-turn token is reported, shows nothing and is the last."""
    model = tiny()
    third = tokens(model, max_new_tokens=3)[2]
    monkeypatch.setattr(model.tokenizer, "eos_ids", frozenset({third}))
    steps = list(generate(model, PROMPT, max_new_tokens=10))
    assert [step.token_id for step in steps][-1] == third
    assert steps[-1].text == ""
    assert steps[-1].finish == "stop"
    assert len(steps) <= 3


@pytest.mark.parametrize("is_continued", [False, True])
@pytest.mark.parametrize("drafts", [False, True])
def test_cancelling_stops_inside_a_long_prompt(
    drafts: bool, is_continued: bool, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that is set while a prompt is read ends it at the next chunk; a given cache holds the chunks that were run."""
    model, cancel, rows = tiny(), threading.Event(), list[int]()
    run, free = model._queue._run, model.blocks.num_free
    cache = model.new_cache(400) if is_continued else None

    def watched(batch: list[Request]) -> None:
        rows.extend(request.num_rows for request in batch)
        cancel.set()
        run(batch)

    monkeypatch.setattr(model._queue, "_run", watched)
    prompt = [7 + n % 200 for n in range(400)]
    steps = (
        speculate(model, prompt, drafter=PromptLookupDrafter(), cancel=cancel, cache=cache)
        if drafts
        else generate(model, prompt, cancel=cancel, cache=cache)
    )
    with pytest.raises(GenerationCancelled):
        next(iter(steps))
    assert rows == [64]
    if cache is not None:
        assert cache.length == 64
        cache.release()
    assert model.blocks.num_free == free


def test_cancelling_stops_before_the_next_token(tiny: Tiny) -> None:
    """A set signal raises at the next step and no token comes after it."""
    cancel, seen = threading.Event(), []
    with pytest.raises(GenerationCancelled):
        for step in generate(tiny(), PROMPT, max_new_tokens=30, cancel=cancel):
            seen.append(step)
            if len(seen) == 3:
                cancel.set()
    assert len(seen) == 3


def test_a_live_sequence_takes_forced_tokens_and_goes_on(tiny: Tiny) -> None:
    """Tokens forced into a live sequence give what one prompt with them gives, without running the rest again."""
    model = tiny()
    cache = model.new_cache()
    first = [step.token_id for step in generate(model, PROMPT, max_new_tokens=4, cache=cache)]
    length = cache.length
    assert length == len(PROMPT) + 3
    more = [step.token_id for step in generate(model, [first[-1], 60, 61], max_new_tokens=4, cache=cache)]
    whole = [step.token_id for step in generate(model, [*PROMPT, *first, 60, 61], max_new_tokens=4)]
    assert more == whole


def test_logprobs_are_the_models_own(tiny: Tiny) -> None:
    """A step's log-probability is that of its token under the plain softmax."""
    model = tiny()
    step = next(generate(model, PROMPT, max_new_tokens=1, logprobs=True))
    scores = model.forward(PROMPT, model.new_cache())[0]
    assert step.logprob == pytest.approx(float(scores.log_softmax(0)[step.token_id]), abs=1e-4)


def test_broken_scores_are_an_error_and_the_engine_lives_on(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN scores raise instead of emitting token 0, and the next call works."""
    model = tiny()
    good = tokens(model, max_new_tokens=3)
    with monkeypatch.context() as patch:
        forward = model._forward
        patch.setattr(model, "_forward", lambda batch: [scores * float("nan") for scores in forward(batch)])
        with pytest.raises(NonFiniteLogitsError, match="damaged"):
            tokens(model, max_new_tokens=3)
    assert tokens(model, max_new_tokens=3) == good


@pytest.mark.parametrize(("prompt", "budget"), [([], 5), (PROMPT, 0)])
def test_nothing_to_do_is_a_callers_mistake(prompt: list[int], budget: int, tiny: Tiny) -> None:
    """An empty prompt or budget is a ValueError."""
    with pytest.raises(ValueError, match="at least"):
        next(generate(tiny(), prompt, max_new_tokens=budget))


def test_fixed_rows_are_repeatable(tiny: Tiny) -> None:
    """Deterministic decoding gives the same tokens whatever the number of threads' rows before it."""
    model = tiny("int4", encoding="Q4_1")
    assert tokens(model, max_new_tokens=20, fixed_rows=4) == tokens(model, max_new_tokens=20, fixed_rows=4)


def test_threads_do_not_disturb_each_other(tiny: Tiny) -> None:
    """Eight threads on one model each get what they get alone."""
    model = tiny("int4", encoding="Q4_1")
    prompts = [[10 + i, 20 + i, 30 + i] for i in range(8)]
    alone = [[step.token_id for step in generate(model, ids, max_new_tokens=15)] for ids in prompts]
    together: dict[int, list[int]] = {}

    def work(i: int) -> None:
        together[i] = [step.token_id for step in generate(model, prompts[i], max_new_tokens=15)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[i] for i in range(8)] == alone
