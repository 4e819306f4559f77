"""The compiled loops: each does what its definition says, and they are loaded only where something is searched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentcore.memory
from agentcore.memory import SwiftMem, _compiled
from agentcore.memory._compiled import Floats, Kernel, compiled, prepare_kernels
from agentcore.memory._selection import best_places
from agentcore.memory.embedding import HashEmbedder
from agentcore.memory.ranking import FULL, Structure
from agentcore.memory.ranking._fusion import (
    first_look,
    moments,
    own_scores,
    pattern,
    second_look,
    with_surroundings,
)
from agentcore.memory.ranking._signs import _least_differing
from agentcore.memory.ranking._tokens import windowed

QUICK = settings(max_examples=60, deadline=None)
some_turns = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 9), st.integers(-20, 20), st.booleans()),
    min_size=1,
    max_size=20,
)


def _structure(turns: list[tuple[str | None, int, int, bool]]) -> tuple[Structure, list[list[int]]]:
    """Return the structure of some turns, and the turns of each one's session in order."""
    codes = np.array([-1 if session is None else ord(session) for session, *_ in turns], dtype=np.int32)
    times = np.array([time for _, time, *_ in turns], dtype=np.int64)
    members = [
        [row]
        if codes[row] < 0
        else sorted((i for i, code in enumerate(codes) if code == codes[row]), key=lambda i: (times[i], i))
        for row in range(len(turns))
    ]
    return Structure.build(codes, times, np.arange(len(turns))), members


def _beside(members: list[int], row: int, step: int) -> int | None:
    """Return the turn so many steps on in the session."""
    place = members.index(row) + step
    return members[place] if 0 <= place < len(members) else None


@QUICK
@given(st.lists(st.integers(-3, 3), max_size=60), st.integers(0, 60))
def test_best_places_are_those_of_a_full_sort(values: list[int], count: int) -> None:
    """The best come out in the order of a sort by score, then age, however many are equal or may not be returned."""
    scores = np.array([-np.inf if value == -3 else value for value in values], dtype=np.float32)
    seq = np.random.default_rng(len(values)).permutation(len(values)).astype(np.int64)
    wanted = min(count, len(values))
    assert best_places(scores, seq, wanted).tolist() == np.lexsort((seq, -scores))[:wanted].tolist()


@QUICK
@given(some_turns)
def test_surroundings_are_credited_as_the_formula_says(
    turns: list[tuple[str | None, int, int, bool]],
) -> None:
    """S is F with the credit of the named speaker, four neighbours, an asking turn before, the best of the session, and cues."""
    structure, sessions = _structure(turns)
    own = np.array([value for *_, value, _ in turns], dtype=np.float32)
    named = np.array([is_named for *_, is_named in turns])
    replies = (np.arange(len(turns)) % 2).astype(np.float32)
    cues = (np.arange(len(turns)) % 3).astype(np.uint8)
    worth = np.array([0.0, 1.5, -2.0], dtype=np.float32)

    def f(row: int, step: int) -> float:
        other = _beside(sessions[row], row, step)
        return 0.0 if other is None else float(own[other])

    expected = [
        own[row] * (1.7 if named[row] else 1.0)
        + 0.4 * (f(row, -1) + f(row, 1) + f(row, -2) + f(row, 2))
        + 0.6 * replies[row] * f(row, -1)
        + 0.5 * max(own[other] + 0.3 * (f(other, -1) + f(other, 1)) for other in sessions[row])
        + worth[cues[row]]
        for row in range(len(turns))
    ]
    found = with_surroundings(
        own, named, replies, cues, worth, structure.line, structure.session, structure.length, structure.num_sessions,
        0.7, 0.4, 0.6, 0.5, 0.3,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@QUICK
@given(some_turns, st.integers(0, 4), st.integers(1, 6))
def test_context_is_neighbours_and_short_sessions(
    turns: list[tuple[str | None, int, int, bool]], whole: int, longest: int
) -> None:
    """Chosen records come with two turns on either side, the first of them with their whole session where that is short."""
    structure, sessions = _structure(turns)
    chosen = np.flatnonzero([is_chosen for *_, is_chosen in turns])[::-1].copy()
    expected = set(chosen.tolist())
    for number, row in enumerate(chosen.tolist()):
        beside = (_beside(sessions[row], row, step) for step in (-2, -1, 1, 2))
        expected.update(other for other in beside if other is not None)
        if number < whole and len(sessions[row]) <= longest:
            expected.update(sessions[row])
    assert set(structure.with_context(chosen, whole=whole, longest=longest).tolist()) == expected


@QUICK
@given(some_turns)
def test_pieces_may_be_met_by_neighbours_at_a_discount(
    turns: list[tuple[str | None, int, int, bool]],
) -> None:
    """MaxSim adds up, for each piece of the query, the best of the turn itself and its discounted neighbours."""
    structure, sessions = _structure(turns)
    rng = np.random.default_rng(len(turns))
    similarities = rng.integers(0, 64, (3, len(turns))).astype(np.float32)
    weights, means = rng.random(3).astype(np.float32), similarities.mean(axis=1)
    centred = similarities - means[:, None]
    expected = np.zeros(len(turns))
    for row in range(len(turns)):
        for piece in range(3):
            met = [centred[piece, row]]
            for step, discount in ((-1, 0.8), (1, 0.8), (-2, 0.6), (2, 0.6)):
                other = _beside(sessions[row], row, step)
                if other is not None:
                    met.append(discount * centred[piece, other])
            expected[row] += weights[piece] * max(met)
    found = windowed(similarities, weights, structure, FULL, means)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9), st.booleans(), st.booleans()),
        min_size=2,
    ),
    st.booleans(),
)
def test_chance_is_read_from_the_records_that_may_be_returned(
    turns: list[tuple[int, int, int, bool, bool]], is_filtered: bool
) -> None:
    """The best cosine and coverage, and the named speaker's lead by vector and by the best three by tokens, are those of the allowed records."""
    own, dense, tokens = (np.array(column, dtype=np.float32) for column in list(zip(*turns, strict=True))[:3])
    named = np.array([is_named for *_, is_named, _ in turns])
    allowed = np.array([is_allowed or not is_filtered for *_, is_allowed in turns])
    cosine, coverage = dense / 10, tokens / 10
    parts = np.array([own, dense, np.zeros(len(own))], dtype=np.float32)
    num_all, best, most, num_mine, top, gap_tokens, gap_dense = pattern(
        cosine, coverage, parts, tokens, named, allowed if is_filtered else np.zeros(0, dtype=np.bool_)
    )
    assert num_all == allowed.sum()
    if num_all:
        assert (best, most) == (cosine[allowed].max(), coverage[allowed].max())
    mine, others = named & allowed, ~named & allowed
    assert num_mine == mine.sum()
    if mine.any() and others.any():
        assert top == own[mine].max()
        assert gap_dense == dense[mine].max() - dense[others].max()
        lead = np.sort(tokens[mine])[-3:].mean() - np.sort(tokens[others])[-3:].mean()
        assert gap_tokens == pytest.approx(lead, abs=1e-5)


