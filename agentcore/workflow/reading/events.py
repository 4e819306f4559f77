"""Which event of a life a question asks for, and which one a sentence tells: birth is no death."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.candidates import Candidate
from agentcore.workflow.reading.coverage import Selection, Sentence

__all__ = ["in_asked_event"]

_WORD = re.compile(r"\w+")
_EVENTS = {
    word: event
    for event, forms in (
        ("birth", "born birth birthplace birthday"),
        ("death", "died die dies dying death dead killed"),
        ("burial", "buried burial grave tomb"),
        ("marriage", "married marry marries marriage wed wedding"),
        ("schooling", "studied study studies educated education graduated graduate attended"),
        ("founding", "founded founding established"),
        ("opening", "opened opening inaugurated"),
        ("closing", "closed closing closure"),
    )
    for word in forms.split()
}


def in_asked_event(
    question: str, candidates: Sequence[Candidate], order: Sequence[int], selection: Selection
) -> int:
    """Return the first candidate, or another one that stands where the asked event is told.

    Parameters
    ----------
    order : sequence of int
        Candidates, the chosen one first.

    Notes
    -----
    Only where the chosen one's sentence, the first with it, tells other events alone, and none of its sentences the asked
    one. The other candidate stands in the same passage, behind a word of the asked event and the same preposition, and both or
    neither are numbers; of several the one nearest to the event counts. Elsewhere the choice stays.
    """
    asked = _events(question)
    chosen = candidates[order[0]]
    sentences = _sentences(chosen, selection)
    if not asked or not sentences:
        return order[0]
    told = _events(sentences[0].text)
    if not told or any(asked & _events(sentence.text) for sentence in sentences):
        return order[0]
    passages = {sentence.passage for sentence in sentences}
    before = _word_before(sentences[0].text, sentences[0].text.find(chosen.text))
    found = [
        (distance, place, index)
        for place, index in enumerate(order[1:])
        if _has_digit(candidates[index].text) == _has_digit(chosen.text)
        for sentence in _sentences(candidates[index], selection)
        if sentence.passage in passages
        for distance in _distances(candidates[index].text, sentence.text, asked, before)
    ]
    return min(found)[2] if found else order[0]


def _distances(answer: str, text: str, asked: set[str], before: str) -> Iterator[int]:
    """Yield how far behind a word of the event an answer stands, behind the same word as the first choice ("in")."""
    for match in _WORD.finditer(text):
        if _EVENTS.get(match.group().lower()) in asked:
            at = text.find(answer, match.end())
            if at >= 0 and _word_before(text, at) == before:
                yield at - match.end()


def _word_before(text: str, at: int) -> str:
    """Return the word before a place, in lower case; prepositions of place are one."""
    word = (_WORD.findall(text[: max(at, 0)]) or [""])[-1].lower()
    return "in" if word in ("at", "near") else word


def _events(text: str) -> set[str]:
    return {_EVENTS[word] for word in map(str.lower, _WORD.findall(text)) if word in _EVENTS}


def _sentences(candidate: Candidate, selection: Selection) -> list[Sentence]:
    """Return the sentences with a candidate, the one picked first before the others."""
    inside = {mention.sentence for mention in candidate.mentions if not mention.in_title}
    return [selection.sentences[index] for index in sorted(inside, key=lambda index: selection.ranks[index])]


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)
