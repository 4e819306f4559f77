"""The automaton against brute force over the text itself."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding.speculation._suffix_automaton import ROOT, SEPARATOR, Cursor, SuffixAutomaton

texts = st.lists(st.integers(0, 3), max_size=40)


def _build(tokens: list[int]) -> SuffixAutomaton:
    automaton = SuffixAutomaton()
    automaton.extend(tokens)
    return automaton


def _occurrences(text: list[int], part: list[int]) -> list[int]:
    return [end for end in range(len(part), len(text) + 1) if text[end - len(part) : end] == part]


@settings(max_examples=200, deadline=None)
@given(texts)
def test_suffix_is_the_longest_that_occurred_before(text: list[int]) -> None:
    """The own suffix match has the length that brute force finds."""
    expected = next(
        n for n in range(max(len(text) - 1, 0), -1, -1) if n == 0 or len(_occurrences(text, text[-n:])) > 1
    )
    assert _build(text).suffix().length == expected


@settings(max_examples=200, deadline=None)
@given(texts, texts)
def test_cursor_follows_the_longest_match(text: list[int], query: list[int]) -> None:
    """A cursor holds the longest end of the query that occurs in the text, also while the text grows."""
    automaton = SuffixAutomaton()
    cursor = Cursor(ROOT, 0)
    grown: list[int] = []
    for place, token in enumerate(query):
        if place < len(text):
            automaton.append(text[place])
            grown.append(text[place])
        before = cursor.length
        cursor = automaton.advance(cursor, token)
        # Text that arrived behind the cursor's back may allow a longer match than the cursor can know of.
        known = query[max(0, place - before) : place + 1]
        expected = next(n for n in range(len(known), -1, -1) if n == 0 or _occurrences(grown, known[-n:]))
        assert cursor.length == expected


@settings(max_examples=200, deadline=None)
@given(texts)
def test_successors_carry_counts_and_places(text: list[int]) -> None:
    """What followed the longest own match comes with its true counts, first and last places."""
    automaton = _build(text)
    match = automaton.suffix()
    if match.length == 0:
        return
    part = text[-match.length :]
    ends = [end for end in _occurrences(text, part) if end < len(text)]
    counts = Counter(text[end] for end in ends)
    found = {s.token: s for s in automaton.successors(match.state)}
    assert {token: s.occurrences for token, s in found.items()} == counts
    for token, successor in found.items():
        places = [end for end in ends if text[end] == token]
        assert (successor.first_end, successor.last_end) == (places[0], places[-1])


def test_separator_is_never_proposed_or_crossed() -> None:
    """Two texts in one automaton stay apart."""
    automaton = _build([1, 2, 3, SEPARATOR, 4, 5])
    cursor = Cursor(ROOT, 0)
    for token in (2, 3):
        cursor = automaton.advance(cursor, token)
    assert cursor.length == 2
    assert list(automaton.successors(cursor.state)) == []
    assert automaton.advance(cursor, 4).length == 1


def test_memory_stays_near_a_hundred_bytes_a_token() -> None:
    """Flat columns keep the index small on text and on its worst case, one token repeated."""
    varied = _build([(i * i * 7 + i // 3) % 997 for i in range(4000)])
    repeated = _build([7] * 4000)
    assert varied.num_bytes / len(varied) < 200
    assert repeated.num_bytes / len(repeated) < 200
