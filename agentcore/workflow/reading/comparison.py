"""Questions that compare two things, answered by code: "A or B", "are both A and B X", "same nationality".

A small model answers these by chance; dates, numbers and shared words in the two passages do better (on 60
HotpotQA questions it fires 7 times: 5 exact, 2 right under another form of the name).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.question import asks_yes_or_no
from agentcore.workflow.reading.words import bare_title, content_stems, sentence_spans, title_key, word_key

__all__ = ["Comparison", "compare", "compared_passages", "compared_things"]

# "..., A or B" at the end: A begins behind the last comma or colon that a blank follows, else with its capital letters.
_OR_LAST = re.compile(r"(?:^|(?P<cut>[,:]\s+))(?P<a>[^,:?]+?),? or (?P<b>[^?]+?)$")
_OR_FIRST = re.compile(
    r"^(?:Is|Are|Was|Were|Did|Does|Do|Has|Have) (?P<a>[^,?]+?),? or (?P<b>.+?)"
    r" (?:born|released|founded|formed|built|established|published|opened|made|created|the|a|an|older|younger|larger|taller|"
    r"longer|more|come|have|has|win|die|first)\b.*$"
)
_BETWEEN = re.compile(
    r"^(?:[Bb]etween|[Oo]f|[Oo]ut of) (?P<a>.+?) (?:and|or) (?P<b>[^,]+(?:, (?!who|what|which)[^,]+)*), (?:who|what|which)\b"
)
_NAME = r"(?:[Tt]he )?[A-Z0-9\"“'][^\s,]*(?:\s+(?:(?:of|the|de|van|von|and|du|la)\s+)?[A-Z0-9(][^\s,]*)*"
_BOTH = re.compile(
    rf"^(?:[Aa]re|[Ww]ere|[Ii]s|[Ww]as|[Dd]o|[Dd]oes|[Dd]id|[Hh]ave|[Hh]as)\s+(?:both\s+)?"
    rf"(?P<a>{_NAME.replace('and|', '')}),?\s+and\s+(?:the\s+)?(?P<b>{_NAME}),?\s+(?P<rest>.+)$"
)
_EARLIER = re.compile(r"\b(earlier|older|oldest|first|before|earliest)\b", re.IGNORECASE)
_LATER = re.compile(
    r"\b(later|younger|youngest|latest|after|newer|more recently|most recent)\b", re.IGNORECASE
)
_MORE = re.compile(
    r"\b(more|larger|largest|bigger|higher|taller|longer|most|greater|deeper)\b", re.IGNORECASE
)
_FEWER = re.compile(r"\b(fewer|less|smaller|smallest|lower|shorter|least)\b", re.IGNORECASE)
_LIVED = re.compile(
    r"\b(?:lived|life|lifespan)\b.*\b(?:longer|shorter)\b|\b(?:longer|shorter) life", re.IGNORECASE
)
_DIED = re.compile(r"\b(?:die|died|death|dead)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b")
_NUMBER = re.compile(r"\b\d+(?:,\d{3})*(?:\.\d+)?\b")
_DATE = re.compile(
    r"(?:(?P<m1>[A-Z][a-z]{2,8})\.? (?P<d1>\d{1,2}),? (?P<y1>1[0-9]{3}|20[0-9]{2}))|"
    r"(?:(?P<d2>\d{1,2}) (?P<m2>[A-Z][a-z]{2,8}),? (?P<y2>1[0-9]{3}|20[0-9]{2}))"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SAME = re.compile(r"\bsame\s+(nationality|country)\b", re.IGNORECASE)
_NATION = re.compile(r"\b([A-Z][a-z]+(?:an|ish|ese|ch|ian|i|ic|ek|sh))\b")


Day = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the code found.

    Attributes
    ----------
    answer : str
        One of the two names, "yes" or "no".
    passages : tuple of int
        The passages it was read from.
    is_measured : bool
        Dates or numbers decided, not the words that the passages share with the question.
    """

    answer: str
    passages: tuple[int, ...]
    is_measured: bool


