"""What a question asks for: expression, head noun, words, the kind of answer and the numbers given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from agentcore.decoding.trimming._numbers import NUMBER, last_match, number, plain
from agentcore.decoding.trimming._values import Answer

Kind = Literal["count", "number", "expression", "words", "choice"]
"""``count``: an integer >= 0; ``number``: any number; ``expression``: letters are allowed; ``words``: no single number
(a name, yes or no, a proof, code, several values); ``choice``: the letter of an option."""

_ASKS = re.compile(
    r"\b(?:what|how|find|compute|determine|evaluate|calculate|which|who|whom|when|where|simplify|express|solve|"
    r"give|enter|write|add|show|name|state)\b|\?|多少|几|求|哪",
    re.I,
)
_STRONG_ASKS = re.compile(
    r"\b(?:what|how|find|compute|determine|evaluate|calculate|which|who|simplify|solve)\b|多少|几|求|哪", re.I
)
_SENTENCE = re.compile(r"(?<=[.?!。？！])\s+(?=[A-Z0-9\\$\"(])|(?<=[。？！])|\n+|(?<=[.?])(?=[A-Z])")
_EXPRESSION = re.compile(
    r"\b(?:what(?:'s| is| are| does| must)|find|compute|evaluate|calculate|determine|value of|solve for|express)\s+"
    r"(?:the\s+)?(?:(?:value|sum|product)s?\s+of\s+)?(?:\$|\\\(|\\\[)?\s*(?P<expression>[^?.,;$]{1,60}?)\s*(?:\$|\\\)|\\\]|[?.,;]|$)",
    re.I,
)
_SYMBOL = re.compile(
    r"\b(?:what(?:'s| is| are| does)|find|compute|evaluate|calculate|determine|solve)\s+"
    r"(?:(?:for|the|all|values?|of|positive|negative|real|integer|number|smallest|largest|least|greatest|minimum|maximum|"
    r"possible|exact|solutions?|lengths?|measure|degree|side|segment|median|angle|area|units|in|degrees)\s+){0,7}"
    r"(?<!number of )(?:\$|\\\()(?P<symbol>(?!\d+(?:\$|\\\)))[^$]{1,40}?)(?:\$|\\\))",
    re.I,
)
_HOW_MANY = re.compile(
    r"\bhow\s+(?:many|much)\s+((?:[A-Za-z-]+\s+){0,3}?[A-Za-z-]+?)s?\b\s*(?=\b(?:are|is|did|does|do|will|would|can|could|have|has|of|in|were|was|he|she|they|it|must|should|which|for|total|there|more|less|between|that|to|per|from|on|at|$)|[?,.])",
    re.I,
)
_THE_NOUN = re.compile(
    r"\b(sum|area|probability|number|perimeter|volume|length|distance|product|difference|average|mean|median|ratio|"
    r"value|remainder|cost|price|total|percentage|percent|profit|age|height|width|radius|speed|time|angle|measure|"
    r"degree|coefficient|slope|digit|weight|amount|salary|maximum|minimum|least|greatest|smallest|largest|root|"
    r"solution|answer|diameter|circumference|side|score|rate|money|share|range|mode|determinant|magnitude|norm|"
    r"dollars|discount|earnings|income|expense|cents)\b",
    re.I,
)
_NUMBER_OF = re.compile(
    r"\bnumber of (?:(?:positive|whole|different|total|distinct|ordered|such|all)\s+)*([A-Za-z]+)", re.I
)
_SYMBOLS = re.compile(r"[a-zA-Z][a-zA-Z+*^2-]{0,8}")
_RESULT = frozenset({"resul", "expre", "value", "total"})
"""What stands for the asked quantity when the question only shows an expression."""

_TOTAL = re.compile(r"\bin total\b|\bin all\b|\baltogether\b|\btotal\b|\bcombined\b", re.I)
_MEASURES = frozenset(
    {
        "pound", "mile", "hour", "liter", "litre", "gallon", "dollar", "cent", "percent", "meter", "metre",
        "kilometer", "foot", "feet", "inch", "inches", "yard", "ounce", "gram", "kilogram", "kg", "minute",
        "second", "degree", "acre", "mph", "calorie", "kilowatt", "watt", "money", "cup", "time", "day",
        "week", "month", "year", "unit", "square", "cubic", "centimeter", "euro", "km",
    }
)  # fmt: skip
_WHOLE = re.compile(
    r"\bremainder\b|\bm\s*\+\s*n\b|\bp\s*\+\s*q\b|\bhow many digits\b|number of",
    re.I,
)
_LETTERS = re.compile(
    r"\b(?:simplify|express|factor|interval|equation|point|coordinates?|who|whom|which|solve|domain|ordered|in terms of|"
    r"polynomial|expand|form|function|matrix|vector|name|base|set|list|convert|day|option|choose|choice)\b",
    re.I,
)
_CODE = re.compile(
    r"\b(?:write|implement|create|complete|define|fix|debug|refactor)\b[^.?!]{0,60}\b(?:function|program|code|class|method|script|query|"
    r"algorithm|essay|story|poem|email|letter|paragraph|summary|article)\b|^\s*(?:def|class|import|#include)\b|```",
    re.I | re.M,
)
_PROOF = re.compile(
    r"\b(?:prove|disprove|show) (?:that|or)\b|\bproof\b|\b(?:why|explain|describe|discuss|justify)\b|证明|为什么|解释",
    re.I,
)
_NAMED = re.compile(
    r"(?:^|[,;:]|\b(?:and|then|find|determine|tell|name|of))\W*(?:who|whom|whose)\b|\b(?:which|what)(?:'s| is)?(?: the)? (?:name|person|student|day|month|weekday|city|country|colou?r|team|letter|type|kind|"
    r"statement|word|shape|species|element|compound|of these|of the following)\b|"
    r"^\W*(?:is|are|was|were|does|do|did|can|could|will|would|has|have)\b|\bdetermine (?:whether|if)\b|\btrue or false\b|\byes or no\b|谁|是否|吗",
    re.I,
)
_VALUE = re.compile(
    r"\b(?:what|how many|how much|find|compute|determine|evaluate|calculate)\b|多少|几|求", re.I
)
_ALL = re.compile(r"\b(?:find|list|determine|give|what are)\s+(?:all|both|every|each)\b", re.I)
_SEVERAL = re.compile(
    r"\brespectively\b|\bhow (?:many|much)\b[^?.]*\sand (?:how|what)\b|\bfind\s+[a-z]\s*(?:,\s*[a-z]\s*,?\s*)*and\s+[a-z]\b|分别",
    re.I,
)
_ONE_OF_ALL = re.compile(
    r"\b(?:sum|product|number|how many|average|mean|smallest|largest|least|greatest|minimum|maximum|total|count|difference)\b",
    re.I,
)
_OPTIONS = re.compile(
    r"(?:^|\s)[(（]?A[).:：）、]\s*\S.{0,300}?\s[(（]?B[).:：）、]\s*\S.{0,300}?\s[(（]?C[).:：）、]\s*\S",
    re.S,
)
_ASKED_ZH = re.compile(r"([\u4e00-\u9fff]{2})(?:是|为|等于)?(?:多少|几|什么)")
_COUNTED_ZH = re.compile(r"(?:多少|几)[个只条张本块元名件支枝头棵辆米人次]?的?([\u4e00-\u9fff]{2})")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_STOP_ZH = re.compile(r"[多少几求问有是的了在个只]")
_STOP = frozenset(
    {
        "the", "a", "an", "of", "is", "are", "was", "were", "be", "been", "to", "in", "on", "at", "by",
        "for", "from", "with", "and", "or", "that", "this", "these", "those", "it", "its", "his", "her",
        "their", "he", "she", "they", "we", "you", "i", "as", "if", "what", "how", "many", "much", "find",
        "compute", "determine", "evaluate", "calculate", "which", "who", "does", "do", "did", "will",
        "would", "can", "could", "have", "has", "had", "there", "then", "than", "so", "all", "some", "any",
        "each", "every", "not", "no", "one", "two", "let", "given", "suppose", "answer", "value", "express", "your", "enter", "write", "form", "using", "when", "where", "must", "should", "number",
    }
)  # fmt: skip
_WORD = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Question:
    """What a problem asks for.

    Attributes
    ----------
    expression : str
        The asked expression without spaces and dressing (``m+n``), or empty.
    nouns : frozenset of str
        The head noun: what is counted or measured.
    words : frozenset of str
        All content words of the asking sentence, cut to five letters so that inflections meet.
    kind : Kind
        What an answer may look like.
    givens : frozenset of Fraction
        The numbers that stand in the problem.
    """

    expression: str
    nouns: frozenset[str]
    words: frozenset[str]
    kind: Kind
    givens: frozenset[Fraction]

    @classmethod
    def parse(cls, problem: str) -> Question:
        """Read a problem text; an empty one gives a question that any number answers."""
        asking = _asking(problem)
        bare = plain(asking)
        expression = _expression(asking)
        return cls(
            expression=expression,
            nouns=_nouns(bare) or (frozenset() if _SYMBOLS.fullmatch(expression) else _RESULT),
            words=stems(bare),
            kind=_kind(bare, problem),
            givens=_givens(problem),
        )

    def fits(self, value: Answer) -> bool:
        """Whether a value can be an answer by its type alone."""
        if self.kind == "expression":
            return True
        if self.kind == "choice":
            return bool(re.fullmatch(r"[A-J]", value.key))
        if self.kind == "words":
            return value.number is None
        if value.number is None:
            return False
        return self.kind == "number" or (value.number.denominator == 1 and value.number >= 0)


def stems(text: str) -> frozenset[str]:
    """Return the content words of a text, lower-case, cut to five letters; of Chinese all pairs of characters."""
    words = {_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP}
    for run in _CHINESE.findall(text):
        words |= {run[i : i + 2] for i in range(len(run) - 1) if not _STOP_ZH.search(run[i : i + 2])}
    return frozenset(words)


def _stem(word: str) -> str:
    """Cut a word so that its inflections meet."""
    return (word.rstrip("s") or word)[:5]


def _asking(problem: str) -> str:
    """Return the last sentence that asks."""
    sentences = [
        part
        for part in _SENTENCE.split(re.sub(r"\[asy\].*?\[/asy\]", " ", problem, flags=re.S))
        if part and part.strip()
    ]
    for pattern in (_STRONG_ASKS, _ASKS):
        for sentence in reversed(sentences):
            if pattern.search(sentence):
                return sentence
    return sentences[-1] if sentences else ""


def _expression(asking: str) -> str:
    """Return the asked expression when it looks like one, without spaces."""
    last, symbol = last_match(_EXPRESSION, asking), last_match(_SYMBOL, asking)
    if symbol is not None:
        return re.sub(r"\s+", "", plain(symbol.group("symbol")))
    if last is None:
        return ""
    inner = re.sub(r"\s+", "", plain(last.group("expression")))
    if re.search(r"[a-zA-Z]{4,}", re.sub(r"\\[a-zA-Z]+", "", inner)):
        return ""
    return re.sub(r"(?:is|are|equalto)$", "", inner)


def _nouns(asking: str) -> frozenset[str]:
    """Return the stems of what is asked: the counted noun, or the measured quantity."""
    total = {"total"} if _TOTAL.search(asking) else set()
    found = last_match(_HOW_MANY, asking)
    if found is not None:
        words = [word for word in re.findall(r"[a-z]+", found.group(1).lower()) if word not in _STOP]
        if words:
            return frozenset({_stem(words[-1]), *total})
    nouns = [match.group(1).lower() for match in _THE_NOUN.finditer(asking)]
    nouns += [match.group(1).lower() for match in _NUMBER_OF.finditer(asking)]
    total |= {match.group(1) for pattern in (_ASKED_ZH, _COUNTED_ZH) for match in pattern.finditer(asking)}
    return frozenset(_stem(noun) for noun in nouns if noun not in _STOP) | total


def _kind(asking: str, problem: str) -> Kind:
    """Return which values can be answers."""
    if _OPTIONS.search(plain(problem)):
        return "choice"
    if _is_in_words(asking, problem):
        return "words"
    counted = re.search(
        r"\bhow many\s+(?:more |fewer |less |total |whole |different )?([a-z]+)", asking, re.I
    )
    if counted:
        noun = counted.group(1).lower()
        return "number" if noun in _MEASURES or noun.rstrip("s") in _MEASURES else "count"
    if _WHOLE.search(asking):
        return "count"
    return "expression" if _LETTERS.search(asking) else "number"


def _is_in_words(asking: str, problem: str) -> bool:
    """Whether no single number can answer: a name, yes or no, a proof, code, several values."""
    if _CODE.search(problem) or (_PROOF.search(asking) and not _VALUE.search(asking)):
        return True
    if _NAMED.search(asking) and not re.search(r"\bhow (?:many|much)\b", asking, re.I):
        return True
    return bool(_SEVERAL.search(asking)) or bool(_ALL.search(asking) and not _ONE_OF_ALL.search(asking))


def _givens(problem: str) -> frozenset[Fraction]:
    """Return the numbers of the problem text."""
    text = plain(problem)
    found = (number(match.group()) for match in NUMBER.finditer(text))
    slashes = (number(match.group()) for match in re.finditer(r"\d+\s*/\s*\d+", text))
    return frozenset(value for value in (*found, *slashes) if value is not None)
