"""How strongly a sentence states its value as the answer: classes 0 to 5, and what the next sentence intends."""

from __future__ import annotations

import re

from agentcore.decoding.trimming._numbers import plain
from agentcore.decoding.trimming._question import Question, stems

_HEDGE = re.compile(
    r"\b(?:if|suppose|assum\w+|maybe|perhaps|might|could|not|isn't|doesn't|can't|cannot|roughly|around|approximately|"
    r"possibly|unless|whether|would be if|say|let's say|for example|for instance|about|nearly|seems|except|wrong|"
    r"instead of|too)\b|n't\b|如果|假设|也许|可能|大约",
    re.I,
)
_FINAL = re.compile(r"final answer|最终答案", re.I)
_ANSWER = re.compile(
    r"\bis (?:indeed )?the (?:correct |right |final )?answer\b|"
    r"\banswer\s*(?:is|be|to be|would be|should be|must be|:|\*\*:?)|\banswer\b[^.]{0,60}\b(?:is|:)|答案[是为：:]|"
    r"\b(?:option|choice) \(?[A-J]\)? (?:is|must be|has to be) (?:the )?(?:correct|right|answer|best)\b|应?选 ?[A-J]\b",
    re.I,
)
_CONNECTIVE = re.compile(
    r"\b(?:so|therefore|thus|hence|consequently|which means|that means|this means|meaning|in total|altogether|total of|"
    r"which gives|giving|gives|this gives|that gives|we get|we have|i get|that's|which is|adding|leaving|leaves|as a result|"
    r"it follows|then|in all|accordingly|overall|finally|conclude)\b|所以|因此|因而|故|总共|一共|于是|可得|那么",
    re.I,
)
_OPENING = re.compile(
    r"\W*(?:okay,?\s+|and\s+|yeah,?\s+|yes,?\s+|wait,?\s+)?(?:so|therefore|thus|hence|in total|altogether|total|that means|"
    r"which means|finally|consequently|as a result|this means|adding|overall|then|to find)\b|\W*(?:所以|因此|因而|总共|一共|那么)",
    re.I,
)
_VERIFY = re.compile(
    r"double[- ]?check|cross[- ]?check|\b(?:re-?)?check(?:ing)?\b|\b(?:re-?)?verify(?:ing)?\b|\bvalidate\b|\b(?:make|to be|be) (?:sure|certain|safe)\b|"
    r"\b(?:re-?examine|revisit|review|re-?read|re-?calculate|re-?trace|test) (?:this|that|it|my|the|everything)\b|"
    r"\bgo(?:ing)? (?:over|through|back over) (?:this|that|it|my|the \w+)(?: \w+)? (?:again|once more)\b|\bensure\b|\bconfirm\b|sanity|makes? sense|"
    r"\b(?:seems|looks|sounds) (?:\w+ )?(?:right|correct|reasonable|good|straightforward|plausible)|is (?:that|this) (?:right|correct|it\b|all\b)|same (?:answer|result)|"
    r"that's it\b|be thorough|\brecap\b|to summarize|\bplug|going through (?:it|the steps) again|"
    r"检查|验证|验算|确认|核对|核实|检验",
    re.I,
)
_DOUBT = re.compile(
    r"\b(?:that|it|this)\s*(?:is|'s|seems|sounds|looks)\s+(?:a bit |a little |too |way too |very |really )?"
    r"(?:high|low|big|small|large|off|wrong|strange|weird|odd|not right|incorrect|impossible|contradict\w*|unlikely|suspicious)|"
    r"not right|\bi forgot|\bi don't know|\bi still need|\bnow,|\bnext,|doesn't (?:make sense|seem right|match)|that can't be|"
    r"\b(?:was|made|is|'s|be) (?:a|my) mistake\b|\bincorrect\b|\bcontradict|不对|错了|矛盾|太大|太小",
    re.I,
)
_NOT_VERIFY = re.compile(r"\b(?:expand|continue|pattern|other|another|small(?:er)? cases?)\b", re.I)
_TURN = re.compile(r"\W*(?:(?:wait|but|hmm|hold on|actually)\b|等等|等一下|但是|不过|嗯)", re.I)
_CLOSING = re.compile(
    r"\W*(?:therefore|so,? the|final answer|thus,? the|hence,? the|in conclusion|因此|所以)", re.I
)
_CHECKED = re.compile(
    r"\b(?:match(?:es)?|checks? out|consistent|that works|is correct|that's correct|that's right|adds? up)\b|正确|一致",
    re.I,
)


