"""What a text is about, in a few tags: keyphrases offline, or a language model's answer.

A tag is lower case, at most three words joined by underscores. A relation says that one tag is broader than another.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agentcore.memory._stop_words import STOP_WORDS
from agentcore.memory._validation import check_count

__all__ = ["KeyphraseTagger", "LanguageModelTagger", "Tagger", "Tagging", "as_tagger"]

MAX_TAGS = 8
MAX_WORDS = 3


@dataclass(frozen=True, slots=True)
class Tagging:
    """The tags of one text, and (broader, narrower) pairs among them."""

    tags: tuple[str, ...]
    relations: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Tagger(Protocol):
    """Gives texts their tags."""

    name: str

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text, in order."""
        ...


_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[.,;:!?()\[\]\"]")
_WEAK = STOP_WORDS | frozenset(
    [
        "got",
        "get",
        "gets",
        "getting",
        "go",
        "goes",
        "going",
        "went",
        "gone",
        "make",
        "makes",
        "made",
        "making",
        "take",
        "took",
        "taken",
        "know",
        "knew",
        "think",
        "thought",
        "want",
        "wanted",
        "see",
        "saw",
        "seen",
        "look",
        "looked",
        "looking",
        "feel",
        "felt",
        "tell",
        "told",
        "say",
        "said",
        "says",
        "come",
        "came",
        "need",
        "needed",
        "try",
        "tried",
        "trying",
        "let",
        "start",
        "started",
        "keep",
        "kept",
        "put",
        "use",
        "used",
        "really",
        "actually",
        "definitely",
        "lot",
        "lots",
        "bit",
        "thing",
        "things",
        "stuff",
        "way",
        "day",
        "days",
        "time",
        "times",
        "week",
        "weeks",
        "month",
        "year",
        "years",
        "today",
        "yesterday",
        "tomorrow",
        "good",
        "better",
        "best",
        "bad",
        "new",
        "old",
        "big",
        "little",
        "many",
        "last",
        "next",
        "first",
        "one",
        "two",
        "three",
        "something",
        "anything",
        "everything",
        "nothing",
        "someone",
        "everyone",
        "people",
        "guy",
        "guys",
        "still",
        "even",
        "always",
        "never",
        "maybe",
        "soon",
        "ago",
        "love",
        "loved",
        "like",
        "liked",
        "hope",
        "glad",
        "happy",
        "great",
        "amazing",
        "well",
        "back",
        "long",
        "since",
        "quite",
        "also",
        "around",
        "away",
        "able",
        "since",
        "else",
        "every",
        "another",
        "cant",
        "dont",
        "didnt",
        "ive",
        "im",
        "its",
        "thats",
        "youre",
        "lets",
    ]
)


class KeyphraseTagger:
    """Keyphrases without any model: runs of content words, scored as in RAKE, nouns of a phrase's head as its parents.

    Deterministic. The last word of an English phrase is its head, so `thai_food` gives `food` as the broader tag.

    Parameters
    ----------
    limit : int
        Tags a text.
    """

    name = "keyphrase-1"

    def __init__(self, *, limit: int = MAX_TAGS) -> None:
        self._limit = check_count(limit, least=1)

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text, in order."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Tagging:
        phrases = _phrases(text)
        degree: Counter[str] = Counter()
        frequency: Counter[str] = Counter()
        for phrase in phrases:
            for word in phrase:
                frequency[word] += 1
                degree[word] += len(phrase)
        ranked = sorted(
            {phrase[-MAX_WORDS:]: None for phrase in phrases},
            key=lambda phrase: (
                -sum(degree[w] / frequency[w] for w in phrase) - sum(len(w) > 6 for w in phrase),
                phrase,
            ),
        )
        tags: dict[str, None] = {}
        relations: dict[tuple[str, str], None] = {}
        for phrase in ranked:
            if len(tags) >= self._limit:
                break
            tag = "_".join(phrase)
            tags[tag] = None
            if len(phrase) > 1:
                head = phrase[-1]
                tags[head] = None
                relations[(head, tag)] = None
        return Tagging(tuple(tags), tuple(relations))


def _phrases(text: str) -> list[tuple[str, ...]]:
    """Return the runs of content words between stop words and punctuation."""
    phrases: list[tuple[str, ...]] = []
    run: list[str] = []
    for match in _WORD.finditer(text[:8000]):
        word = match[0].lower().replace("’", "'")
        bare = word.removesuffix("'s")
        if bare in _WEAK or "'" in bare or not bare[0].isalnum() or len(bare) < 3 or bare.isdigit():
            if run:
                phrases.append(tuple(run))
            run = []
        else:
            run.append(bare)
    if run:
        phrases.append(tuple(run))
    return phrases


_PROMPT = """Tag the text for a memory index. Return only JSON of the form
{{"tags": ["..."], "relations": [{{"parent": "...", "child": "..."}}]}}
3 to 8 tags: lower case, at most three words joined by underscores, specific rather than general. Cover topics and activities, \
places, people and things, feelings. Never "conversation" or "chat". A relation names a broader tag (parent) of a tag (child).

Text: {text}
JSON:"""


class LanguageModelTagger:
    """Tags from a language model, checked; where its answer cannot be used the keyphrases stand in.

    Parameters
    ----------
    complete : callable
        From prompt to text.
    name : str
        Goes into the records, so that another model's tags can be told apart.
    """

    def __init__(self, complete: Callable[[str], str], *, name: str = "language-model") -> None:
        self.name = name
        self._complete = complete
        self._fallback = KeyphraseTagger()
        self.num_fallbacks = 0

    def tag(self, texts: Sequence[str]) -> list[Tagging]:
        """Return one tagging a text, in order."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Tagging:
        tagging = parse_tagging(self._complete(_PROMPT.format(text=text[:4000])))
        if tagging is None:
            self.num_fallbacks += 1
            return self._fallback.tag([text])[0]
        return tagging


def as_tagger(tagger: Tagger | Callable[[str], str] | None) -> Tagger:
    """Return a tagger: keyphrases for None, a language model's for a plain callable."""
    if tagger is None:
        return KeyphraseTagger()
    if isinstance(tagger, Tagger):
        return tagger
    if not callable(tagger):
        raise TypeError(f"tagger must have a method tag(texts) or be callable, got {type(tagger).__name__}")
    return LanguageModelTagger(tagger)


def parse_tagging(answer: str) -> Tagging | None:
    """Return the tagging in a model's answer, or None when there is none to use."""
    try:
        start, end = answer.find("{"), answer.rfind("}")
        parsed = json.loads(answer[start : end + 1])
        raw, pairs = parsed["tags"], parsed.get("relations", [])
        tags = [tag for tag in (_clean(tag) for tag in raw) if tag is not None][:MAX_TAGS]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if len(tags) < 3:
        return None
    relations: list[tuple[str, str]] = []
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, dict):
            parent, child = _clean(pair.get("parent")), _clean(pair.get("child"))
            if parent and child and parent != child:
                relations.append((parent, child))
    return Tagging(tuple(dict.fromkeys(tags)), tuple(dict.fromkeys(relations)))


def _clean(tag: object) -> str | None:
    """Return a tag in our spelling, or None when it is none."""
    if not isinstance(tag, str):
        return None
    parts = re.findall(r"[^\W_]+", tag.lower())
    return (
        "_".join(parts)
        if 1 <= len(parts) <= MAX_WORDS and parts != ["conversation"] and parts != ["chat"]
        else None
    )