def compared_things(question: str) -> tuple[str, str] | None:
    """Return the two things a question compares, None when it compares none."""
    text = question.strip().rstrip("?").strip()
    both = _BOTH.match(text)
    if both and not re.search(r"\bor\b", text):
        return both["a"].strip(), both["b"].strip()
    for pattern in (_BETWEEN, _OR_FIRST, _OR_LAST):
        either = pattern.search(text)
        if either is None or not _is_name(either["a"]):
            continue
        second = re.sub(r"^(?:the|a|an)\s+", "", either["b"].strip())
        if second[:1].isupper() or second[:1].isdigit() or second[:1] in '"“':
            is_whole = pattern is not _OR_LAST or bool(either["cut"])
            first = either["a"].strip() if is_whole else _last_name(either["a"])
            return re.sub(r"^(?:the|a|an)\s+", "", first), second
    return None


def compare(question: str, passages: Sequence[Passage]) -> Comparison | None:
    """Answer a comparison from the passages of the two things, None when the code cannot tell."""
    things, found = _things(question, passages), compared_passages(question, passages)
    if things is None or found is None:
        return None
    texts = [passages[place].text for place in found]
    if asks_yes_or_no(question) and " or " not in question:
        answer = _both(question, word_key(question).rpartition(title_key(things[1]))[2], texts)
        return None if answer is None else Comparison(answer, found, is_measured=False)
    better = _by_measure(question, texts)
    is_measured = better is not None
    if better is None and not _asks_for_more(question):
        better = _by_words(question, things, texts)
    return None if better is None else Comparison(things[better], found, is_measured)


def compared_passages(question: str, passages: Sequence[Passage]) -> tuple[int, int] | None:
    """Return the passages of the two things a question compares, None when it compares none or one is missing."""
    places = [_passage_of(thing, passages) for thing in _things(question, passages) or ()]
    if len(places) < 2 or places[0] is None or places[1] is None or places[0] == places[1]:
        return None
    return places[0], places[1]


def _things(question: str, passages: Sequence[Passage]) -> tuple[str, str] | None:
    """Return the two things: titles that stand in the question, else what its form says."""
    return _named_titles(question, passages) or compared_things(question)


def _named_titles(question: str, passages: Sequence[Passage]) -> tuple[str, str] | None:
    """Return two titles that stand in the question with "or" between them, the longest that do.

    Titles know best where a name ends: "Die Screaming, Marianne or Bury Me Not on the Lone Prairie". With "and" between
    them two names are compared only in a question for yes or no, or behind "between".
    """
    joined = "or|and" if asks_yes_or_no(question) or _BETWEEN.search(question) else "or"
    text = f" {word_key(question)} "
    titles = {title_key(p.title): bare_title(p.title) for p in passages if title_key(p.title)}
    found = sorted((key for key in titles if f" {key} " in text), key=len, reverse=True)
    for first in found:
        at = text.index(f" {first} ")
        rest = text[at + len(first) + 1 :]
        for second in found:
            if second != first and re.match(rf" (?:{joined}) (?:the |a |an )?{re.escape(second)} ", rest):
                return titles[first], titles[second]
    return None


def _is_name(text: str) -> bool:
    """Tell whether a stretch of a question ends in, or is, a name."""
    return any(word[:1].isupper() or word[:1].isdigit() for word in text.split()[-4:])


def _last_name(text: str) -> str:
    """Return the capitalised words that end a stretch ("who is younger Keith Bostic" -> "Keith Bostic")."""
    parts = text.split()
    start = len(parts)
    while start and (
        parts[start - 1][:1].isupper() or parts[start - 1] in ("of", "the", "de", "van", "von", "and")
    ):
        start -= 1
    kept = " ".join(parts[start:]) or text
    return re.sub(r"^(?:the|The|of|and)\s+", "", kept).strip()


def _passage_of(thing: str, passages: Sequence[Passage]) -> int | None:
    """Return the passage about a thing: by its title, else by its opening."""
    key = title_key(re.sub(r"^the ", "", thing, flags=re.IGNORECASE))
    titles = [title_key(passage.title) for passage in passages]
    sets = [set(title.split()) for title in titles]
    exact = [title == key for title in titles]
    nested = [words <= set(key.split()) or set(key.split()) <= words for words in sets]
    named = [f" {key} " in f" {word_key(passage.text[:200])} " for passage in passages]
    for fits in (exact, nested, named):
        if key and True in fits:
            return fits.index(True)
    return None


def _asks_for_more(question: str) -> bool:
    """Tell whether numbers or lives decide, which no shared words replace."""
    return any(pattern.search(question) for pattern in (_LIVED, _MORE, _FEWER))


