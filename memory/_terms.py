"""From text to the stems that BM25 counts, as 64-bit hashes: no vocabulary to keep, nothing to stem again on opening."""

from __future__ import annotations

import re
import struct
import threading
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import Stemmer

from agentcore.memory._stop_words import STOP_WORDS

__all__ = ["ANALYZER", "TERM", "pack_terms", "stems", "stems_of", "term_hash", "term_of", "words"]

ANALYZER = "porter-1"
"""Version of what this module does; a file whose terms were made by another is analysed anew."""

TERM = np.dtype([("hash", "<u8"), ("count", "<u2")])
"""One entry of a text's bag of stems, packed to 10 bytes."""

# Runs of one alphabet; Chinese, Japanese and Korean runs have no spaces and are cut into pairs of characters.
_RUN = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)
_ASCII_RUN = re.compile(r"[a-z0-9]+")  # the same for lower-case ASCII, in half the time
_CJK_START = "\u3040"
_stemmers = threading.local()  # a Stemmer object is not safe from several threads


def words(text: str) -> list[str]:
    """Return the lower-case words of a text, stop words among them."""
    if text.isascii():
        return _ASCII_RUN.findall(text.lower())
    found: list[str] = []
    for run in _RUN.findall(text.lower()):
        if run[0] >= _CJK_START and len(run) > 1:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
        else:
            found.append(run)
    return found


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    """Porter stem of a lower-case word."""
    stemmer = getattr(_stemmers, "porter", None)
    if stemmer is None:
        stemmer = _stemmers.porter = Stemmer.Stemmer("porter", 0)
    return str(stemmer.stemWord(word))


@lru_cache(maxsize=200_000)
def term_hash(stem: str) -> int:
    """Return the 64-bit hash of a stem, the same in every process."""
    return int.from_bytes(blake2b(stem.encode(), digest_size=8).digest(), "little")


@lru_cache(maxsize=50_000)
def term_of(word: str) -> int:
    """Return the hash of the stem of a lower-case word; 0 for one that carries no content."""
    return 0 if word in STOP_WORDS else term_hash(_stem(word))


def stems(text: str) -> list[str]:
    """Return the content stems of a text, in order, with repeats."""
    return stems_of(words(text))


def stems_of(lower_words: Iterable[str]) -> list[str]:
    """Return the stems of those words that carry content."""
    return [_stem(word) for word in lower_words if word not in STOP_WORDS]


def pack_terms(text: str) -> bytes:
    """Return the bag of stems of a text as packed `TERM` entries."""
    return b"".join([_packed(stem, count) for stem, count in Counter(stems(text)).items()])


@lru_cache(maxsize=50_000)
def _packed(stem: str, count: int) -> bytes:
    """Return one `TERM` entry."""
    return struct.pack("<QH", term_hash(stem), min(count, 65_535))
