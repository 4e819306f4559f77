"""Whom or what a question with "do" or "is" is about: the name right behind the verb."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentcore.workflow.reading.coverage import Sentence
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.words import title_key, word_key

__all__ = ["YES_NO", "asked_subject", "is_about"]

_NAME = r"(?:[Tt]he\s+)?[A-Z0-9][^\s,?]*(?:\s+(?:(?:of|the|de|van|von|du|la|and)\s+){0,2}[A-Z0-9][^\s,?]*)*"
_DOES = re.compile(
    rf"^\s*(?:(?:[Ww]hat|[Ww]ho|[Ww]hom|[Ww]hich\s+\w+|[Ww]hat\s+\w+)\s+(?:does|do|did)|[Ww]hat\s+nationality\s+(?:is|was))\s+(?P<subject>{_NAME})"
)
YES_NO = re.compile(
    rf"^\s*(?P<verb>[Ii]s|[Aa]re|[Ww]as|[Ww]ere|[Dd]o|[Dd]oes|[Dd]id|[Hh]as|[Hh]ave|[Hh]ad)\s+"
    rf"(?P<subject>{_NAME})\s+(?P<rest>[^?]+?)\s*\?*\s*$"
)
_ARTICLE = re.compile(r"^the\s+", re.IGNORECASE)


def asked_subject(question: str) -> str | None:
    """Return the name that "what does NAME …?" or "what nationality is NAME?" asks about, None for every other question."""
    match = _DOES.match(question)
    return None if match is None else _ARTICLE.sub("", match["subject"])


def is_about(sentence: Sentence, subject: str, passages: Sequence[Passage]) -> bool:
    """Tell whether a sentence names a subject, or is from the document about it."""
    key = word_key(_ARTICLE.sub("", subject))
    title = set(title_key(passages[sentence.passage].title.split(",")[0]).split())
    is_titled = len(title) > 1 and title <= set(
        key.split()
    )  # "Sir Edward Wingfield Verner": "Edward Verner, 6th Baronet"
    is_titled = is_titled or title_key(passages[sentence.passage].title) == key
    return is_titled or f" {key} " in f" {word_key(sentence.text)} "