@QUICK
@given(
    st.lists(st.tuples(*[st.integers(-9, 9)] * 3, st.booleans()), min_size=1), st.booleans(), st.booleans()
)
def test_own_scores_weigh_the_z_scores_by_kind(
    records: list[tuple[int, int, int, bool]], has_tokens: bool, has_passages: bool
) -> None:
    """F is the sum of the z-scores by the weights of a turn or a passage; what does not vary counts nothing."""
    cosine, bm25, tokens = (
        np.array(column, dtype=np.float32) for column in list(zip(*records, strict=True))[:3]
    )
    is_passage = np.array([kind and has_passages for *_, kind in records])
    usual = (*moments(cosine), *moments(bm25))
    dense, lexical = (
        (values - values.mean()) / values.std() if values.std() > 1e-7 else 0 * values
        for values in (cosine, bm25)
    )
    turn, passage = (0.2, 0.3, 0.5 * has_tokens), (0.6, 0.1, 0.3 * has_tokens)
    expected = np.where(
        is_passage,
        passage[0] * dense + passage[1] * lexical + passage[2] * tokens,
        turn[0] * dense + turn[1] * lexical + turn[2] * tokens,
    )
    found = own_scores(
        cosine, bm25, tokens if has_tokens else tokens[:0], is_passage if has_passages else is_passage[:0],
        *usual, *turn, *passage,
    )  # fmt: skip
    np.testing.assert_allclose(found, [expected, dense, lexical], rtol=1e-4, atol=1e-4)


