"""Who is what to whom: kinship, teaching, work, property and succession, told from either side.

A relation has two sides ("mother", "daughter"); a fact is the same whichever side it names. Facts are read off nouns with
somebody before and behind them ("Maria is the mother of Elena", "Elena is Maria's daughter") and off a few verbs ("taught").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.lexicon import ADVERBS, BE, MONTHS, PREPOSITIONS, lemma
from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._text import Token

__all__ = ["RELATIVE_NOUNS", "kin_problems"]

# Relation: words for the one side, words for the other; the same words on both where it is mutual.
_SIDES = {
    relation: (frozenset(one.split()), frozenset(other.split()))
    for relation, one, other in (
        ("parent", "mother father parent", "son daughter child"),
        ("grandparent", "grandmother grandfather grandparent", "grandson granddaughter grandchild"),
        ("aunt", "aunt uncle", "niece nephew"),
        ("sibling", "brother sister sibling", "brother sister sibling"),
        ("cousin", "cousin", "cousin"),
        ("spouse", "husband wife spouse widow widower", "husband wife spouse widow widower"),
        ("teaching", "teacher master tutor", "student pupil apprentice"),
        ("work", "employer boss", "employee"),
        ("succession", "predecessor", "successor"),
        ("property", "owner proprietor", "property"),
    )
}
# Nobody is two of these to the same person.
_FAMILY = frozenset(("parent", "grandparent", "aunt", "sibling", "cousin", "spouse"))
_GENDER = {
    word: gender
    for gender, words in (
        ("female", "mother daughter grandmother granddaughter aunt niece sister wife widow"),
        ("male", "father son grandfather grandson uncle nephew brother husband widower"),
    )
    for word in words.split()
}
_NEUTRAL = frozenset(("parent", "child", "grandparent", "grandchild", "sibling", "spouse"))
RELATIVE_NOUNS = frozenset(word for sides in _SIDES.values() for side in sides for word in side)
# Verb: relation, the slots of its one side and of its other side.
_VERBS = {
    lemma(verb): (relation, one, other)
    for verbs, relation, one, other in (
        ("teach train instruct", "teaching", "agent", "patient"),
        ("learn study", "teaching", "under", "agent"),
        ("employ hire", "work", "agent", "patient"),
        ("work", "work", "for", "agent"),
        ("own possess", "property", "agent", "patient"),
        ("belong", "property", "to", "agent"),
        ("succeed replace", "succession", "patient", "agent"),
        ("precede", "succession", "agent", "patient"),
        ("marry", "spouse", "agent", "patient"),
    )
    for verb in verbs.split()
}
_POSSESSIVES = frozenset(("his", "her", "their", "its"))
_BETWEEN = ADVERBS | {"himself", "herself", "itself"}
_LINKS = BE | {"became", "as", "remained"}


@dataclass(frozen=True, slots=True)
class _Fact:
    """One relation: ``one`` and ``other`` are the lemmas of who stands on its two sides, ``word`` names ``holder``'s side."""

    relation: str
    one: frozenset[str]
    other: frozenset[str]
    word: str
    holder: frozenset[str]


def kin_problems(
    claim: Sequence[Token], spans: Sequence[Token], said: Sequence[Clause], known: Sequence[Clause]
) -> Iterator[str]:
    """Yield relations that the spans give otherwise, and words of kinship that they replace by another."""
    theirs = [*_noun_facts(spans), *_verb_facts(known)]
    settled: set[str] = set()
    for fact in (*_noun_facts(claim), *_verb_facts(said)):
        verdict = _judge(fact, theirs)
        if verdict is not None:
            settled.add(fact.word)
        if verdict is False:
            yield f"the cited spans do not give {fact.word!r} that way round"
    ours, there = ({t.low for t in tokens} & RELATIVE_NOUNS for tokens in (claim, spans))
    if there:
        for word in sorted(ours - there - settled):
            if word in _NEUTRAL and any(
                word in side and side & there for sides in _SIDES.values() for side in sides
            ):
                continue  # "her spouse" for "her husband"
            yield f"the cited spans say {', '.join(sorted(there))}, not {word}"


def _judge(fact: _Fact, theirs: Sequence[_Fact]) -> bool | None:
    """Tell whether the spans' facts on the same two carry a fact; None where they say nothing of it."""
    is_mutual = len({*_SIDES[fact.relation]}) == 1
    verdict = None
    for other in theirs:
        straight = _same(fact.one, other.one) and _same(fact.other, other.other)
        crossed = _same(fact.one, other.other) and _same(fact.other, other.one)
        if not (straight or crossed):
            continue
        if fact.relation == other.relation:
            if (straight or is_mutual) and not _clash(fact, other):
                return True
            verdict = False
        elif {fact.relation, other.relation} <= _FAMILY:
            verdict = False
    return verdict


def _clash(fact: _Fact, other: _Fact) -> bool:
    """Tell whether the words make the same person a man and a woman, or exchange husband and wife."""
    left, right = _GENDER.get(fact.word), _GENDER.get(other.word)
    if not left or not right:
        return False
    if _same(fact.holder, other.holder):
        return left != right
    return fact.relation == "spouse" and left == right


