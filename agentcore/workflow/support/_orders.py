"""Two sides of a joining word: what is compared, what came first, what caused what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.support._matching import opposite_words
from agentcore.workflow.support._slots import is_bearing
from agentcore.workflow.support._text import Token, lemmas

__all__ = ["order_problems"]

# Family and direction: with -1 the side behind the word is the earlier one.
_JOINING = {
    "before": ("time", 1), "until": ("time", 1), "ahead": ("time", 1), "after": ("time", -1),
    "because": ("cause", 1), "since": ("cause", 1), "owing": ("cause", 1), "due": ("cause", 1), "as": ("cause", 1),
    "so": ("cause", -1), "therefore": ("cause", -1), "than": ("comparison", 1),
    "above": ("height", 1), "over": ("height", 1), "below": ("height", -1), "under": ("height", -1),
    "north": ("latitude", 1), "south": ("latitude", -1), "east": ("longitude", 1), "west": ("longitude", -1),
}  # fmt: skip


_BEARINGS = ("height", "latitude", "longitude")


@dataclass(frozen=True, slots=True)
class _Order:
    family: str
    direction: int
    left: frozenset[str]
    right: frozenset[str]
    tokens: tuple[Token, ...]
    word: str


def order_problems(claim: Sequence[Token], spans: Sequence[Token]) -> Iterator[str]:
    """Yield the first joining word whose sides stand the other way round in the spans."""
    theirs = _orders(spans)
    for ours in _orders(claim):
        same = [other for other in theirs if other.family == ours.family]
        senses = [_sense(ours, other) for other in same]
        if -1 in senses and 1 not in senses:
            yield f"the cited spans have it the other way round ({ours.word!r})"
            return


def _orders(tokens: Sequence[Token]) -> list[_Order]:
    """Return the joining words of a text with the words on both sides."""
    found = []
    for place, token in enumerate(tokens):
        if token.low not in _JOINING:
            continue
        family, direction = _JOINING[token.low]
        is_bound = place + 1 < len(tokens) and tokens[place + 1].number is not None
        if (family == "comparison" and is_bound) or (family in _BEARINGS and not is_bearing(tokens, place)):
            continue
        sentence = [t for t in tokens if t.sentence == token.sentence]
        at = sentence.index(token)
        if at == 0:
            comma = next((i for i, t in enumerate(sentence) if i and t.gap == ","), None)
            right, left = (sentence[1:comma], sentence[comma:]) if comma else (sentence[1:], [])
        else:
            left, right = _back(sentence[:at]), _on(sentence[at + 1 :])
        found.append(
            _Order(
                family,
                direction,
                frozenset(lemmas(left)),
                frozenset(lemmas(right)),
                tuple(sentence),
                tokens[place].low,
            )
        )
    return found


def _back(tokens: list[Token]) -> list[Token]:
    """Return the words before a joining word, back to the clause's beginning."""
    for place in range(len(tokens) - 1, 0, -1):
        if tokens[place].low in ("and", "but") and tokens[place].gap:
            return tokens[place:]
    return tokens


def _on(tokens: list[Token]) -> list[Token]:
    """Return the words behind a joining word, up to the next comma."""
    for place, token in enumerate(tokens):
        if place and token.gap:
            return tokens[:place]
    return tokens


def _sense(ours: _Order, theirs: _Order) -> int:
    """Return 1 for the same order, -1 for the other one, 0 where the words do not tell."""
    flipped = ours.direction != theirs.direction
    if ours.family == "comparison":
        flipped = opposite_words(ours.tokens, theirs.tokens) is not None
    first, second = (theirs.right, theirs.left) if flipped else (theirs.left, theirs.right)
    straight = (len(ours.left & (first - second)), len(ours.right & (second - first)))
    crossed = (len(ours.left & (second - first)), len(ours.right & (first - second)))
    # The frame ("reached the pole") is on one side of both: only what stands on either side tells.
    here, there = (min(straight), sum(straight)), (min(crossed), sum(crossed))
    if there > here and min(crossed):
        return -1
    return 1 if here > there and min(straight) else 0
