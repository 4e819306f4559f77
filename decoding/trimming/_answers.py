"""The rule verifier's two questions: does a snippet state an answer, and do two snippets state the same one."""

from __future__ import annotations

import re

from agentcore.decoding.trimming._config import TrimmingConfig
from agentcore.decoding.trimming._equality import same_answer
from agentcore.decoding.trimming._numbers import NUMBER, last_match, number, plain
from agentcore.decoding.trimming._sentences import Sentence, SentenceSplitter
from agentcore.decoding.trimming._values import CHOICE, Answer, answer, boxed, stated_value

_QUOTED = re.compile(r"\banswer\b[^.\n]{0,40}?(?:is|:)\s*[\"“'‘]([^\"”’\n]{1,120})[\"”’']", re.I)
_SAID = re.compile(
    r"\b(?:final answer|answer)\b\W{0,6}(?:is|:|=|would be|should be|must be)\W{0,4}\s*(?P<said>[^\n]{1,80}?)(?:[.;]\s|[.;]?$|\n|, (?:so|because|since|which))|答案[是为：:]\s*(?P<zh>[^\n。，]{1,40})",
    re.I | re.M,
)


def conclusion(thought: str, config: TrimmingConfig | None = None) -> str:
    """Return the last sentences of a thought, its conclusion."""
    count = (config or TrimmingConfig()).conclusion_sentences
    return "\n".join(sentence.text for sentence in sentences(thought)[-count:])


def sentences(text: str) -> list[Sentence]:
    """Split a whole text into sentences."""
    splitter = SentenceSplitter()
    return [*splitter.push(text), *splitter.finish()]


def extract_answer(snippet: str) -> Answer | None:
    r"""Return the answer that a snippet states, by the first rule that finds one, or None.

    In order: the last ``\boxed{}``, a choice letter, a quoted span after "the answer is", what else follows that phrase, the
    value that the last sentence with a value states, the last free number.
    """
    in_box = boxed(snippet)
    if in_box is not None:
        return answer(in_box)
    for pattern in (CHOICE, _QUOTED, _SAID):
        found = last_match(pattern, snippet)
        if found is not None:
            said = next((group for group in found.groups() if group), None)
            if said:
                return stated_value(f"answer is {said}") or answer(said)
    for sentence in reversed(sentences(snippet)):
        value = stated_value(sentence.text)
        if value is not None:
            return value
    return _last_number(snippet)


def equivalent(first: Answer, second: Answer) -> bool:
    """Whether two extracted answers are the same."""
    return first == second or same_answer(first.key, second.key)


def _last_number(text: str) -> Answer | None:
    """Return the last number of a text, whatever stands around it."""
    found = NUMBER.findall(plain(text))
    value = number(found[-1]) if found else None
    return None if value is None else Answer(str(value), value)
