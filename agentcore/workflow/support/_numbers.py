"""Numbers: each stands in a span, counts the same thing there, and goes with the same other number."""

from __future__ import annotations

from collections.abc import Iterator

from agentcore.workflow.reading.words import STOP_WORDS
from agentcore.workflow.support._text import Token, numbers_of

__all__ = ["number_problems"]

_WINDOW = 4  # tokens behind a number that say what it counts
_MEASURES = frozenset(
    (
        "feet", "foot", "metre", "metres", "meter", "meters", "kilometre", "kilometres", "kilometer", "kilometers", "mile",
        "miles", "inch", "inches", "yard", "yards", "kilogram", "kilograms", "pound", "pounds", "tonne", "tonnes", "ton",
        "tons", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month",
        "months", "year", "years", "decade", "decades", "century", "centuries", "euro", "euros", "dollar", "dollars",
        "percent", "degree", "degrees", "litre", "litres", "gallon", "gallons", "watt", "watts", "volt", "volts",
        "hundred", "thousand", "million", "billion",
    )
)  # fmt: skip


def number_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield what the spans do not say of the claim's numbers."""
    known = numbers_of(spans)
    for place, token in enumerate(claim):
        if token.number is None:
            continue
        if token.number not in known:
            yield f"the number {token.text} is in no cited span"
        elif problem := _bound_otherwise(place, claim, spans):
            yield problem


def _bound_otherwise(place: int, claim: list[Token], spans: list[Token]) -> str | None:
    """Tell whether the spans count something else with this number."""
    token = claim[place]
    places = [index for index, other in enumerate(spans) if other.number == token.number]
    measure = _measure(claim, place)
    found = [_measure(spans, index) for index in places]
    if measure and all(other and other != measure for other in found):
        return f"the cited spans say {token.text} {found[0]}, not {measure}"
    chunks = {spans[index].chunk for index in places}
    for other in claim[place + 1 : place + 1 + _WINDOW]:
        if other.chunk != token.chunk:
            break
        elsewhere = {span.chunk for span in spans if span.lemma == other.lemma}
        is_telling = other.number is not None or other.text.lower() not in STOP_WORDS
        if not is_telling or not elsewhere or elsewhere & chunks:
            continue
        rivals = {s.number for s in spans if s.chunk in elsewhere and s.number and s.number != other.number}
        if rivals and _same_sentence(spans, chunks, elsewhere):
            return f"the cited spans put {token.text} and {other.text} apart"
    return None


def _measure(tokens: list[Token], place: int) -> str | None:
    """Return the measure that follows a number directly, None without one."""
    if place + 1 >= len(tokens) or tokens[place + 1].chunk != tokens[place].chunk:
        return None
    word = tokens[place + 1].text.lower()
    return word if word in _MEASURES else None


def _same_sentence(tokens: list[Token], left: set[int], right: set[int]) -> bool:
    """Tell whether two sets of chunks share a sentence: only there are they read against each other."""
    sentence_of = {token.chunk: token.sentence for token in tokens}
    return bool({sentence_of[c] for c in left} & {sentence_of[c] for c in right})
