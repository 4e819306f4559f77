"""Candidate answers, and when two answers are the same or overlap."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Candidate", "Mention", "answer_key", "overlap_f1"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place of a candidate.

    Attributes
    ----------
    sentence : int
        Which of the chosen sentences.
    start, end : int
        Offsets into the prompt.
    in_title : bool
        It stands in the title put before the sentence, not in the document.
    """

    sentence: int
    start: int
    end: int
    in_title: bool


@dataclass(slots=True)
class Candidate:
    """A possible answer; spellings with the same words are one candidate, written as found first."""

    text: str
    kinds: set[str] = field(default_factory=set)
    mentions: list[Mention] = field(default_factory=list)
    passages: set[int] = field(default_factory=set)


def answer_key(text: str) -> str:
    """Normalise an answer as SQuAD does: lower case, no punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub("", text.lower())).split())


def overlap_f1(left: str, right: str) -> float:
    """Return the F1 of the words two answers share (SQuAD's measure)."""
    ours, theirs = answer_key(left).split(), answer_key(right).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs))
