"""Drafts by a trained head: what it reads of the target, what it drafts, which file fits which model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from agentcore.decoding import LanguageModel, ModelFileError, Sampling, generate, load_gguf
from agentcore.decoding.speculation import (
    FixedLength,
    Governor,
    HeadWeights,
    RecurrentDrafter,
    RecurrentHead,
    SpeculationReport,
    Speculator,
    StepTimeCurve,
    shipped_head,
    speculate,
)
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

from .toy import ToyGrammar, ToyHead, ToyModel, random_weights

PROMPT = [1, 2, 3, 1, 2]
Tiny = Callable[..., LanguageModel]


def _drafter(model: ToyModel, noise: float = 0.0, **options: object) -> RecurrentDrafter:
    return RecurrentDrafter(ToyHead(model, noise=noise), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("fixed_rows", [None, 5])
def test_a_head_that_is_right_is_always_kept(fixed_rows: int | None) -> None:
    """Drafts begin from the state behind the last token but one, wherever the last draft ended: all are accepted."""
    model = ToyModel(eos_bias=-9.0)
    report = SpeculationReport()
    steps = speculate(
        model,
        PROMPT,
        drafter=_drafter(model),
        max_new_tokens=41,
        governor=FixedLength(4),
        fixed_rows=fixed_rows,
        report=report,
    )
    assert [step.token_id for step in steps] == [
        step.token_id
        for step in generate(ToyModel(eos_bias=-9.0), PROMPT, max_new_tokens=41)  # type: ignore[arg-type]
    ]
    counts = report.methods["recurrent"]
    assert counts.accepted == counts.drafted == 32
    assert report.forwards == 8


@pytest.mark.parametrize("grammar", [3, 16])
def test_forced_tokens_are_read_on_the_way(grammar: int) -> None:
    """Under a grammar the head goes on behind tokens that the target has not run yet, and chooses among what is allowed."""
    model, report = ToyModel(seed=2), SpeculationReport()
    options = {"max_new_tokens": 300, "report": report, "governor": FixedLength(6)}
    fast = speculate(model, PROMPT, drafter=_drafter(model), constraint=ToyGrammar(seed=grammar), **options)  # type: ignore[arg-type]
    plain = generate(model, PROMPT, max_new_tokens=300, constraint=ToyGrammar(seed=grammar))  # type: ignore[arg-type]
    assert [step.token_id for step in fast] == [step.token_id for step in plain]
    counts = report.methods["recurrent"]
    assert 0 < counts.accepted == counts.drafted


def test_a_continued_sequence_is_drafted_from_its_first_forward_on() -> None:
    """With a cache that holds the prompt, nothing is known before the first forward, and everything after it."""
    model = ToyModel(eos_bias=-9.0)
    cache = model.new_cache()
    model.prefill(PROMPT[:-1], cache)
    report = SpeculationReport()
    steps = speculate(
        model,
        PROMPT[-1:],
        drafter=_drafter(model),
        cache=cache,
        cached_ids=PROMPT[:-1],
        max_new_tokens=20,
        report=report,
    )
    assert len(list(steps)) == 20
    assert report.methods["recurrent"].accepted == report.methods["recurrent"].drafted > 10


def test_sampled_drafts_keep_the_targets_distribution() -> None:
    """Tokens drawn from the head's distribution come out in the target's proportions."""
    model = ToyModel(seed=5, vocabulary_size=5, sharpness=1.2, eos_bias=-0.5)
    runs, report = 3000, SpeculationReport()
    found: Counter[tuple[int, ...]] = Counter()
    for run in range(runs):
        sampling = Sampling(temperature=0.9, seed=run)
        drafter = _drafter(model, noise=1.0, sampling=sampling)
        steps = speculate(
            model,
            [1, 2],
            drafter=drafter,
            sampling=sampling,
            max_new_tokens=50,
            governor=FixedLength(3),
            report=report,
        )
        found[tuple(step.token_id for step in islice(steps, 2))] += 1
    assert report.methods["recurrent"].accepted > 1000
    for pair, probability in _pairs(model, [1, 2]).items():
        spread = (runs * probability * (1 - probability)) ** 0.5
        assert abs(found[pair] - runs * probability) < 4.5 * spread + 1, pair


def _pairs(model: ToyModel, prompt: list[int]) -> dict[tuple[int, ...], float]:
    first = (model.row(prompt) / 0.9).softmax(-1)
    pairs = {}
    for a, p in enumerate(first.tolist()):
        if a == 0:
            pairs[(0,)] = p
            continue
        for b, q in enumerate((model.row([*prompt, a]) / 0.9).softmax(-1).tolist()):
            pairs[a, b] = p * q
    return pairs


@pytest.mark.parametrize("weights", ["fp32", "int4"])
def test_hidden_states_are_what_the_scores_come_from(weights: str, tiny: Tiny) -> None:
    """Each new token's state times the head is its row of scores, for one, all, no or padded rows, and for a prompt."""
    model = tiny(weights, encoding="Q4_1")
    ids = [5, 9, 12, 7, 30]
    head = model.weights.head.few()

    def run(**options: object) -> tuple[torch.Tensor, torch.Tensor]:
        hidden: list[torch.Tensor] = []
        scores = model.forward(ids, model.new_cache(), hidden=hidden, **options)  # type: ignore[arg-type]
        return hidden[0], scores

    for options in ({"rows": "all"}, {"rows": "all", "fixed_rows": 8}):
        states, scores = run(**options)
        assert states.shape == (len(ids), model.spec.model_width)
        torch.testing.assert_close(head(states).float(), scores)
    for rows in ("last", "none"):
        torch.testing.assert_close(run(rows=rows)[0], run(rows="all")[0])
    hidden: list[torch.Tensor] = []
    scores = model.prefill(ids, model.new_cache(), hidden=hidden)
    torch.testing.assert_close(head(hidden[0][-1:]).float(), scores)


