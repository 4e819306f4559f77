"""Drafts inside the batched engine: every method, cache scheme and constraint, alone and in company, bit for bit."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from agentcore.decoding import (
    ContextOverflowError,
    JsonSchemaConstraint,
    KVCache,
    LanguageModel,
    NonFiniteLogitsError,
    TokenizerMismatchError,
    UnknownMethodError,
    generate,
)
from agentcore.decoding.speculation import (
    METHODS,
    Draft,
    FixedLength,
    Governor,
    RecurrentHead,
    SpeculationReport,
    Speculator,
    StepTimeCurve,
)

from .toy import ToyModel, random_weights

Tiny = Callable[..., LanguageModel]
ROWS = 6
SCHEMA = {
    "type": "object",
    "properties": {"name": {"enum": ["search", "read"]}, "limit": {"type": "integer"}},
    "required": ["name", "limit"],
    "additionalProperties": False,
}


def prompt(seed: int = 0) -> list[int]:
    """Repetitive enough for every drafter to find something; the beginning is common to all seeds."""
    return [*([7, 8, 9, 40, 41] * 26), *[seed + 3, 7, 8, 9, 40]]


def constraint(kind: str, model: LanguageModel) -> JsonSchemaConstraint | None:
    return JsonSchemaConstraint(SCHEMA, model.tokenizer) if kind == "grammar" else None


def fresh(model: LanguageModel, ids: list[int]) -> tuple[KVCache | None, list[int]]:
    model.blocks.clear()
    return None, ids


def remembered(model: LanguageModel, ids: list[int]) -> tuple[KVCache | None, list[int]]:
    list(generate(model, ids, max_new_tokens=1))
    return None, ids


def continued(model: LanguageModel, ids: list[int]) -> tuple[KVCache | None, list[int]]:
    cache = model.new_cache(len(ids) + 64)
    model.prefill(ids[:128], cache)
    return cache, ids[128:]


def forked(model: LanguageModel, ids: list[int]) -> tuple[KVCache | None, list[int]]:
    cache, rest = continued(model, ids)
    assert cache is not None
    return cache.fork(room=64), rest


SCHEMES = {"fresh": fresh, "remembered": remembered, "continued": continued, "forked": forked}


@pytest.mark.parametrize("weights", ["fp64", "bf16", "int4"])
@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("kind", ["free", "grammar"])
def test_every_lossless_method_with_every_cache_is_plain_decoding(
    weights: str, scheme: str, kind: str, tiny: Tiny
) -> None:
    """In deterministic mode each method gives plain decoding's tokens, whether the cache is new, known, live or forked."""
    model = tiny(weights, encoding="Q4_1")
    ids, length = prompt(), 24
    plain = [
        (step.token_id, step.text, step.finish)
        for step in generate(
            model, ids, max_new_tokens=length, fixed_rows=ROWS, constraint=constraint(kind, model)
        )
    ]
    for method in METHODS:
        cache, rest = SCHEMES[scheme](model, ids)
        speculator = Speculator(
            model,
            methods=method,
            governor=FixedLength(ROWS - 1),
            draft_model=model,
            head=RecurrentHead(random_weights(model), model),
        )
        steps = speculator.generate(
            rest,
            max_new_tokens=length,
            fixed_rows=ROWS,
            constraint=constraint(kind, model),
            cache=cache,
            cached_ids=ids[: len(ids) - len(rest)],
            report=SpeculationReport(),
        )
        assert [(step.token_id, step.text, step.finish) for step in steps] == plain, method


@pytest.mark.parametrize("kind", ["free", "grammar"])
def test_in_float64_drafts_change_nothing_in_the_fast_mode_either(kind: str, tiny: Tiny) -> None:
    """Where rounding does not count, forwards of any number of rows give plain decoding's tokens, whatever is drafted."""
    model = tiny("fp64", encoding="Q4_1")
    plain = [
        step.token_id
        for step in generate(model, prompt(), max_new_tokens=48, constraint=constraint(kind, model))
    ]
    for method in (*METHODS, "auto"):
        curve = StepTimeCurve((1, 12), (1.0, 1.05))
        speculator = Speculator(
            model,
            methods=method,
            governor=Governor(curve),
            draft_model=model,
            head=RecurrentHead(random_weights(model), model),
        )
        steps = speculator.generate(prompt(), max_new_tokens=48, constraint=constraint(kind, model))
        assert [step.token_id for step in steps] == plain, method
        if method != "recurrent":  # a random head is never right
            assert speculator.report.forwards < len(plain), f"{method} saved nothing"


