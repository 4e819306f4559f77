"""The fixed oracle of the replay: where a judge who knows the final answer would cut. Independent of every detector.

Thoughts are split before a paragraph that starts with *Wait*, *But*, *Alternatively* or *Hmm*. The cut is at the end of the
first thought whose last 300 characters hold a value equal (math-verify) to the trace's final answer. A trace without such
a thought saves nothing. Changing anything here changes every figure that was ever reported: don't.
"""

from __future__ import annotations

import re

from agentcore.decoding.trimming._equality import same_answer

TAIL = 300
"""Characters at the end of a thought in which the value is looked for."""

_THOUGHT = re.compile(r"\n[ \t]*\n\s*(?=(?:Wait|But|Alternatively|Hmm)\b)")
_VALUE = re.compile(
    r"\\boxed\s*\{(?P<boxed>(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
    r"|\\\((?P<inline>.{1,120}?)\\\)|\\\[(?P<display>.{1,200}?)\\\]|\$\$(?P<dollars>[^$]{1,200})\$\$|\$(?P<dollar>[^$\n]{1,120})\$"
    r"|(?P<bare>-?\\[dt]?frac\{[^{}]*\}\{[^{}]*\}|-?\d*\\sqrt\{[^{}]*\})"
    r"|(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|\s*/\s*\d+)?)",
    re.S,
)
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|\s*/\s*\d+)?")
_RIGHT_SIDE = re.compile(r".*=(?P<right>[^=]+)\Z", re.S)


def thought_ends(trace: str) -> list[int]:
    """Return the character offset at which each thought ends, in order; the last is the trace's length."""
    ends = [found.start() for found in _THOUGHT.finditer(trace)]
    return [*ends, len(trace)]


def oracle_cut(trace: str, final_answer: str, *, nth: int = 1) -> int:
    """Return how many characters of a trace the oracle keeps.

    Parameters
    ----------
    trace : str
        The thinking text without its tags.
    final_answer : str
        The answer the trace itself arrives at.
    nth : int
        Cut at the nth thought that holds the answer; 3 is the ceiling of the paper's rule of three agreeing answers.

    Returns
    -------
    int
        The length of the trace when there are fewer such thoughts.
    """
    seen = 0
    for end in thought_ends(trace):
        if holds_value(trace[max(0, end - TAIL) : end], final_answer):
            seen += 1
            if seen == nth:
                return end
    return len(trace)


def holds_value(text: str, answer: str) -> bool:
    """Whether a text holds a value equal to an answer: any number, boxed or maths expression in it, or a right side."""
    for found in _VALUE.finditer(text):
        body = next(group for group in found.groups() if group is not None)
        candidates = {body, *(number.group() for number in _NUMBER.finditer(body))}
        right = _RIGHT_SIDE.match(body)
        if right:
            candidates.add(right["right"])
        if any(same_answer(candidate, answer) for candidate in sorted(candidates)):
            return True
    word = re.sub(r"\\(?:text|mbox)\s*\{([^{}]*)\}", r"\1", answer).strip()
    return bool(
        re.fullmatch(r"[A-Za-z]{3,}(?: [A-Za-z]+)*", word) and re.search(rf"\b{re.escape(word)}\b", text)
    )