def test_a_head_survives_its_file(tiny: Tiny, tmp_path: Path) -> None:
    """Saved and loaded, it gives the scores it gave, on any layout of the same weights."""
    model = tiny("bf16", encoding="Q8_0")
    random_weights(model).save(tmp_path / "first.safetensors")
    weights = HeadWeights.load(tmp_path / "first.safetensors")  # in bf16 now, as every file is
    weights.save(tmp_path / "head.safetensors", notes={"places": 3})
    again = HeadWeights.load(tmp_path / "head.safetensors")
    state = torch.ones(1, model.spec.model_width)
    for other in (model, tiny("fp32", encoding="Q8_0"), tiny("int4", encoding="Q8_0")):
        one, two = RecurrentHead(weights, other), RecurrentHead(again, other)
        assert torch.equal(one.scores(one.step(state, 7)), two.scores(two.step(state, 7)))


def test_what_does_not_fit_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    """Another model's head, a file of something else and no file are clear errors."""
    weights = random_weights(tiny("fp32"))
    with pytest.raises(ValueError, match="trained for another model"):
        RecurrentHead(weights, tiny("fp32", seed=1))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no head")
    for path in (broken, tmp_path / "none.safetensors"):
        with pytest.raises(ModelFileError, match=r"none|broken"):
            HeadWeights.load(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, str(broken))
    with pytest.raises(ModelFileError, match="no recurrent head"):
        HeadWeights.load(broken)
    for name, wrong in (("gate_up", torch.zeros(5, 3)), ("vocabulary", torch.tensor([0, 10**6]))):
        with pytest.raises(ValueError, match=f"damaged.*{name}"):
            RecurrentHead(replace(weights, **{name: wrong}), tiny("fp32"))
    assert shipped_head(tiny("fp32")) is None
    write_tiny_gguf(tmp_path / "untied.gguf", TinyModel(encoding="Q4_1", is_tied=False))
    lean = load_gguf(tmp_path / "untied.gguf", weights="int4", dense_copy=False)
    if lean.layout == "int4":
        with pytest.raises(ValueError, match="dense_copy=True"):
            RecurrentHead(random_weights(lean), lean)


def test_the_governor_asks_for_few_guesses_of_a_head_that_is_wrong() -> None:
    """A head whose guesses never come true is hardly drafted from."""
    model, report = ToyModel(eos_bias=-9.0), SpeculationReport()
    wrong = ToyHead(ToyModel(seed=99, eos_bias=-9.0))
    speculator = Speculator(
        model,
        methods="recurrent",
        head=wrong,  # type: ignore[arg-type]
        governor=Governor(
            StepTimeCurve((1, 2, 4), (0.010, 0.013, 0.020)), prices={"recurrent": wrong.step_times}
        ),
    )
    tokens = len(list(speculator.generate(PROMPT, max_new_tokens=200, report=report)))
    assert report.rows < 1.35 * tokens


def test_the_shipped_head_saves_forwards_on_text_without_a_source(smollm2_path: Path) -> None:
    """On a plain question the embedded model's head agrees often enough to save a sixth of the forwards."""
    model = load_gguf(smollm2_path)
    head = shipped_head(model)
    assert head is not None
    question = "<|im_start|>user\nHow does a lighthouse work?<|im_end|>\n<|im_start|>assistant\n"
    report = SpeculationReport()
    steps = list(
        speculate(
            model,
            model.tokenizer.encode(question),
            drafter=RecurrentDrafter(head),
            governor=FixedLength(2),
            max_new_tokens=80,
            report=report,
        )
    )
    assert report.forwards < len(steps) / 1.2


def test_a_judge_can_read_what_the_shipped_head_believes(smollm2_path: Path) -> None:
    """Its distributions leave a little for the tokens that it cannot name, so that a judge finds near ones and keeps more."""
    model = load_gguf(smollm2_path)
    head = shipped_head(model)
    assert head is not None
    prompt = model.tokenizer.encode(
        "<|im_start|>user\nWrite a story about a lighthouse keeper.<|im_end|>\n<|im_start|>assistant\n"
    )
    kept = []
    for judge in (0.0, 2.0):
        report = SpeculationReport()
        drafter = RecurrentDrafter(head, with_distributions=True)
        list(
            speculate(
                model,
                prompt,
                drafter=drafter,
                judge=judge,
                governor=FixedLength(2),
                max_new_tokens=120,
                report=report,
            )
        )
        kept.append(report.emitted / report.forwards)
        (belief,) = drafter.propose(1).distributions or ()
        assert belief.dense(model.spec.vocabulary_size).sum() == pytest.approx(1.0, abs=1e-5)
        assert belief.dense(model.spec.vocabulary_size).min() > 0
    assert kept[1] > kept[0]