@pytest.mark.parametrize("weights", ["bf16", "int4", "int8"])
@pytest.mark.parametrize("fixed_rows", [None, ROWS])
def test_drafting_callers_in_company_get_what_each_gets_alone(
    weights: str, fixed_rows: int | None, tiny: Tiny
) -> None:
    """Eight callers with ragged drafts, half of them under a grammar, share forwards and hear nothing of each other."""
    model = tiny(weights, encoding="Q4_1")

    def run(seed: int) -> list[tuple[int, bool]]:
        speculator = Speculator(model, methods="suffix,recycling", governor=FixedLength(1 + seed % 5))
        steps = speculator.generate(
            prompt(seed),
            max_new_tokens=30,
            fixed_rows=fixed_rows,
            constraint=constraint("grammar" if seed % 2 else "free", model),
        )
        return [(step.token_id, step.is_forced) for step in steps]

    alone = [run(seed) for seed in range(8)]
    sizes: list[tuple[int, int]] = []
    inner = model._queue._run

    def watched(batch: list[object]) -> None:
        sizes.append((len(batch), sum(request.num_rows for request in batch)))  # type: ignore[attr-defined]
        inner(batch)  # type: ignore[arg-type]

    model._queue._run = watched  # type: ignore[assignment]
    try:
        found: dict[int, list[tuple[int, bool]]] = {}
        threads = [threading.Thread(target=lambda s=seed: found.__setitem__(s, run(s))) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        model._queue._run = inner  # type: ignore[assignment]
    assert [found[seed] for seed in range(8)] == alone
    assert any(count > 1 and rows > count for count, rows in sizes), "no batch held a draft"
    assert model.blocks.num_used == 0


def test_the_governor_stops_drafting_where_many_share_the_forward() -> None:
    """A draft that pays for one sequence is refused where its rows delay many others."""
    governor = Governor(StepTimeCurve((1, 2, 4, 8, 16), (0.010, 0.0102, 0.011, 0.020, 0.040)))
    draft = Draft((5, 6, 7), (0.5, 0.5, 0.5), source="suffix")
    assert len(governor.choose([draft], rows=1)) > 0
    assert len(governor.choose([draft], rows=1, others=8)) == 0


def test_a_caller_that_leaves_inside_a_draft_leaves_no_block(tiny: Tiny) -> None:
    """Leaving at any step of a speculated output returns all blocks, and the next caller gets the usual tokens."""
    model = tiny("int4", encoding="Q4_1")

    def steps() -> Iterator[int]:
        speculator = Speculator(model, methods="suffix", governor=FixedLength(4))
        return (step.token_id for step in speculator.generate(prompt(), max_new_tokens=12))

    whole = list(steps())
    for count in range(1, len(whole)):
        running = steps()
        assert list(itertools.islice(running, count)) == whole[:count]
        del running
        assert model.blocks.num_used == 0


def test_faults_of_speculation_leave_the_engine_alive(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN scores, an empty or overlong prompt, an unknown method and a foreign drafting model raise; the next call works."""
    model = tiny("int4", encoding="Q4_1")

    def run() -> list[int]:
        speculator = Speculator(model, methods="suffix", governor=FixedLength(3))
        return [step.token_id for step in speculator.generate(prompt(), max_new_tokens=10)]

    expected = run()
    forward = model._forward
    with monkeypatch.context() as patch:
        patch.setattr(model, "_forward", lambda batch: [s * float("nan") for s in forward(batch)])
        with pytest.raises(NonFiniteLogitsError, match="damaged"):
            run()
    speculator = Speculator(model, methods="suffix", governor=FixedLength(3))
    with pytest.raises(ValueError, match="at least one"):
        list(speculator.generate([], max_new_tokens=10))
    with pytest.raises(ContextOverflowError, match="context"):
        list(speculator.generate([5] * (model.spec.context_length + 1), max_new_tokens=10))
    with pytest.raises(UnknownMethodError, match="recycling"):
        Speculator(model, methods="sufix")
    with pytest.raises(TokenizerMismatchError, match="one family"):
        Speculator(model, methods="draft_model", draft_model=ToyModel(vocabulary_size=9))
    assert run() == expected
    assert model.blocks.num_used == 0
