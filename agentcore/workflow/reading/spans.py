"""Candidate answers: the spans of a sentence that could answer a question.

Rules instead of a parser: names (runs of capitalised words), dates, numbers with their unit, quoted strings,
titles, and the runs of content words between function words. On HotpotQA the best candidate of six retrieved
sentences reaches nearly the F1 that a dependency parser's noun chunks and entities allow, without a model
that would have to be shipped (``docs/decisions``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from agentcore.workflow.reading.lexicon import ORDINALS, TENS, UNITS
from agentcore.workflow.reading.names import LONGEST, names_of
from agentcore.workflow.reading.words import STOP_WORDS

__all__ = ["Kind", "Span", "spans_of"]

Kind = Literal["name", "date", "year", "number", "quote", "phrase", "title", "reason"]


@dataclass(frozen=True, slots=True)
class Span:
    """A candidate: offsets into the text it was found in, and what it looks like."""

    start: int
    end: int
    kind: Kind


_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan\.?|Feb\.?|Mar\.?|Apr\.?|Jun\.?|Jul\.?|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_YEAR = r"(?:1[0-9]{3}|20[0-9]{2})"
_DATES = re.compile(
    rf"\b(?:\d{{1,2}} {_MONTH} [1-9]\d{{2}}\b(?!,)|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? {_YEAR}|{_MONTH},? {_YEAR}|"
    rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\b|{_YEAR}-\d{{2}}-\d{{2}})"
)
_YEARS = re.compile(rf"\b{_YEAR}s?\b(?!,\d)")
_NUMBER_WORDS = [*UNITS[1:], *TENS, "hundred", "thousand", "million", "billion", "dozen"]
_NUMBERS = re.compile(
    rf"[$£€]?\b\d+(?:,\d{{3}})*(?:\.\d+)?(?:st|nd|rd|th|%)?(?: (?:hundred|thousand|million|billion|trillion|percent))?\b|"
    rf"\b(?:{'|'.join(_NUMBER_WORDS)})(?:[- ](?:{'|'.join(_NUMBER_WORDS)}))*\b|\b(?:{'|'.join(ORDINALS)})\b",
    re.IGNORECASE,
)
_QUOTES = re.compile(r"[\"“]([^\"“”]{2,80})[\"”]")
_TOKEN = re.compile(
    r"\d+(?:,\d{3})+(?:\.\d+)?|[^\W_](?:[\w'’\-&]|\.(?=\w)|(?<=\b[A-Z])\.|[/](?=\w))*[!?]?(?<![\-'’?])|&"
)
_REASONS = re.compile(
    r"\b(?:because(?: of)?|due to|owing to|thanks to|as a result of|in order to|so that) (?P<why>[^.;!?]+)",
    re.IGNORECASE,
)
_MEASURES = frozenset(
    (
        "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month", "months", "year",
        "years", "decades", "centuries", "metre", "metres", "meter", "meters", "kilometre", "kilometres", "kilometer",
        "kilometers", "centimetres", "centimeters", "millimetres", "millimeters", "nanometres", "nanometers", "feet", "foot",
        "inches", "yards", "mile", "miles", "hectares", "acres", "gram", "grams", "kilogram", "kilograms", "tonnes", "tons",
        "pounds", "ounces", "litres", "liters", "gallons", "euro", "euros", "dollar", "dollars", "francs", "cents", "percent",
        "degrees", "kelvin", "volts", "watts", "kilowatts", "megawatts", "hertz", "bytes", "km", "cm", "mm", "nm", "kg", "ft",
    )
)  # fmt: skip
# Words that end a run of content words although they carry meaning: verbs and adverbs of encyclopaedic prose.
_BREAKERS = frozenset(
    [
        "born",
        "died",
        "made",
        "used",
        "known",
        "called",
        "named",
        "based",
        "located",
        "found",
        "founded",
        "formed",
        "released",
        "written",
        "directed",
        "produced",
        "starring",
        "starred",
        "played",
        "plays",
        "became",
        "become",
        "becomes",
        "began",
        "begin",
        "won",
        "took",
        "taken",
        "given",
        "gave",
        "held",
        "hold",
        "said",
        "says",
        "including",
        "included",
        "includes",
        "include",
        "featured",
        "features",
        "featuring",
        "published",
        "established",
        "opened",
        "served",
        "serves",
        "consists",
        "consisting",
        "often",
        "usually",
        "currently",
        "originally",
        "formerly",
        "previously",
        "recently",
        "mainly",
        "primarily",
        "largely",
        "particularly",
        "especially",
        "approximately",
        "nearly",
        "almost",
        "around",
        "many",
        "several",
        "various",
        "another",
        "well",
        "later",
        "early",
        "earlier",
        "however",
        "although",
        "though",
        "since",
        "within",
        "without",
        "among",
        "along",
        "across",
        "via",
        "upon",
        "onto",
        "toward",
        "towards",
        "according",
        "due",
        "would",
        "may",
        "might",
        "must",
        "shall",
        "cannot",
        "ever",
        "never",
        "always",
        "sometimes",
        "still",
        "yet",
        "even",
        "much",
        "one's",
        "set",
        "won't",
        "does",
        "don't",
        "didn't",
        "isn't",
        "wasn't",
        "see",
    ]
)


def spans_of(text: str) -> list[Span]:
    """Return the candidate spans of a text, without duplicates, in reading order.

    Parameters
    ----------
    text : str
        One sentence.
    """
    found: dict[tuple[int, int], Span] = {}
    for raw in _all(text):
        end = (
            raw.end - 2
            if text[raw.start : raw.end].endswith(("'s", "’s")) and raw.kind != "quote"
            else raw.end
        )
        span = Span(raw.start, end, raw.kind)
        if span.end > span.start:
            found.setdefault((span.start, span.end), span)
    measures = {span.start: span.end for span in _measures(text)}
    kept = (span for span in found.values() if span.end >= measures.get(span.start, 0))
    return sorted(kept, key=lambda span: (span.start, span.end))


def _all(text: str) -> Iterator[Span]:
    """Yield spans, the most telling kinds first (a span keeps the kind it is found as first)."""
    yield from (Span(m.start(), m.end(), "date") for m in _DATES.finditer(text))
    yield from (Span(m.start(), m.end(), "year") for m in _YEARS.finditer(text))
    for match in _QUOTES.finditer(text):
        quoted = match.group(1).rstrip(" ,.")
        yield Span(match.start(1), match.start(1) + len(quoted), "quote")
    tokens = [(m.start(), m.end()) for m in _TOKEN.finditer(text)]
    yield from _numbers(text, tokens)
    yield from (Span(start, end, "name") for start, end in names_of(text, tokens))
    yield from _phrases(text, tokens)
    yield from (Span(m.start("why"), m.end("why"), "reason") for m in _REASONS.finditer(text))


def _measures(text: str) -> Iterator[Span]:
    """Yield numbers with the unit behind them: "one working day", not "one" and not "one working"."""
    tokens = [(m.start(), m.end()) for m in _TOKEN.finditer(text)]
    for match in _NUMBERS.finditer(text):
        unit = _unit_end(text, match.end(), [token for token in tokens if token[0] >= match.end()][:2])
        if unit is not None:
            yield Span(match.start(), unit, "number")


def _numbers(text: str, tokens: list[tuple[int, int]]) -> Iterator[Span]:
    """Yield numbers, and numbers with the one or two words they count."""
    yield from _measures(text)
    for match in _NUMBERS.finditer(text):
        yield Span(match.start(), match.end(), "number")
        end = match.end()
        for left, right in [token for token in tokens if token[0] >= match.end()][:2]:
            word = text[left:right]
            if text[end:left].strip(" -") or word.lower() in STOP_WORDS or word[0].isdigit():
                break
            end = right
            yield Span(match.start(), end, "number")


def _unit_end(text: str, start: int, after: list[tuple[int, int]]) -> int | None:
    """Return where the unit behind a number ends, None without one; one adjective may stand between."""
    for left, right in after:
        word = text[left:right].lower()
        if text[start:left].strip(" -") or word in STOP_WORDS:
            return None
        if word in _MEASURES:
            return right
        start = right
    return None


def _phrases(text: str, tokens: list[tuple[int, int]]) -> Iterator[Span]:
    """Yield runs of content words between function words: whole, and their last words."""
    run: list[tuple[int, int]] = []
    for token, following in _with_next(tokens):
        word = text[slice(*token)].lower()
        stops = word in STOP_WORDS or word in _BREAKERS or word.endswith(("ly", "ed"))
        if not stops:
            run.append(token)
        broken = following is None or text[token[1] : following[0]].strip(" ") != ""
        if run and (stops or broken):
            yield from _tails(text, run)
            run = []


def _tails(text: str, run: list[tuple[int, int]]) -> Iterator[Span]:
    """Yield a run of content words, its last three, two and one, and its lower-case words by themselves."""
    if len(run) <= LONGEST:
        yield Span(run[0][0], run[-1][1], "phrase")
    for size in (1, 2, 3):
        if len(run) > size:
            yield Span(run[-size][0], run[-1][1], "phrase")
    lower = [token for token in run if text[token[0]].islower()]
    if 0 < len(lower) < len(run) and lower[-1] == run[-1]:
        yield Span(lower[0][0], lower[-1][1], "phrase")
    if len(run) == 2 and text[run[0][0]].islower():
        yield Span(run[0][0], run[0][1], "phrase")


def _with_next(
    tokens: list[tuple[int, int]],
) -> Iterable[tuple[tuple[int, int], tuple[int, int] | None]]:
    """Pair each token with the one after it."""
    following: list[tuple[int, int] | None] = [*tokens[1:], None]
    return zip(tokens, following, strict=False)  # of no tokens there is no pair, and still a None