def _same(left: frozenset[str], right: frozenset[str]) -> bool:
    """Tell whether two names may mean the same: one is a part of the other."""
    return left <= right or right <= left


def _fact(word: str, holder: frozenset[str], whose: frozenset[str]) -> Iterator[_Fact]:
    if not holder or not whose or holder & whose == holder:
        return
    for relation, (one, other) in _SIDES.items():
        if word in one:
            yield _Fact(relation, holder, whose, word, holder)
        elif word in other:
            yield _Fact(relation, whose, holder, word, holder)


def _verb_facts(clauses: Sequence[Clause]) -> Iterator[_Fact]:
    """Yield what verbs say of two."""
    for clause in clauses:
        if clause.verb is None or clause.verb.lemma not in _VERBS or clause.is_denied:
            continue
        relation, one, other = _VERBS[clause.verb.lemma]
        sides = [
            _who([t for t, slot in zip(clause.tokens, clause.slots, strict=True) if slot == name])
            for name in (one, other)
        ]
        if all(sides):
            yield _Fact(relation, sides[0], sides[1], clause.verb.text, sides[0])


def _noun_facts(tokens: Sequence[Token]) -> Iterator[_Fact]:
    """Yield what nouns of relation say of two."""
    for number in sorted({token.sentence for token in tokens}):
        sentence = [token for token in tokens if token.sentence == number]
        for place, token in enumerate(sentence):
            if token.low in RELATIVE_NOUNS:
                for holder, whose in _sides(sentence, place):
                    yield from _fact(token.low, holder, whose)


def _sides(tokens: Sequence[Token], place: int) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield who is called by the noun, and whose relative that is."""
    start, end, whose = place, place + 1, frozenset[str]()
    owner = next((i for i in range(place - 1, max(-1, place - 4), -1) if tokens[i].owns), None)
    if owner is not None:  # "Johann Adler's teacher"
        start = owner
        while start and _is_named(tokens[start - 1]) and not tokens[start].gap:
            start -= 1
        whose = _who(tokens[start : owner + 1])
    elif place and tokens[place - 1].low in _POSSESSIVES:  # "his father": of whom the sentence speaks first
        start = place - 1
        first = next((i for i in range(start) if _is_named(tokens[i])), start)
        whose = _who(_run(tokens, first)) if first < start else whose
    elif end < len(tokens) and tokens[end].low == "of":
        begin = next((i for i in range(end + 1, min(end + 6, len(tokens))) if _is_named(tokens[i])), None)
        begin = end + 1 if begin is None else begin
        run = _run(tokens, begin) or _phrase(tokens, begin)
        whose, end = _who(run), begin + len(run)
    start = _phrase_start(tokens, start)
    if start and tokens[start - 1].low in _LINKS:  # "X is the mother"
        before = tokens[: start - 1]
        since = max((i for i, token in enumerate(before) if token.gap), default=0)
        who = _who([t for t in before[since:] if not t.owns])
        yield who or _who(_run(before, 0)), whose  # "X, who taught Z, was a pupil of Y"
    elif start and tokens[start].gap and _is_named(tokens[start - 1]):  # "X, the mother of Y"
        begin = start - 1
        while begin and _is_named(tokens[begin - 1]) and not tokens[begin].gap:
            begin -= 1
        yield _who(tokens[begin:start]), whose
    if end < len(tokens):
        at = end + 1 if tokens[end].low in BE else end  # "her mother is X", "her mother, X"
        yield _who(_run(tokens, at)), whose


def _phrase_start(tokens: Sequence[Token], start: int) -> int:
    """Return where the noun's phrase begins, with what may stand between it and the verb ("herself a", "also the")."""
    while start and not tokens[start].gap and tokens[start - 1].low not in _LINKS | PREPOSITIONS:
        if _is_named(tokens[start - 1]) and tokens[start].low not in _POSSESSIVES:
            break
        is_article = tokens[start].low in ("a", "an", "the")
        if is_article and tokens[start - 1].low not in _BETWEEN:
            break
        start -= 1
    return start


def _is_named(token: Token) -> bool:
    """Tell whether a word is written like a name, also where it opens the sentence."""
    return token.text[0].isupper() and token.is_content and token.number is None and token.low not in MONTHS


def _run(tokens: Sequence[Token], begin: int) -> list[Token]:
    """Return the names that stand together from a place on."""
    run: list[Token] = []
    for token in tokens[begin:]:
        if not _is_named(token) or (run and token.gap):
            break
        run.append(token)
    return run


def _phrase(tokens: Sequence[Token], begin: int) -> list[Token]:
    """Return the words from a place on, up to the next mark or preposition."""
    phrase: list[Token] = []
    for token in tokens[begin:]:
        if token.gap or token.low in PREPOSITIONS:
            break
        phrase.append(token)
    return phrase


def _who(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the lemmas of the names among the words, else of the nouns."""
    words = [
        token
        for token in tokens
        if token.is_content and token.number is None and token.low not in RELATIVE_NOUNS
    ]
    return frozenset(t.lemma for t in ([t for t in words if _is_named(t)] or words))
