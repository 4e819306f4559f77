"""Questions that a noun asks and a verb answers: "what is the birthplace of X?" is "where was X born?"."""

from __future__ import annotations

import re

__all__ = ["by_verb"]

# How a text says it, by the noun that a question may use for it.
_SAID = {
    r"birth\s?place|place\s+of\s+birth": "Where was {whom} born?",
    r"birth\s?date|birthday|date\s+of\s+birth": "When was {whom} born?",
    r"birth\s+year|year\s+of\s+birth": "In which year was {whom} born?",
    r"place\s+of\s+death": "Where did {whom} die?",
    r"death\s+date|date\s+of\s+death": "When did {whom} die?",
    r"year\s+of\s+death": "In which year did {whom} die?",
}
_FORMS = (
    r"\s*what\s+(?:is|was)\s+the\s+(?:{noun})\s+of\s+(?P<whom>[^?]+?)\s*\?*\s*",
    r"\s*what\s+(?:is|was)\s+(?P<whom>[^?]+?)['’]s?\s+(?:{noun})\s*\?*\s*",
)
_QUESTIONS = tuple(
    (re.compile(form.format(noun=noun), re.IGNORECASE), said)
    for noun, said in _SAID.items()
    for form in _FORMS
)


def by_verb(question: str) -> str:
    """Return a question for a date or place of birth or death in the words that documents use; any other as it is."""
    for pattern, said in _QUESTIONS:
        match = pattern.fullmatch(question)
        if match is not None:
            return said.format(whom=match["whom"])
    return question
