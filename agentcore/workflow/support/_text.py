"""Tokens of a claim or a span as the checks see them: base form, value of a number, sentence, punctuation before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import (
    AUXILIARIES,
    FUNCTION_WORDS,
    MEASURES,
    MONTHS,
    ORDINALS,
    TENS,
    UNITS,
    VERBS,
    lemma,
)
from agentcore.workflow.reading.words import sentence_spans

__all__ = ["Token", "content", "lemmas", "read"]

_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?|[^\W\d_]+(?:[-'’][^\W_]+)*|[^\W_]+|[,;:()]")
_BREAKS = frozenset(",;:()")
_TENS = dict(zip(TENS, range(20, 100, 10), strict=True))
_ORDINALS = dict(zip(ORDINALS, range(1, 13), strict=True))
_FRACTIONS = {
    "half": "0.5",
    "halve": "0.5",
    "halved": "0.5",
    "halves": "0.5",
    "doubled": "2",
    "doubles": "2",
    "third": "3rd",
    "thirds": "2/3",
    "quarter": "0.25",
    "twice": "2",
    "double": "2",
}
_UNIT_NAMES = {
    "kg": "kilogram", "g": "gram", "mg": "milligram", "km": "kilometre", "m": "metre", "cm": "centimetre", "mm": "millimetre",
    "l": "litre", "h": "hour", "min": "minute", "s": "second", "ha": "hectare", "lb": "pound", "ft": "foot", "V": "volt", "W": "watt",
}  # fmt: skip
_YEAR = re.compile(r"1[0-9]{3}|20[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Token:
    """One word or number.

    Attributes
    ----------
    text : str
        As written.
    lemma : str
        Its base form, for comparison.
    number : str or None
        Its value as digits, when it is a number or a number word; ordinals end in "th" ("3th").
    measure : str
        What a number counts: "calendar" (a year), "date", "ordinal", a measure word, "" when nothing is said.
    sentence : int
        Which sentence it stands in.
    gap : str
        The punctuation before it, "" without any.
    opens : bool
        It is the first of its sentence.
    owns : bool
        It is a possessive ("Pasteur's").
    """

    text: str
    lemma: str
    number: str | None
    measure: str
    sentence: int
    gap: str
    opens: bool
    owns: bool = False

    @property
    def low(self) -> str:
        """The word in lower case."""
        return self.text.lower()

    @property
    def is_name(self) -> bool:
        """Whether it is written like a name (not by opening a sentence alone)."""
        return self.number is None and self.text[0].isupper() and not self.opens and self.low not in MONTHS

    @property
    def is_content(self) -> bool:
        """Whether it is no function word."""
        return self.low not in FUNCTION_WORDS


def read(text: str) -> list[Token]:
    """Split a text into tokens."""
    tokens: list[Token] = []
    for sentence, (start, end) in enumerate(sentence_spans(text)):
        words: list[tuple[str, str, bool]] = []
        gap = ""
        for match in _WORD.finditer(text, start, end):
            word = match.group()
            if word in _BREAKS:
                gap = word
                continue
            bare = re.sub(r"['’]s?$", "", word)
            words.append((bare, gap, bare != word))
            gap = ""
        low = [word.lower() for word, _, _ in words]
        for place, (word, before, owns) in enumerate(words):
            value = _number(
                word, low[place - 1] if place else "", low[place + 1] if place + 1 < len(low) else ""
            )
            measure = _measure(value, low, place) if value else ""
            full = _UNIT_NAMES.get(word, word) if place and low[place - 1][-1:].isdigit() else word
            tokens.append(Token(word, lemma(full), value, measure, sentence, before, place == 0, owns))
    return tokens


def content(tokens: Iterable[Token]) -> list[Token]:
    """Return the tokens that are no function words."""
    return [token for token in tokens if token.is_content]


def lemmas(tokens: Iterable[Token]) -> set[str]:
    """Return the base forms of the tokens that are no function words."""
    return {token.lemma for token in tokens if token.is_content}


def _number(word: str, before: str, after: str) -> str | None:
    """Return the value of a number or number word; "one" is more often a pronoun and counts as none."""
    low = word.lower()
    if word[0].isdigit():
        digits = re.match(r"\d+(?:,\d{3})*(?:\.\d+)?", word)
        assert digits is not None
        tail = word[digits.end() :]
        value = digits.group().replace(",", "")
        value = value.rstrip("0").rstrip(".") if "." in value else value
        return value + ("th" if tail in ("st", "nd", "rd", "th") else tail.strip(".,"))
    if low in _FRACTIONS and (low != "third" or before == "a"):
        return _FRACTIONS[low] if low != "third" else "1/3"
    is_adverb = (
        before in AUXILIARIES
        or (before != "the" and after in VERBS)
        or (before != "the" and (after.endswith("ed") or not after))
    )  # "was first performed"
    if low in _ORDINALS and not is_adverb and not (low == "second" and before in ("a", "per")):
        return f"{_ORDINALS[low]}th"
    if low in UNITS[2:]:
        return str(UNITS.index(low))
    if low in _TENS:
        return str(_TENS[low])
    if low in ("hundred", "thousand", "million", "billion", "dozen") and not before[:1].isdigit():
        return low
    if "-" in low:
        tens, _, units = low.partition("-")
        if tens in _TENS and units in UNITS:
            return str(_TENS[tens] + UNITS.index(units))
    return None


def _measure(value: str, low: list[str], place: int) -> str:
    """Return what a number counts."""
    if value.endswith("th"):
        return "ordinal"
    after = low[place + 1] if place + 1 < len(low) else ""
    after = _UNIT_NAMES.get(after, after)
    before = low[place - 1] if place else ""
    if after in MONTHS or (before in MONTHS and not _YEAR.fullmatch(value)):
        return "date"
    if after in MEASURES:
        return lemma(after)
    if before in ("version", "no", "number", "chapter", "page", "platform"):
        return before
    return "calendar" if _YEAR.fullmatch(value) and after not in MEASURES else ""
