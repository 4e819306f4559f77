"""Drafts that fit a constraint."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcore.decoding.speculation import DraftModelDrafter, speculate
from agentcore.decoding.speculation._compose import compose

from .toy import EOS, OracleDrafter, ToyCache, ToyGrammar, ToyModel

PROMPT = [1, 2, 3, 1, 2]
LIMIT = 8


class OneFile(ToyModel):
    """A model that knows its file, so that another of its layouts may share its cache."""

    path, dtype = Path("model.gguf"), None


def _plain(grammar: ToyGrammar) -> list[int]:
    steps = speculate(OneFile(), PROMPT, drafter=[], constraint=grammar, max_new_tokens=300)
    return [step.token_id for step in steps]


def _drafter(model: ToyModel, *, target: ToyModel) -> tuple[DraftModelDrafter, ToyCache]:
    cache = target.new_cache()
    target.prefill(PROMPT[:-1], cache)
    drafter = DraftModelDrafter(model, target=target)  # type: ignore[arg-type]
    drafter.start(PROMPT)
    drafter.share(cache, offset=0)
    return drafter, cache


@pytest.mark.parametrize("seed", range(30))
def test_a_drafting_model_writes_around_forced_tokens_and_among_allowed_ones(seed: int) -> None:
    """A drafter that agrees with the target drafts its constrained text, with one forward for each free token."""
    target, cheap = OneFile(), OneFile()
    drafter, cache = _drafter(cheap, target=target)
    grammar = ToyGrammar(seed=seed)
    grammar.advance(forced := grammar.forced())
    cache.tokens.extend([*PROMPT[-1:], *forced][:-1])
    drafter.start([*PROMPT, *forced])
    drafter.share(cache, offset=0)
    before = list(cache.tokens)
    draft = compose(drafter, grammar, limit=LIMIT, eos_ids={EOS}, vocabulary_size=8)
    expected = _plain(ToyGrammar(seed=seed))[len(forced) :]
    assert list(draft.tokens) == expected[: len(draft)]
    assert cheap.forwards == len(draft) - len(draft.forced)
    assert cache.tokens == before


@pytest.mark.parametrize("seed", range(30))
def test_a_quoting_drafter_is_asked_again_behind_forced_tokens(seed: int) -> None:
    """Text drafts go on behind forced tokens that they did not foresee, and end at a forbidden one."""
    grammar = ToyGrammar(seed=seed)
    forced = grammar.forced()
    grammar.advance(forced)
    drafter = OracleDrafter(ToyModel(), 1, wrong=0.0)
    drafter.start([*PROMPT, *forced])
    draft = compose(drafter, grammar, limit=LIMIT, eos_ids={EOS}, vocabulary_size=8)
    assert list(draft.tokens) == _plain(ToyGrammar(seed=seed))[len(forced) :][: len(draft)]
    assert grammar.num_taken == len(forced), "the constraint itself is left alone"


def test_a_policy_ends_a_draft_between_its_tokens() -> None:
    """A drafter that writes token by token writes no more than it is told to, and is told how sure it was."""
    target, cheap = OneFile(eos_bias=-9.0), OneFile(eos_bias=-9.0)
    drafter, _ = _drafter(cheap, target=target)
    seen: list[list[float]] = []

    def goes_on(confidences: list[float], forced: int) -> bool:
        seen.append(list(confidences))
        return len(confidences) < 3 and forced == 0

    draft = compose(drafter, None, limit=LIMIT, eos_ids={EOS}, vocabulary_size=8, goes_on=goes_on)  # type: ignore[arg-type]
    assert len(draft) == cheap.forwards == 3
    assert seen == [list(draft.confidences[:length]) for length in range(4)]
    assert all(0.5 <= confidence < 1.0 for confidence in draft.confidences)
