"""Halves of surrogate pairs come together or become U+FFFD, however the text is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcore.messages import SurrogateJoiner, join_surrogates

HALVES = st.text(alphabet="a\\u\ud83d\ude00é\udfff", max_size=40)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("plain", "plain"),
        ("Zoë 😀", "Zoë 😀"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83db", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d", r"\ud83d"),
    ],
)
def test_halves_become_whole_characters(text: str, joined: str) -> None:
    """A pair is one character, a lone half is U+FFFD, and nothing else changes."""
    assert join_surrogates(text) == joined


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D!"', "\ufffd!"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
        ('"\ud83d"', "\ufffd"),
    ],
)
def test_escaped_halves_of_json_count_too(text: str, value: str) -> None:
    """In JSON an escaped half is one as well, and an escaped backslash before it makes it text."""
    assert json.loads(join_surrogates(text, is_json=True)) == value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HALVES, st.lists(st.integers(1, 7), max_size=30), st.booleans())
def test_pieces_make_no_difference(text: str, sizes: list[int], is_json: bool) -> None:
    """Any way to cut a text gives what the whole text gives."""
    if is_json:
        text = json.dumps(text)[1:-1]
    joiner, left, pieces = SurrogateJoiner(is_json=is_json), text, []
    for size in [*sizes, len(text)]:
        pieces.append(joiner.feed(left[:size]))
        left = left[size:]
    together = "".join(pieces) + joiner.finish()
    assert together == join_surrogates(text, is_json=is_json)
    together.encode()


@settings(deadline=None)
@given(HALVES)
def test_json_with_escapes_can_be_written(text: str) -> None:
    """What JSON with any halves is read as can be written as UTF-8, and whole characters are kept."""
    value = json.loads(join_surrogates(json.dumps(text), is_json=True))
    assert value == join_surrogates(text)
    value.encode()
