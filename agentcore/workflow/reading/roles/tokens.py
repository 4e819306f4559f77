"""Words and marks of a sentence with their offsets, and which words are verbs, without a tagger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import AUXILIARIES, PARTICIPLES, PREPOSITIONS, VERBS

__all__ = ["ARTICLES", "LOCAL_PREPOSITIONS", "OWNERS", "PRONOUNS", "RELATIVES", "Token", "tokens_of"]

OWNERS = frozenset(("his", "her", "its", "their"))
ARTICLES = OWNERS | {"the", "a", "an"}
PRONOUNS = frozenset(("he", "she", "it", "they"))
RELATIVES = frozenset(("who", "whom", "whose", "what", "which", "that", "when", "where", "how"))
LOCAL_PREPOSITIONS = frozenset(("in", "at", "on", "near"))
# Words that are listed as prepositions but open no circumstance.
_NO_PREPOSITIONS = frozenset(("than", "as", "like", "since", "till", "until", "including", "excluding"))
_TOKEN = re.compile(
    r"[\"“]\s*(?P<quoted>[^\W_][^\"“”]{0,80}?)\s*[\"”]|"
    r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?|(?:[A-Z]\.)+|[^\W\d_]+(?:[-'’.&](?=[^\W_])[^\W_]+)*|[^\W_]+|[,;:()–—]"
)
_SHORTEST_VERB = 5  # letters of an unlisted word in -ed or -ing


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a punctuation mark.

    Attributes
    ----------
    text : str
        As written.
    start, end : int
        Offsets into the text it was found in.
    """

    text: str
    start: int
    end: int

    @property
    def low(self) -> str:
        """The word in lower case."""
        return self.text.lower()

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return not self.text[0].isalnum()

    @property
    def is_capital(self) -> bool:
        """Whether it is written like a part of a name, or is a number."""
        return self.text[0].isupper() or self.text[0].isdigit()

    @property
    def is_preposition(self) -> bool:
        """Whether it opens a circumstance."""
        return self.low in PREPOSITIONS and self.low not in _NO_PREPOSITIONS

    @property
    def is_verb(self) -> bool:
        """Whether it is a verb in some form; a word that may be a noun as well counts."""
        low = self.low
        if not self.text[0].islower():
            return False
        is_derived = low.endswith(("ed", "ing")) and len(low) >= _SHORTEST_VERB
        return low in VERBS or low in AUXILIARIES or is_derived

    @property
    def is_main_verb(self) -> bool:
        """Whether it is a verb that tells what happens."""
        return self.is_verb and self.low not in AUXILIARIES

    @property
    def is_participle(self) -> bool:
        """Whether it may be a past participle."""
        return self.text[0].islower() and (self.low.endswith("ed") or self.low in PARTICIPLES)


def tokens_of(text: str) -> Sequence[Token]:
    """Split a text into words, numbers and marks; what stands in quotation marks is one word, a title."""
    found = []
    for match in _TOKEN.finditer(text):
        group = "quoted" if match["quoted"] else 0
        found.append(Token(match[group], match.start(group), match.end(group)))
    return found
