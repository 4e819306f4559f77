"""Tokens of a claim or a span as the checks see them: lemma, position, sentence, chunk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentcore.workflow.reading.words import STOP_WORDS, sentence_spans, stem

__all__ = ["Token", "content", "lemma", "numbers_of", "read"]

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:[-'’][^\W_]+)*|[^\W_]+|[,;:()]")
_BREAKS = frozenset(",;:()")
_CHUNK_WORDS = frozenset(("and", "but", "while", "whereas", "to"))
_IRREGULAR = {
    form: base
    for base, forms in {
        "become": "became", "begin": "began begun", "break": "broke broken", "bring": "brought", "build": "built",
        "buy": "bought", "choose": "chose chosen", "come": "came", "draw": "drew drawn", "fall": "fell fallen",
        "fight": "fought", "fly": "flew flown", "freeze": "froze frozen", "give": "gave given", "go": "went gone",
        "grow": "grew grown", "hold": "held", "keep": "kept", "know": "knew known", "lead": "led", "leave": "left",
        "lose": "lost", "make": "made", "meet": "met", "pay": "paid", "rise": "rose risen", "run": "ran", "say": "said",
        "see": "saw seen", "sell": "sold", "send": "sent", "sing": "sang sung", "sink": "sank sunk", "speak": "spoke spoken",
        "stand": "stood", "take": "took taken", "teach": "taught", "tell": "told", "think": "thought", "win": "won",
        "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip
_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = {
    w: 10 * n
    for n, w in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_ORDINALS = {
    w: n
    for n, w in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        start=1,
    )
}


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
        Its value as digits, when it is a number or a number word.
    sentence, chunk : int
        Which sentence and which stretch between commas and joining words it stands in.
    opens : bool
        It is the first of its sentence.
    """

    text: str
    lemma: str
    number: str | None
    sentence: int
    chunk: int
    opens: bool

    @property
    def is_name(self) -> bool:
        """Whether it is written like a name (not by opening a sentence alone)."""
        return self.number is None and self.text[0].isupper() and not self.opens


def read(text: str) -> list[Token]:
    """Split a text into tokens."""
    tokens: list[Token] = []
    chunk = 0
    for sentence, (start, end) in enumerate(sentence_spans(text)):
        chunk += 1
        opens = True
        for match in _WORD.finditer(text, start, end):
            word = match.group()
            if word in _BREAKS:
                chunk += 1
                continue
            bare = re.sub(r"['’]s?$", "", word)
            if bare.lower() in _CHUNK_WORDS:
                chunk += 1
            tokens.append(Token(bare, lemma(bare), _number(bare), sentence, chunk, opens))
            opens = False
    return tokens


def lemma(word: str) -> str:
    """Return the base form: irregular verbs by list, everything else by stem."""
    low = word.lower()
    return stem(_IRREGULAR.get(low, low))


def content(tokens: list[Token]) -> list[Token]:
    """Return the tokens that are no function words."""
    return [token for token in tokens if token.text.lower() not in STOP_WORDS]


def numbers_of(tokens: list[Token]) -> set[str]:
    """Return the values of all numbers."""
    return {token.number for token in tokens if token.number is not None}


def _number(word: str) -> str | None:
    """Return the value of a number or number word; "one" is more often a pronoun and counts as none."""
    low = word.lower()
    if word[0].isdigit():
        digits = re.match(r"\d+(?:,\d{3})*(?:\.\d+)?", word)
        assert digits is not None
        return (
            digits.group().replace(",", "").removesuffix(".0")
            if word[digits.end() :] in ("", "st", "nd", "rd", "th", ",", ".")
            else word
        )
    if low in _UNITS[2:]:
        return str(_UNITS.index(low))
    if low in _TENS:
        return str(_TENS[low])
    if low in ("twice", "double"):
        return "2"
    if low in ("hundred", "thousand", "million", "billion", "dozen"):
        return low
    if low in _ORDINALS and low not in ("first", "second"):
        return str(_ORDINALS[low])
    if "-" in low:
        tens, _, units = low.partition("-")
        if tens in _TENS and units in _UNITS:
            return str(_TENS[tens] + _UNITS.index(units))
    return None
