"""Where an answer begins and ends: of two candidates, one within the other, which one the question asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from agentcore.workflow.reading.candidates import Candidate, answer_key
from agentcore.workflow.reading.nations import DEMONYMS
from agentcore.workflow.reading.question import AnswerKind, asked_place
from agentcore.workflow.reading.words import STOP_WORDS, content_stems, stem

__all__ = ["well_cut"]

_YEAR = re.compile(r"\b[1-9]\d{2,3}$")


def well_cut(candidates: Sequence[Candidate], question: str, kind: AnswerKind) -> list[Candidate]:
    """Leave out candidates of which another one is the better part.

    A word of the question at the border of an answer only repeats it ("six men" for "how many men"); a person is called by the
    name alone ("Italian Umberto Nobile"), a town without its country where a town is asked for; a day is asked for with its month
    and year.
    """
    asked = set(content_stems(question))
    keys = {answer_key(candidate.text) for candidate in candidates}
    parts: list[Callable[[str], str]] = [lambda text: _without_asked(text, asked)]
    if kind == "person":
        parts.append(_without_nation)
    place = asked_place(question)
    if place is not None:
        parts.append(lambda text: text.split(", ")[0 if place == "inner" else -1])
        candidates = _of_place(candidates, place) or candidates
    kept = []
    for candidate in candidates:
        shorter = {answer_key(part(candidate.text)) for part in parts} - {"", answer_key(candidate.text)}
        if not shorter & keys:
            kept.append(candidate)
    return _whole_dates(kept) if kind == "date" else kept


def _without_asked(text: str, asked: set[str]) -> str:
    """Return a text without the plain words and numbers of the question at its borders."""
    words = text.split()

    def is_asked(word: str) -> bool:
        is_plain = word[0].islower() or word.isdigit()
        return is_plain and word not in STOP_WORDS and stem(word.lower()) in asked

    while len(words) > 1 and is_asked(words[0]):
        words = words[1:]
    while len(words) > 1 and is_asked(words[-1]):
        words = words[:-1]
    return " ".join(words)


def _of_place(candidates: Sequence[Candidate], place: Literal["inner", "outer"]) -> list[Candidate]:
    """Leave out the state of a town where the town is asked for, and the town of a state."""
    wholes = [candidate.text.split(", ") for candidate in candidates if ", " in candidate.text]
    others = {answer_key(whole[-1 if place == "inner" else 0]) for whole in wholes}
    wanted = {answer_key(whole[0 if place == "inner" else -1]) for whole in wholes}
    return [candidate for candidate in candidates if answer_key(candidate.text) not in others - wanted]


def _without_nation(text: str) -> str:
    """Return a name without the word before it for where its owner is from."""
    first, _, rest = text.partition(" ")
    return rest if first in DEMONYMS else text


def _whole_dates(candidates: list[Candidate]) -> list[Candidate]:
    """Leave out a year or a month that only stands inside a fuller date, and a year of which its document gives the day."""
    places = {(m.start, m.end) for c in candidates for m in c.mentions}
    days = [
        (c.passages, match.group()) for c in candidates if " " in c.text and (match := _YEAR.search(c.text))
    ]

    def is_part(start: int, end: int) -> bool:
        return any(left <= start and end <= right and right - left > end - start for left, right in places)

    def is_told_better(candidate: Candidate) -> bool:
        is_inside = all(is_part(m.start, m.end) for m in candidate.mentions)
        return is_inside or any(
            year == candidate.text and passages & candidate.passages for passages, year in days
        )

    return [candidate for candidate in candidates if not is_told_better(candidate)] or candidates
