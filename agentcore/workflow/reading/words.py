"""Words, stems, titles and sentences of plain English text, with offsets."""

from __future__ import annotations

import functools
import re
import threading

import Stemmer

__all__ = [
    "STOP_WORDS",
    "bare_title",
    "content_stems",
    "sentence_spans",
    "stem",
    "title_key",
    "word_key",
    "words",
]

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "more",
        "most",
        "my",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "own",
        "same",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_PARENTHESIS = re.compile(r"\s*\([^)]*\)")
# A full stop ends a sentence when what follows looks like the start of another one.
_BOUNDARY = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\W_a-z])|\n{2,}|\n(?=[-*#|\d])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Gov|Sen|Rep|vs|v|etc|approx|ca|c|No|nos|Vol|"
    r"vol|pp|p|Fig|fig|Inc|Ltd|Co|Corp|Mt|Ft|e\.g|i\.e|cf|al|b|d|r|fl|Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec)|"
    r"\b[A-Z]|\b(?:[A-Za-z]\.)+[A-Za-z])\.$"
)
_STEMMERS = threading.local()


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [match.group().lower() for match in _WORD.finditer(text)]


@functools.lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the Snowball stem of a lower-case word."""
    if not hasattr(_STEMMERS, "english"):  # a Stemmer is not safe from several threads
        _STEMMERS.english = Stemmer.Stemmer("english")
    return str(_STEMMERS.english.stemWord(word.replace("’", "'").removesuffix("'s")))


def content_stems(text: str) -> list[str]:
    """Return the stems of the words that are no stop words, in order."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def word_key(text: str) -> str:
    """Return a text as lower-case words between single spaces, for whole-word comparison."""
    return " ".join(words(text))


@functools.lru_cache(maxsize=16384)
def bare_title(title: str) -> str:
    """Return a title without what tells it from others of that name: "Calls" of "Calls (film)"."""
    return title.split(" (", 1)[0]


def title_key(title: str) -> str:
    """Return a title's words without what stands in parentheses ("Drifting (motorsport)" -> "drifting")."""
    return word_key(_PARENTHESIS.sub("", title)) or word_key(title)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences.

    Returns
    -------
    list of (start, end)
        Offsets into ``text`` without surrounding white space, in order, never empty and never overlapping.
    """
    cuts, start = [], 0
    for boundary in _BOUNDARY.finditer(text):
        before = text[start : boundary.start()].rstrip("\"'”’)]")
        if boundary.group().startswith("\n") or not _ABBREVIATION.search(before):
            cuts.append((start, boundary.start() + len(boundary.group().rstrip())))
            start = boundary.end()
    cuts.append((start, len(text)))
    spans = []
    for left, right in cuts:
        piece = text[left:right]
        stripped = piece.strip()
        if stripped:
            offset = left + piece.index(stripped)
            spans.append((offset, offset + len(stripped)))
    return spans
