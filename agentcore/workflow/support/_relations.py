"""Relations: who does what to whom, what is compared with what, what causes what, who is whose kin."""

from __future__ import annotations

from collections.abc import Iterator

from agentcore.workflow.reading.words import STOP_WORDS
from agentcore.workflow.support._text import Token, content

__all__ = ["relation_problems"]

_KIN = frozenset(
    (
        "mother", "father", "daughter", "son", "sister", "brother", "wife", "husband", "aunt", "uncle", "niece", "nephew",
        "grandfather", "grandmother", "grandson", "granddaughter", "cousin", "widow", "teacher", "student", "pupil",
        "master", "employer", "employee", "parent", "child", "predecessor", "successor",
    )
)  # fmt: skip
_PRONOUNS = frozenset(
    ("he", "she", "it", "they", "his", "her", "its", "their", "him", "them", "who", "which", "there")
)
_MONTHS = frozenset(
    (
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    )
)  # fmt: skip
_COMPARED = ("than", "before", "after")


def relation_problems(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield relations that the spans state otherwise."""
    yield from _kin(claim, spans)
    for problem in (
        _compared(claim, spans),
        _caused(claim, spans),
        _swapped(claim, spans),
        _subject(claim, spans),
    ):
        if problem:
            yield problem
            return


def _kin(claim: list[Token], spans: list[Token]) -> Iterator[str]:
    """Yield words of kinship that the spans replace by another."""
    ours = {token.text.lower() for token in claim} & _KIN
    theirs = {token.text.lower() for token in spans} & _KIN
    for word in sorted(ours - theirs):
        if theirs:
            yield f"the cited spans say {', '.join(sorted(theirs))}, not {word}"


def _names(tokens: list[Token]) -> list[tuple[int, set[str]]]:
    """Return the names as (place of the last word, lower-case words), months and days left out."""
    names: list[tuple[int, set[str]]] = []
    run: list[int] = []
    for place, token in enumerate([*tokens, None]):
        is_part = (
            token is not None
            and token.number is None
            and token.text[0].isupper()
            and token.text.lower() not in STOP_WORDS
            and token.text.lower() not in _MONTHS
            and (not run or token.chunk == tokens[run[-1]].chunk)
        )
        if is_part:
            run.append(place)
            continue
        if run and (len(run) > 1 or not tokens[run[0]].opens or _appears_inside(tokens, run[0])):
            names.append((run[-1], {tokens[index].text.lower() for index in run}))
        run = [place] if token is not None and run and _starts_name(token) and place not in run else []
    return names


def _starts_name(token: Token) -> bool:
    """Tell whether a token that ended one name (by a comma) begins another."""
    low = token.text.lower()
    return token.number is None and token.text[0].isupper() and low not in STOP_WORDS and low not in _MONTHS


def _appears_inside(tokens: list[Token], place: int) -> bool:
    """Tell whether a word that opens a sentence is followed by a verb form, as a name is."""
    following = tokens[place + 1].text.lower() if place + 1 < len(tokens) else ""
    return following in ("was", "is", "had", "has", "became", "took", "did", "made") or following.endswith(
        "ed"
    )


def _is_same(left: set[str], right: set[str]) -> bool:
    """Tell whether two names share a word."""
    return bool(left & right)


def _compared(claim: list[Token], spans: list[Token]) -> str | None:
    """Tell whether the two sides of a comparison changed places."""
    for word in _COMPARED:
        here = next((i for i, token in enumerate(claim) if token.text.lower() == word), None)
        there = next((i for i, token in enumerate(spans) if token.text.lower() == word), None)
        if here is None or there is None:
            continue
        sentence = spans[there].sentence
        left, right = _lemmas(claim[:here]), _lemmas(claim[here + 1 :])
        left_there = _lemmas([t for t in spans[:there] if t.sentence == sentence])
        right_there = _lemmas([t for t in spans[there + 1 :] if t.sentence == sentence])
        crossed = len((left - right) & (right_there - left_there)) and len(
            (right - left) & (left_there - right_there)
        )
        straight = len((left - right) & (left_there - right_there) & _differing(left, right_there)) and len(
            (right - left) & (right_there - left_there)
        )
        if crossed and not straight:
            return f"the cited spans compare the other way round ({word!r})"
    return None


def _differing(left: set[str], right: set[str]) -> set[str]:
    return left - right


def _lemmas(tokens: list[Token]) -> set[str]:
    return {token.lemma for token in content(tokens)}


def _caused(claim: list[Token], spans: list[Token]) -> str | None:
    """Tell whether cause and effect changed places around "because"."""
    ours, theirs = _because(claim), _because(spans)
    if ours is None or theirs is None:
        return None
    cause, effect = ours
    cause_there, effect_there = theirs
    kept = len(cause & cause_there) + len(effect & effect_there)
    crossed = len(cause & effect_there) + len(effect & cause_there)
    return "the cited spans give cause and effect the other way round" if crossed > kept else None


def _because(tokens: list[Token]) -> tuple[set[str], set[str]] | None:
    """Return (cause, effect) of the first "because"."""
    place = next((i for i, token in enumerate(tokens) if token.text.lower() == "because"), None)
    if place is None:
        return None
    sentence = [token for token in tokens if token.sentence == tokens[place].sentence]
    if tokens[place].opens:
        chunk = tokens[place].chunk
        return _lemmas([t for t in sentence if t.chunk == chunk]), _lemmas(
            [t for t in sentence if t.chunk != chunk]
        )
    at = sentence.index(tokens[place])
    return _lemmas(sentence[at + 1 :]), _lemmas(sentence[:at])


def _swapped(claim: list[Token], spans: list[Token]) -> str | None:
    """Tell whether two names changed places around the same words."""
    names = _names(claim)
    if len(names) < 2:
        return None
    (first_at, first), (second_at, second) = names[0], names[1]
    between = _lemmas(claim[first_at + 1 : second_at]) - first - second
    there = _names(spans)
    for place, name in there:
        for other_place, other in there:
            if place >= other_place or spans[place].sentence != spans[other_place].sentence:
                continue
            is_reversed = _is_same(name, second) and _is_same(other, first) and not _is_same(name, first)
            middle = spans[place + 1 : other_place + 1]
            same_voice = _passive(claim[first_at + 1 : second_at]) == _passive(middle)
            if is_reversed and same_voice and between & _lemmas(middle):
                return f"the cited spans put {' '.join(sorted(second))} first"
    return None


def _passive(tokens: list[Token]) -> bool:
    return any(token.text.lower() == "by" for token in tokens)


def _subject(claim: list[Token], spans: list[Token]) -> str | None:
    """Tell whether the spans say the claim's words of another name than the claim's subject."""
    names = _names(claim)
    if not names or names[0][0] - len(names[0][1]) > 1:  # the claim does not begin with a name
        return None
    at, subject = names[0]
    rest = _lemmas([token for token in _clause(claim, at) if token.text.lower() not in subject])
    if not rest:
        return None
    mentioned = set().union(*(words for _, words in names))
    best, overlap = None, 0
    for chunk in sorted({token.chunk for token in spans}):
        inside = [token for token in spans if token.chunk == chunk]
        shared = len(rest & _lemmas(inside))
        if shared > overlap:
            best, overlap = inside, shared
    if best is None or overlap * 2 < len(rest):
        return None
    before = [t for t in spans if t.sentence == best[0].sentence and t.chunk < best[0].chunk]
    if {
        token.text.lower() for token in before
    } & subject:  # "Light (born 1991) is American": the subject came before
        return None
    words = {token.text.lower() for token in best}
    if words & subject or (words & _PRONOUNS and not _leads_with_name(best, mentioned - subject)):
        return None
    rivals = [name for _, name in _names(best) if not name & subject]
    strangers = [name for name in rivals if not name & mentioned] or (
        rivals if _leads_with_name(best, mentioned - subject) else []
    )
    return f"the cited spans say it of {' '.join(sorted(strangers[0]))}" if strangers else None


def _clause(tokens: list[Token], at: int) -> list[Token]:
    """Return what follows a name, up to where another name opens a new clause."""
    for place in range(at + 1, len(tokens)):
        token = tokens[place]
        if token.is_name and token.chunk != tokens[place - 1].chunk:
            return tokens[at + 1 : place]
    return tokens[at + 1 :]


def _leads_with_name(tokens: list[Token], names: set[str]) -> bool:
    """Tell whether a chunk begins with one of the claim's other names as the one who acts."""
    telling = [token for token in tokens if token.text.lower() not in STOP_WORDS]
    return bool(telling) and telling[0].text.lower() in names
