"""What every drafter promises, and what each is good at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding.speculation import (
    Drafter,
    LeapDrafter,
    PromptLookupDrafter,
    SmoothedNgramDrafter,
    SuffixDrafter,
    TokenRecyclingDrafter,
    Verification,
)

FACTORIES: list[Callable[[], Drafter]] = [
    LeapDrafter,
    PromptLookupDrafter,
    SmoothedNgramDrafter,
    SuffixDrafter,
    TokenRecyclingDrafter,
]
REPEATED = [5, 6, 7, 8, 9, 10, 11, 12, 1, 5, 6, 7]


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.name)
def drafter(request: pytest.FixtureRequest) -> Drafter:
    made: Drafter = request.param()
    return made


def test_is_a_drafter(drafter: Drafter) -> None:
    """Every method satisfies the one interface."""
    assert isinstance(drafter, Drafter)


def test_repetition_in_the_prompt_is_drafted(drafter: Drafter) -> None:
    """Text that repeats is continued as before."""
    drafter.start(REPEATED)
    draft = drafter.propose(3)
    assert draft.tokens == (8, 9, 10)[: len(draft)]
    assert len(draft) >= 2
    assert draft.source == drafter.name


def test_added_text_is_drafted_from(drafter: Drafter) -> None:
    """An earlier turn that was added serves the next sequence."""
    drafter.add([20, 21, 22, 23, 24, 25])
    drafter.start([3, 20, 21, 22])
    assert drafter.propose(2).tokens == (23, 24)


def test_after_counts_as_context(drafter: Drafter) -> None:
    """Tokens that are certain to come are taken into account without being committed."""
    drafter.start(REPEATED[:-2])
    before = drafter.propose(4).tokens
    assert drafter.propose(2, after=(6, 7)).tokens == (8, 9)
    assert drafter.propose(4).tokens == before


def test_start_forgets_the_sequence_before(drafter: Drafter) -> None:
    """The text of one sequence does not reach the next unless it is added."""
    if isinstance(drafter, TokenRecyclingDrafter):
        pytest.skip("its tables outlive a sequence by design: one drafter serves one run")
    drafter.start(REPEATED)
    drafter.commit(Verification((8, 9)))
    drafter.start([1, 5, 6, 7])
    assert drafter.propose(4).tokens == ()


def test_an_empty_context_is_no_error(drafter: Drafter) -> None:
    """Nothing known means nothing proposed."""
    drafter.start([])
    assert drafter.propose(4).tokens == ()
    drafter.commit(Verification((1,)))
    assert len(drafter.propose(4)) <= 4


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_drafts_are_short_enough_and_leave_no_trace(data: st.DataObject) -> None:
    """A draft never exceeds the limit, stays in the vocabulary seen, and proposing twice gives the same."""
    made = data.draw(st.sampled_from(FACTORIES))()
    tokens = st.lists(st.integers(0, 4), max_size=30)
    made.add(data.draw(tokens))
    made.start(data.draw(tokens))
    for _ in range(data.draw(st.integers(0, 6))):
        limit = data.draw(st.integers(0, 9))
        draft = made.propose(limit)
        assert len(draft) <= limit
        assert all(0 <= token <= 4 for token in draft.tokens)
        assert all(0.0 < confidence <= 1.0 for confidence in draft.confidences)
        assert made.propose(limit).tokens == draft.tokens
        made.commit(Verification(tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=5)))))


def test_latest_and_first_occurrence_differ_as_named() -> None:
    """Where a match went on in two ways, `prefer` decides which one is drafted."""
    prompt = [1, 2, 3, 50, 1, 2, 3, 60, 1, 2, 3, 60, 1, 2, 3, 70, 1, 2, 3]
    expected = {"first": 50, "latest": 70, "frequent": 60}
    for prefer, token in expected.items():
        drafter = SuffixDrafter(prefer=prefer)  # type: ignore[arg-type]
        drafter.start(prompt)
        assert drafter.propose(1).tokens == (token,)


def test_prompt_lookup_takes_the_latest_occurrence() -> None:
    """Agent traffic repeats its newest text rather than its oldest."""
    drafter = PromptLookupDrafter()
    drafter.start([1, 2, 3, 50, 1, 2, 3, 60, 1, 2, 3])
    assert drafter.propose(1).tokens == (60,)


def test_leaps_reach_over_a_changed_token() -> None:
    """Positions behind a token that changes every time are still predicted."""
    drafter = LeapDrafter()
    drafter.start([1, 2, 90, 4, 5, 6, 1, 2, 91, 4, 5, 6, 1, 2])
    assert drafter.propose(4).tokens[1:] == (4, 5, 6)


def test_recycling_learns_from_rejected_rows() -> None:
    """The target's rating of a rejected draft token is remembered for the next time that token comes."""
    drafter = TokenRecyclingDrafter()
    drafter.start([1, 2])
    top = np.array([[3, 0], [8, 0]], dtype=np.int32)  # after 2 comes 3; after the draft 7 would come 8
    drafter.commit(Verification((3,), accepted=0, context=(2, 7), top_ids=top))
    drafter.commit(Verification((2, 7), accepted=0))
    assert drafter.propose(1).tokens == (8,)


def test_the_smoothed_distribution_sums_to_one() -> None:
    """Named tokens and the rest together are a distribution over the vocabulary, heaviest on what was seen most."""
    drafter = SmoothedNgramDrafter()
    drafter.start([1, 2, 3, 1, 2, 4, 1, 2, 3, 5, 1, 2])
    draft = drafter.propose(2)
    assert draft.tokens[0] == 3
    assert draft.distributions is not None
    dense = draft.distributions[0].dense(10)
    assert dense.shape == (10,)
    assert dense.sum() == pytest.approx(1.0)
    assert dense.min() > 0
    assert dense[3] > dense[4] > dense[9]