@QUICK
@given(st.integers(0, 99), st.integers(1, 30), st.sampled_from([-1, 0, 1]), st.booleans())
def test_candidates_are_chosen_by_what_is_known_of_them(
    seed: int, count: int, named: int, has_passages: bool
) -> None:
    """First the mean of two z-scores with cues and a hint for the named speaker; then F with tokens, more of it for the named one, and cues."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(50)[:count].astype(np.int64)
    cosine, bm25 = rng.standard_normal((2, count)).astype(np.float32)
    cues, speakers = rng.integers(0, 16, 50).astype(np.uint8), rng.integers(-1, 2, 50).astype(np.int32)
    worth = rng.standard_normal(16).astype(np.float32)
    said = (speakers[rows] == named) & (named >= 0)
    usual = (0.1, 0.5, -0.2, 2.0)
    dense, lexical = (cosine - 0.1) / 0.5, (bm25 + 0.2) / 2
    first = first_look(cosine, bm25, rows, cues, worth, speakers, named, 1.5, *usual)
    np.testing.assert_allclose(
        first, (dense + lexical) / 2 + worth[cues[rows]] + 1.5 * said, rtol=1e-4, atol=1e-4
    )

    kept = np.flatnonzero(rng.random(count) < 0.6)
    similarities = rng.standard_normal((3, len(kept))).astype(np.float32)
    weights, means = rng.random((2, 3)).astype(np.float32)
    is_passage = rng.random(len(kept)) < 0.5 if has_passages else np.zeros(0, dtype=np.bool_)
    tokens = (weights @ (similarities - means[:, None]) - 0.3) / 0.7
    turn, passage = (0.2, 0.3, 0.5), (0.6, 0.1, 0.3)
    of_turn, of_passage = (w[0] * dense[kept] + w[1] * lexical[kept] + w[2] * tokens for w in (turn, passage))
    own = np.where(is_passage, of_passage, of_turn) if has_passages else of_turn
    second = second_look(
        similarities, weights, means, 0.3, 0.7, cosine, bm25, kept, rows, is_passage,
        cues, worth, speakers, named, 0.8, *usual, *turn, *passage,
    )  # fmt: skip
    np.testing.assert_allclose(
        second, own * (1 + 0.8 * said[kept]) + worth[cues[rows[kept]]], rtol=1e-4, atol=1e-4
    )


def test_an_instruction_is_for_kernels() -> None:
    """What is written for the compiler cannot be called from Python, and says so."""
    with pytest.raises(TypeError, match="by a kernel only"):
        _least_differing()


def test_kernels_call_kernels_of_their_own_file_only() -> None:
    """Machine code is kept as long as its file stays as it is, so nothing compiled into it may come from another."""
    prepare_kernels(lambda *_: None)
    callers = 0
    for kernel in _compiled._kernels:
        function = kernel.function
        called = [function.__globals__.get(name) for name in function.__code__.co_names]
        for other in called:
            if isinstance(other, Kernel):
                callers += 1
                assert other.function.__module__ == function.__module__, kernel
    assert callers


def test_numba_is_loaded_by_the_first_search_only() -> None:
    """Importing the package and adding memories load no compiler; a search does."""
    script = (
        "import sys; from agentcore.memory import SwiftMem; from agentcore.memory.embedding import HashEmbedder\n"
        "memory = SwiftMem(None, embedder=HashEmbedder(32)); memory.add('tea at noon')\n"
        "assert 'numba' not in sys.modules; assert len(memory.search('tea')) == 1; assert 'numba' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_search_works_where_no_machine_code_can_be_kept(tmp_path: Path) -> None:
    """Where neither the package nor the user's folder can be written, the loops are compiled in RAM."""
    package = tmp_path / "lib" / "_selection_copy.py"
    package.parent.mkdir()
    shutil.copy(Path(agentcore.memory.__path__[0]) / "_selection.py", package)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    (package.parent / "__pycache__").write_text("the same")
    script = (
        "import numpy as np; from _selection_copy import best_places\n"
        "assert best_places(np.ones(3, np.float32), np.arange(3), 2).tolist() == [0, 1]"
    )
    environment = {
        **os.environ,
        "HOME": str(blocked),
        "XDG_CACHE_HOME": str(blocked),
        "PYTHONPATH": str(package.parent),
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    subprocess.run([sys.executable, "-B", "-c", script], check=True, env=environment)


def test_a_long_wait_for_the_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than a moment is said, with how far it is; what comes from the cache is not."""
    prepare_kernels(lambda *_: None)
    told: list[tuple[str, int, int]] = []
    prepare_kernels(lambda *step: told.append(step))
    assert told == []

    monkeypatch.setattr(_compiled, "_SLOW_S", -1.0)
    monkeypatch.setattr(_compiled, "_kernels", [])

    @compiled
    def doubled(values: Floats) -> Floats:
        return values * np.float32(2)

    assert isinstance(doubled, Kernel)
    prepare_kernels(lambda *step: told.append(step))
    assert [(done, steps) for _, done, steps in told] == [(0, 1), (1, 1)]
    assert doubled(np.ones(2, dtype=np.float32)).tolist() == [2.0, 2.0]


def test_searches_run_from_several_threads() -> None:
    """Searches at the same time, the first ones among them, give what one alone gives."""
    from concurrent.futures import ThreadPoolExecutor

    with SwiftMem(None, embedder=HashEmbedder(32)) as memory:
        memory.add_messages(
            [{"role": "user", "content": f"tea {number} with cup {number % 7}"} for number in range(300)]
        )
        expected = [hit.id for hit in memory.search("cup 3 tea")]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: [hit.id for hit in memory.search("cup 3 tea")], range(40)))
    assert found == [expected] * 40
