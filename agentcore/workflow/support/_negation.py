"""Negation and opposites: what one side denies the other must not assert."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentcore.workflow.reading.words import STOP_WORDS
from agentcore.workflow.support._text import Token, lemma

__all__ = ["negation_problems", "opposite_problems", "without_quantities"]

_NEGATORS = frozenset(
    (
        "no",
        "not",
        "never",
        "neither",
        "nor",
        "without",
        "none",
        "nobody",
        "nothing",
        "cannot",
        "hardly",
        "nowhere",
    )
)
_CONTRACTED = re.compile(r"n['’]t$")
# "No more than six" asserts something: it denies nothing that is named.
_QUANTITIES = re.compile(
    r"\b(?:no|not)\s+(?:more|less|fewer|later|earlier|longer|only|just|merely|least)\b(?:\s+than)?",
    re.IGNORECASE,
)
_LISTED = frozenset(("or", "nor", "and"))
_SCOPE = 2  # content words that a negation certainly reaches
# Before/after and more/fewer may say the same from the other side: the comparisons look at them.
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in [
        "open/closed",
        "open/shut",
        "taller/shorter",
        "heavier/lighter",
        "larger/smaller",
        "bigger/smaller",
        "higher/lower",
        "older/younger",
        "longer/shorter",
        "earlier/later",
        "faster/slower",
        "increase/decrease",
        "rise/fall",
        "grow/shrink",
        "grow/fall",
        "win/lose",
        "northern/southern",
        "north/south",
        "eastern/western",
        "east/west",
        "inside/outside",
        "begin/end",
        "start/end",
        "above/below",
        "accept/reject",
        "accept/decline",
        "allow/forbid",
        "buy/sell",
        "import/export",
        "alive/dead",
        "male/female",
        "hot/cold",
        "warm/cold",
        "public/private",
        "success/failure",
        "best/worst",
        "maximum/minimum",
        "most/least",
        "always/never",
        "present/absent",
        "include/exclude",
        "accept/refuse",
        "wet/dry",
        "deep/shallow",
        "wide/narrow",
        "strong/weak",
        "rich/poor",
        "upper/lower",
        "enter/leave",
        "arrive/depart",
        "add/remove",
        "agree/disagree",
        "legal/illegal",
        "possible/impossible",
        "married/unmarried",
        "supported/opposed",
        "majority/minority",
        "first/last",
    ]
)


def negation_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield words that one side denies and the other asserts."""
    denied, denied_there = _denied(claim), _denied(spans)
    said = {token.lemma for place, token in enumerate(claim) if place not in denied}
    said_there = {token.lemma for place, token in enumerate(spans) if place not in denied_there}
    words_denied = {claim[place].lemma: claim[place].text for place in denied}
    words_denied_there = {spans[place].lemma: spans[place].text for place in denied_there}
    for base, word in words_denied_there.items():
        if not denied and base in said and base not in said_there:
            yield f"the cited spans deny {word!r}"
    for base, word in words_denied.items():
        if base in said_there and base not in words_denied_there:
            yield f"the cited spans do not deny {word!r}"


def opposite_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield words of the claim in whose place the spans have the opposite."""
    if _denied(claim) or _denied(spans):
        return
    others = {token.lemma for token in claim if token.text.lower() not in STOP_WORDS}
    for left, right in _OPPOSITES:
        for word, opposite in ((left, right), (right, left)):
            if not any(_is_form(token, word) for token in claim) or any(
                _is_form(token, opposite) for token in claim
            ):
                continue
            for sentence in sorted({token.sentence for token in spans if _is_form(token, opposite)}):
                there = [token for token in spans if token.sentence == sentence]
                shared = others & {token.lemma for token in there} - {lemma(word), lemma(opposite)}
                if shared and not any(_is_form(token, word) for token in there):
                    yield f"the cited spans say {opposite!r}, not {word!r}"
                    return


def _is_form(token: Token, word: str) -> bool:
    """Tell whether a token is a word or an inflection of it that keeps its sense ("opens", not "opening")."""
    low = token.text.lower()
    return low == word or (token.lemma == lemma(word) and not low.endswith("ing"))


def without_quantities(text: str) -> str:
    """Return the text without phrases that look like a negation and are none."""
    return _QUANTITIES.sub("up to", text)


def _denied(tokens: list[Token]) -> set[int]:
    """Return the places of the words that negations reach: the next two, and what is listed behind them."""
    reached: set[int] = set()
    for place, token in enumerate(tokens):
        if token.text.lower() not in _NEGATORS and not _CONTRACTED.search(token.text):
            continue
        count, at = 0, place + 1
        while at < len(tokens) and tokens[at].sentence == token.sentence:
            word = tokens[at].text.lower()
            is_function = word in STOP_WORDS or word in _NEGATORS
            # Behind the certain words only a list goes on: a comma (another chunk) or "or" joins one more.
            listed = tokens[at].chunk != tokens[at - 1].chunk or tokens[at - 1].text.lower() in _LISTED
            if not is_function:
                if count >= _SCOPE and not listed:
                    break
                reached.add(at)
                count += 1
            at += 1
    return reached
