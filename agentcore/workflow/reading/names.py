"""Names in a sentence: runs of capitalised words, with the small words and the full stops inside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentcore.workflow.reading.nations import DEMONYMS
from agentcore.workflow.reading.words import STOP_WORDS

__all__ = ["LONGEST", "names_of"]

LONGEST = 7  # words of a name or a phrase
Offsets = tuple[int, int]

# Words between the parts of a name: "Ana García de los Ríos y Caller", "Conall mac Taidg".
_JOINERS = frozenset(
    (
        "of", "the", "de", "da", "di", "du", "la", "le", "von", "van", "der", "den", "zu", "del", "della", "des", "dos", "los", "las",
        "y", "mac", "ap", "al", "el", "bin", "bint", "ibn", "ben", "&",
    )
)  # fmt: skip
_ABBREVIATED = frozenset(("St", "Mt", "Ft", "Dr", "Mr", "Mrs", "Jr", "Sr"))  # their full stop ends no name


def names_of(text: str, tokens: Sequence[Offsets]) -> Iterator[Offsets]:
    """Yield runs of capitalised words, whole and cut at commas and joiners.

    Parameters
    ----------
    text : str
        One sentence.
    tokens : sequence of (start, end)
        Its words.
    """
    for run in _runs(text, tokens):
        while len(run) > 1 and text[slice(*run[0])].lower() in STOP_WORDS:
            # "The Conversation" stands with its article and without
            if text[slice(*run[0])] in ("The", "A", "An"):
                yield run[0][0], run[-1][1]
            run = run[1:]
        if not run or (len(run) == 1 and text[slice(*run[0])].lower() in STOP_WORDS):
            continue
        if len(run) <= LONGEST:
            yield run[0][0], run[-1][1]
        first = text[slice(*run[0])]
        # "Italian Umberto Nobile", "1996 Nobel Prize"
        if len(run) > 1 and (first in DEMONYMS or first.isdigit()):
            yield run[1][0], run[-1][1]
        for part in _parts(text, run):
            if len(part) <= LONGEST:
                yield part[0][0], part[-1][1]


def _runs(text: str, tokens: Sequence[Offsets]) -> Iterator[list[Offsets]]:
    """Yield maximal runs of capitalised words with joiners and single commas between them."""
    run: list[Offsets] = []
    bridge: list[Offsets] = []
    for token in tokens:
        gap = text[(bridge or run)[-1][1] : token[0]] if run else ""
        word = text[slice(*token)]
        is_short = bool(run) and text[slice(*run[-1])] in _ABBREVIATED and not bridge
        joined = (gap.strip() in ("", ",") or (gap.strip() == "." and is_short)) and len(bridge) <= 2
        if run and not joined:
            yield run
            run, bridge = [], []
        if _is_capital(text, token):
            run, bridge = [*run, *bridge, token], []
        elif run and word in _JOINERS and gap.strip() == "":
            bridge.append(token)
        else:
            if run:
                yield run
            run, bridge = [], []
    if run:
        yield run


def _parts(text: str, run: list[Offsets]) -> Iterator[list[Offsets]]:
    """Yield the pieces of a run between commas and joiners, and neighbouring pieces joined."""
    pieces: list[list[Offsets]] = [[]]
    soft: list[bool] = []  # whether the joint before piece i + 1 may be kept ("of", ","), or not ("and")
    for index, token in enumerate(run):
        word = text[slice(*token)]
        if word in _JOINERS:
            if pieces[-1]:
                pieces.append([])
                soft.append(word != "&")
            continue
        if index and pieces[-1] and "," in text[run[index - 1][1] : token[0]]:
            pieces.append([])
            soft.append(True)
        pieces[-1].append(token)
    pieces = [piece for piece in pieces if piece]
    yield from pieces
    for index in range(len(pieces) - 1):
        if index < len(soft) and soft[index]:
            between = [t for t in run if pieces[index][0][0] <= t[0] <= pieces[index + 1][-1][0]]
            yield between


def _is_capital(text: str, token: Offsets) -> bool:
    """Tell whether a token looks like part of a name."""
    word = text[token[0] : token[1]]
    return word[0].isupper() or word[0].isdigit() or any(letter.isupper() for letter in word[1:])
