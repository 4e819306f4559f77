r"""The value that one sentence states: boxed, after the last ``=``, after a verb, or its last number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from agentcore.decoding.trimming._numbers import NUMBER, last_match, number, plain

_EQUALS = re.compile(r"(?<![<>!:=\\])=(?!=)")
_VERB = re.compile(
    r"\b(?:is|are|equals?|has|have|get|gets|gives|got|of|to|be|was|were|leaves|remain|remains|so)\b:?\s*"
    r"(?:(?:just|simply|indeed|still|actually|equal to|exactly|only|also|a total of|the number|then)\s+)?|:\s+"
)
_RIGHT_END = re.compile(
    r"[,;]\s|[.?!](?=\s|$)|\s(?:so|which|and|because|since|for|when|if|where|but|or|as)\b|≈|\\approx|\\implies|⇒|=>|\)\s*$"
)
_TOUCHES_AFTER = re.compile(r"\s*(?:[-+*/^<>=(\[_{]|\\[a-zA-Z]|√|[a-zA-Z](?![a-zA-Z'])|:\d|²|³|½|¼)")
_TOUCHES_BEFORE = re.compile(
    r"(?:[-+*/^<>(\[_{|√]\s*|\b(?:steps?|cases?|rows?|mod|part|parts|example|method|option|point|number|equation|problem|approach|way|first|line|day|columns?|minus|plus|times|by|than|#)\s*)\Z",
    re.I,
)
_OPERATOR_LATER = re.compile(
    r"(?:\s+[a-zA-Z]+){0,2}\s*(?:[-+*/^<>=]\s*\d|(?:times|plus|minus|divided|multiplied)\b)"
)
_SLASH = re.compile(r"[-+]?\d+\s*/\s*\d+")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")


@dataclass(frozen=True, slots=True)
class Answer:
    """A value in canonical form; two answers are the same when they compare equal.

    Attributes
    ----------
    key : str
        The canonical text: an exact fraction such as ``27/4``, or the expression without spaces and dressing.
    number : Fraction | None
        The value when it is a number.
    """

    key: str
    number: Fraction | None = None


def answer(text: str) -> Answer | None:
    """Return the canonical answer that a piece of text is, None for empty text."""
    dressed = plain(text)
    value = number(dressed)
    if value is not None:
        return Answer(str(value), value)
    key = re.sub(r"\s+", "", dressed).strip(".,;:").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    return Answer(key) if key else None


def boxed(text: str) -> str | None:
    r"""Return the content of the last ``\boxed{}``, with balanced braces, or None."""
    last = None
    for found in _BOXED.finditer(text):
        depth, position = 1, found.end()
        while position < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        if depth == 0:
            last = text[found.end() : position - 1]
    return last


def stated_value(sentence: str) -> Answer | None:
    r"""Return the value that a sentence states, by the first rule that applies.

    1. the last ``\boxed{}``; 2. the right side of the last ``=`` when it is a number, a fraction, a number with unit
    words or pure arithmetic; 3. the number after the last *is, are, equals, has, get, of, to* or colon, unless an
    operator, a power or a variable follows; 4. the last number, unless it touches an operator, a bracket, a comparison
    or a word such as *step* or *case*.
    """
    in_box = boxed(sentence)
    if in_box is not None:
        return answer(in_box)
    text = plain(sentence)
    after_equals = last_match(_EQUALS, text)
    after_verb = _last_verb(text)
    if after_equals and (after_verb is None or after_verb[0] < after_equals.start()):
        right = _RIGHT_END.split(text[after_equals.end() :], maxsplit=1)[0]
        value = number(right)
        return None if value is None else Answer(str(value), value)
    if after_verb is not None:
        return after_verb[1]
    return _last_number(text)


def _last_verb(text: str) -> tuple[int, Answer] | None:
    """Return (position, value) of the last number that directly follows a verb."""
    best = None
    for found in _VERB.finditer(text):
        value = _SLASH.match(text, found.end()) or NUMBER.match(text, found.end())
        if value and not _TOUCHES_AFTER.match(text, value.end()) and not _operator_later(text, value.end()):
            exact = number(value.group())
            if exact is not None:
                best = (found.start(), Answer(str(exact), exact))
    return best


def _operator_later(text: str, position: int) -> bool:
    """Whether an operator follows, with unit words between (``5 apples + 3``)."""
    return bool(_OPERATOR_LATER.match(text, position))


def _last_number(text: str) -> Answer | None:
    """Return the last number that stands free of operators and enumerating words."""
    last = last_match(NUMBER, text)
    if last is None or _TOUCHES_AFTER.match(text, last.end()) or _TOUCHES_BEFORE.search(text[: last.start()]):
        return None
    if text[last.end() : last.end() + 1] in {")", "]", "|", "/"}:
        return None
    exact = number(last.group())
    return None if exact is None else Answer(str(exact), exact)