def statement_class(sentence: str, question: Question) -> int:
    """Return how strongly a sentence states its value as the answer to the question.

    5 boxed or "final answer"; 4 "answer is" (or, of several choices, "option ... is right"), or the asked expression directly before ``=`` or *is*; 3 a one-letter asked
    variable there, the head noun with a connective, or an opening connective with most of the asked words; 2 the head
    noun, or an opening connective with half of the words; 1 any connective; 0 none, a question or a hedge.
    """
    text = plain(sentence)
    if "\\boxed" in sentence:
        return 5
    if text.rstrip(' "*)').endswith(("?", "？")) or _HEDGE.search(text):
        return 0
    if _FINAL.search(text):
        return 5
    asked = _asked_before_equals(text, question.expression)
    if _ANSWER.search(text) or asked == "long":
        return 4
    words = stems(text)
    share = overlap(sentence, question)
    opening = bool(_OPENING.match(text))
    connective = opening or bool(_CONNECTIVE.search(text))
    noun = bool(question.nouns & words)
    if asked == "letter" or (noun and connective) or (opening and share >= 0.8 and question.words):
        return 3
    if noun or (opening and share >= 0.5 and question.words):
        return 2
    return int(connective)


def overlap(sentence: str, question: Question) -> float:
    """Return the share of the asked content words that a sentence holds, in [0, 1]."""
    return len(question.words & stems(plain(sentence))) / len(question.words) if question.words else 0.0


def is_hedged(sentence: str) -> bool:
    """Whether a sentence holds its value at arm's length."""
    return bool(_HEDGE.search(sentence)) or sentence.rstrip(' "*)').endswith(("?", "？"))


def intends_to_verify(following: str) -> bool:
    """Whether what follows a statement announces a check of it."""
    return bool(_VERIFY.search(following))


def expresses_doubt(following: str) -> bool:
    """Whether what follows a statement rejects it or moves on from it."""
    return bool(_DOUBT.search(following))


def explores(following: str) -> bool:
    """Whether the check announced is of a pattern or of further cases, not of the value."""
    return bool(_NOT_VERIFY.search(following))


def turns(text: str) -> bool:
    """Whether a sentence starts with a reflection word."""
    return bool(_TURN.match(text))


def closes(text: str) -> bool:
    """Whether a sentence starts as a conclusion."""
    return bool(_CLOSING.match(text))


def confirms(text: str) -> bool:
    """Whether a sentence says that a check came out well."""
    return bool(_CHECKED.search(text))


def _asked_before_equals(text: str, expression: str) -> str:
    """Return ``long`` or ``letter`` (one or two characters) when the asked expression stands directly before ``=`` or *is*."""
    if not expression:
        return ""
    squeezed = re.sub(r"\s+", "", text)
    for found in re.finditer(re.escape(expression) + r"(?:=|is|equals|wouldbe|mustbe)", squeezed):
        before = squeezed[found.start() - 1 : found.start()]
        if len(expression) >= 3 and not re.match(r"[-+*/^]", before or " "):
            return "long"
        if len(expression) <= 2 and re.search(
            rf"(?<![a-zA-Z\d+*/^-]\s)(?<![a-zA-Z\d+*/^-]){re.escape(expression)}\s*(?:=(?!=)|\bis\b)", text
        ):
            return "letter"
    return ""