def _by_measure(question: str, texts: Sequence[str]) -> int | None:
    """Return which of the two by the length of its life, its date or its number, None where these do not tell."""
    if _LIVED.search(question):
        lives = [_life(text) for text in texts]
        ages = [None if life is None else _age(*life) for life in lives]
        if ages[0] is None or ages[1] is None or ages[0] == ages[1]:
            return None
        return int((ages[0] > ages[1]) == bool(re.search(r"\bshort", question)))
    if _EARLIER.search(question) or _LATER.search(question):
        dates = [_first_date(text) for text in texts]
        if _DIED.search(question):
            lives = [_life(text) for text in texts]
            dates = [None if life is None else life[1] for life in lives]
        if dates[0] and dates[1] and dates[0] != dates[1]:
            is_first_earlier = dates[0] < dates[1]
            return int(is_first_earlier == bool(_LATER.search(question)))
    if _MORE.search(question) or _FEWER.search(question):
        numbers = [_largest_number(text) for text in texts]
        if numbers[0] is not None and numbers[1] is not None and numbers[0] != numbers[1]:
            return int((numbers[0] > numbers[1]) == bool(_FEWER.search(question)))
    return None


def _by_words(question: str, things: Sequence[str], texts: Sequence[str]) -> int | None:
    """Return which of the two by the words of the rest of the question."""
    rest = set(content_stems(question)) - set(content_stems(" ".join(things)))
    held = [len(rest & set(content_stems(text))) for text in texts]
    return None if held[0] == held[1] else int(held[1] > held[0])


def _both(question: str, rest: str, texts: Sequence[str]) -> str | None:
    """Answer "are both A and B X": by a shared nation, else by half of X's words in both passages."""
    if _SAME.search(question):
        openings = [text[slice(*sentence_spans(text)[0])] for text in texts]
        nations = [set(_NATION.findall(opening)) for opening in openings]
        return None if not nations[0] or not nations[1] else ("yes" if nations[0] & nations[1] else "no")
    wanted = set(content_stems(rest))
    if not wanted or re.search(r"\bsame\b", rest):
        return None
    shares = [len(wanted & set(content_stems(text))) / len(wanted) for text in texts]
    kind = content_stems(rest)[
        -1
    ]  # of "film directors" the directors must be there, "film" alone is not enough
    is_kind = all(kind in content_stems(text) for text in texts)
    return "yes" if is_kind and min(shares) >= 0.5 else "no"


def _first_date(text: str) -> Day | None:
    """Return the first date as (year, month, day), a bare year as (year, 0, 0)."""
    return next(iter(_dates(text)), None)


def _dates(text: str) -> list[Day]:
    """Return the dates and bare years of a text in order."""
    found: list[Day] = []
    end = 0
    for year in _YEAR.finditer(text):
        if year.start() < end:
            continue
        date = next((d for d in _DATE.finditer(text, end) if d.start() <= year.start() < d.end()), None)
        month = (date["m1"] or date["m2"])[:3].lower() if date else ""
        if date and month in _MONTHS:
            found.append(
                (int(date["y1"] or date["y2"]), _MONTHS.index(month) + 1, int(date["d1"] or date["d2"]))
            )
        else:
            found.append((int(year.group()), 0, 0))
        end = date.end() if date else year.end()
    return found


def _life(text: str) -> tuple[Day, Day] | None:
    """Return the days of birth and death that an opening gives in parentheses, or after "died"."""
    opening = re.search(r"\(([^)]*[–—-][^)]*)\)", text[:300])
    dates = _dates(opening.group(1)) if opening else []
    if len(dates) >= 2:
        return dates[0], dates[1]
    born, died = re.search(r"\bborn\b", text), re.search(r"\bdied\b", text)
    if born and died and _dates(text[born.end() :]) and _dates(text[died.end() :]):
        return _dates(text[born.end() :])[0], _dates(text[died.end() :])[0]
    return None


def _age(born: Day, died: Day) -> int:
    """Return the years of a life, whole ones."""
    return died[0] - born[0] - int(died[1:] < born[1:])


def _largest_number(text: str) -> float | None:
    """Return the largest number that is no year."""
    numbers = [float(n.replace(",", "")) for n in _NUMBER.findall(text) if not _YEAR.fullmatch(n)]
    return max(numbers, default=None)
