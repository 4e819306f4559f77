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
    r"|(?:是|为|等于|得到|得|共|有|剩下?)[了:：]?\s*"
)
_RIGHT_END = re.compile(
    r"[,;]\s|[.?!](?=\s|$)|\s(?:so|which|and|because|since|for|when|if|where|but|or|as)\b|≈|\\approx|\\implies|⇒|=>|\)\s*$"
)
_TOUCHES_AFTER = re.compile(
    r"\s*(?:[-+*/^<>=(\[_{]|\\[a-zA-Z]|[√πθ∞]|[a-zA-Z](?![a-zA-Z'])|:\s?\d|²|³|½|¼|[万亿千百]"
    r"|(?:hundred|thousand|million|billion|trillion|dozen|to\s+[-+]?\d)\b)"
)
_LIST_AFTER = re.compile(r"\s*(?:,\s*(?:and|or)\s|,|and\s|or\s|和|或|、)\s*(?:[a-z]\s*=\s*)?[-+]?\d", re.I)
_LIST_BEFORE = re.compile(r"(?<![\w.])[-+]?\d[\d.,/]*\s*(?:,|,?\s*\band|,?\s*\bor|和|或|、)\s*\Z")
_SEVERAL = re.compile(
    r"(?<![\w^+*/-])[a-zA-Z]\s*=\s*[-+]?[\d./]+\s*(?:,\s*(?:and|or)?|;|\band\b|\bor\b|和|或)\s*[a-zA-Z]\s*=\s*[-+]?[\d./]+\s*\W*\Z"
)
_RATIO_BEFORE = re.compile(r"\d\s*(?::|\bto)\s*\Z")
# Begins only where the run of blanks and brackets does: from each of its places, a long run would be read to its end.
_REASON = re.compile(r"(?:(?<=[^\s(,])|(?<=\A[(,]))[\s(,]+(?:since|because)\b.*", re.I | re.S)
_TOUCHES_BEFORE = re.compile(
    r"(?:[-+*/^<>(\[_{|√]\s*|\b(?:steps?|cases?|rows?|mod|part|parts|example|method|option|point|number|equation|problem|approach|way|first|line|day|columns?|minus|plus|times|by|than|#)\s*)\Z",
    re.I,
)
_OPERATOR_LATER = re.compile(
    r"(?:\s+[a-zA-Z]+){0,2}\s*(?:[-+*/^<>=]\s*\d|(?:times|plus|minus|divided|multiplied|followed|out of)\b)"
)
_SLASH = re.compile(r"[-+]?\d+\s+\d+\s*/\s*\d+|[-+]?\d+\s*/\s*\d+")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"[{}]")
CHOICE = re.compile(
    r"\b(?:answer|option|choice)\s*(?:is|:|would be|should be|must be)?\s*\**\s*\(?\\?(?:text\{|textbf\{)?\(?([A-J])\)?\}?(?![a-zA-Z'])"
    r"|(?:答案[是为：:]|选项?)\s*\(?([A-J])\)?(?![a-zA-Z])",
)
"""The letter of an option where it is named as one."""

_LETTER = re.compile(r"\W*(?:\\?(?:text|textbf|mathrm|mathbf)\W*)?\(?([A-J])(?![a-zA-Z])")


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
    boxes = {found.end() for found in _BOXED.finditer(text)}
    if not boxes:
        return None
    opened, last = list[int](), (-1, -1)  # begin and end of a box
    for brace in _BRACE.finditer(text):  # once over the text: a model in a loop opens boxes by the thousand
        if brace[0] == "{":
            opened.append(brace.end())
        elif opened and (begin := opened.pop()) in boxes and begin > last[0]:
            last = (begin, brace.start())
    return None if last[0] < 0 else text[last[0] : last[1]]


def stated_choice(sentence: str) -> Answer | None:
    r"""Return the option that a sentence states: the letter in its last ``\boxed{}``, else one named as answer or option."""
    in_box = boxed(sentence)
    if in_box is not None:
        letter = _LETTER.match(in_box)
        return None if letter is None else Answer(letter[1])
    found = last_match(CHOICE, sentence)
    return None if found is None else Answer(str(found[1] or found[2]))


def stated_value(sentence: str) -> Answer | None:
    r"""Return the value that a sentence states, by the first rule that applies.

    1. the last ``\boxed{}``; 2. the right side of the last ``=`` when it is a number, a fraction, a number with unit
    words or pure arithmetic; 3. the number after the last *is, are, equals, has, get, of, to* or colon, unless an
    operator, a power or a variable follows; 4. the last number, unless it touches an operator, a bracket, a comparison
    or a word such as *step* or *case*. What follows *since* or *because* is a reason, and states nothing; several values
    in a row (``x = 2 or x = -3``, *5, 6 and 7*) are no single value.
    """
    in_box = boxed(sentence)
    if in_box is not None:
        return answer(in_box)
    text = _REASON.sub("", plain(sentence))
    if _SEVERAL.search(text):
        return None
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
        if value is None or _RATIO_BEFORE.search(text[: value.start()]):
            continue
        if not _TOUCHES_AFTER.match(text, value.end()) and not _goes_on(text, value.end()):
            exact = number(value.group())
            if exact is not None:
                best = (found.start(), Answer(str(exact), exact))
    return best


def _goes_on(text: str, position: int) -> bool:
    """Whether a calculation (``5 apples + 3``) or a list (``2 and -3``) goes on after a number."""
    return bool(_OPERATOR_LATER.match(text, position) or _LIST_AFTER.match(text, position))


def _last_number(text: str) -> Answer | None:
    """Return the last number that stands free of operators and enumerating words."""
    last = last_match(NUMBER, text)
    if last is None or _TOUCHES_AFTER.match(text, last.end()) or _TOUCHES_BEFORE.search(text[: last.start()]):
        return None
    before = text[: last.start()]
    if text[last.end() : last.end() + 1] in {")", "]", "|", "/"} or _LIST_BEFORE.search(before):
        return None
    if _RATIO_BEFORE.search(before) or _goes_on(text, last.end()):
        return None
    exact = number(last.group())
    return None if exact is None else Answer(str(exact), exact)
