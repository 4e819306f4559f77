"""Where noun phrases begin and end around a word."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.workflow.reading.lexicon import MONTHS
from agentcore.workflow.reading.roles.tokens import ARTICLES, RELATIVES, Token

__all__ = ["pieces", "reach_back", "reach_forward"]

_CLAUSE_MARKS = frozenset(";:()–—")
_JOINING = frozenset(("and", "or"))
_OPENERS = RELATIVES | {"as", "while", "because", "although", "but"}


def reach_forward(tokens: Sequence[Token], start: int, *, is_list: bool = True) -> int:
    """Return the end of the noun phrase (or of the list of them) that begins at a place.

    Parameters
    ----------
    is_list : bool
        Whether a comma before another name continues it ("starring A, B and C").
    """
    place = start
    while place < len(tokens):
        token = tokens[place]
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.text in _CLAUSE_MARKS or token.low in _OPENERS:
            break
        if token.text == ",":
            if not is_list or following is None or not _continues(tokens, place + 1):
                break
        elif token.low in _JOINING:
            if following is not None and following.is_verb:
                break
        elif place > start and (token.is_verb or (token.is_preposition and token.low != "of")):
            break
        place += 1
    return place


def reach_back(tokens: Sequence[Token], end: int) -> int:
    """Return the start of the noun phrase that ends before a place."""
    place = end - 1
    if place >= 0 and tokens[place].text == ",":
        place -= 1
    last = place
    while place >= 0:
        token = tokens[place]
        if token.text in _CLAUSE_MARKS or token.low in RELATIVES or token.is_verb:
            break
        if token.text == "," and place < last and not tokens[place + 1].is_capital:
            break
        if token.is_preposition and token.low != "of":
            break
        place -= 1
    return place + 1


def pieces(tokens: Sequence[Token], start: int, end: int) -> list[tuple[int, int]]:
    """Return the noun phrases between two places: cut at marks and joining words, without their articles."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for place in range(start, end + 1):
        is_cut = place == end or tokens[place].is_mark or tokens[place].low in _JOINING
        is_cut = is_cut and not (place < end and _is_in_date(tokens, place))
        if not is_cut:
            begin = place if begin is None else begin
        elif begin is not None:
            while begin < place and tokens[begin].low in ARTICLES:
                begin += 1
            if begin < place:
                found.append((begin, place))
            begin = None
    return found


def _is_in_date(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a comma stands between a day and its year: "May 17, 1965"."""
    if tokens[place].text != "," or place < 2 or place + 1 >= len(tokens):
        return False
    return (
        tokens[place - 2].low in MONTHS
        and tokens[place - 1].text.isdigit()
        and tokens[place + 1].text.isdigit()
    )


def _continues(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a list goes on behind a comma."""
    token = tokens[place]
    if token.low in _JOINING and place + 1 < len(tokens):
        token = tokens[place + 1]
    return token.is_capital or (token.low in ARTICLES and place + 1 < len(tokens))
