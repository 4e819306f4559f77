"""A noun that no span has, in a place that the spans fill with another: "teaches chemistry" for "teaches history".

A paraphrase may call a thing otherwise, but it seldom repeats everything else word for word. So the noun is marked only where
the rest of its clause stands in one clause of the spans, the other noun stands behind the same word, and neither names the
kind of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agentcore.workflow.reading.lexicon import AUXILIARIES, MONTHS, NOUN_LIKE, VERBS, is_manner, lemma
from agentcore.workflow.support._clauses import Clause
from agentcore.workflow.support._kinship import RELATIVE_NOUNS
from agentcore.workflow.support._matching import same_predicate
from agentcore.workflow.support._text import Token

__all__ = ["filler_problems"]

# Nouns that may stand for many others.
_NOUNS = (
    "person people man woman men women human individual child thing object item way kind type sort form part place "
    "area region site spot country nation state land city town village settlement building structure house home room "
    "company firm business enterprise organisation organization institution body group team community animal creature "
    "species plant organism food meal drink machine device tool instrument vehicle car ship boat vessel craft road "
    "street work job post position role task event time period moment age season day year amount number sum money "
    "material substance matter metal stone water sea ocean coast shore book text volume film movie picture image "
    "photo photograph song music piece title name word language subject field discipline science art idea plan "
    "problem question answer result effect cause reason condition illness disease sickness doctor physician patient "
    "author writer artist leader chief head boss king queen monarch ruler prize award honour member worker employee "
    "staff crew shop store school college university autumn fall spouse relative friend partner rule law regulation "
    "fee price cost charge"
)
_GENERAL = frozenset(lemma(noun) for noun in _NOUNS.split())
_STEM = 5  # letters that words of one family share ("glacier", "glaciologist")


def filler_problems(
    claim: Sequence[Clause], spans: Sequence[Clause], are_alike: Callable[[str, str], bool]
) -> Iterator[str]:
    """Yield the first noun of the claim in whose place the spans have another, all else being equal.

    Parameters
    ----------
    are_alike : callable
        Tells whether two nouns may mean the same in the claim.
    """
    known = {token.lemma for clause in spans for token in clause.tokens}
    said = {token.lemma for clause in claim for token in clause.tokens}
    for clause in claim:
        new = [i for i, token in enumerate(clause.tokens) if token.is_content and token.lemma not in known]
        if len(new) != 1 or clause.compares or not _is_noun(clause, new[0]):
            continue
        for other in spans:
            rival = _rival(clause, new[0], other, said)
            if rival is not None and not are_alike(clause.tokens[new[0]].text, rival.text):
                yield f"the cited spans say {rival.text!r}, not {clause.tokens[new[0]].text!r}"
                return


def _is_noun(clause: Clause, place: int) -> bool:
    """Tell whether a word is a common noun behind the verb, or one that is counted, and heads its phrase."""
    token, slot = clause.tokens[place], clause.slots[place]
    if token.text[0].isupper() or token.number is not None or token.low in MONTHS or token is clause.verb:
        return False
    if (
        not place
        or clause.tokens[place - 1].low in AUXILIARIES
        or slot in ("agent", "verb", "than", "")
        or is_manner(token.low)
        or token.low in VERBS - NOUN_LIKE
    ):
        return False
    is_settled = token.lemma in _GENERAL or token.low in RELATIVE_NOUNS
    return not is_settled and not _is_modifier(clause.tokens, place)


def _is_modifier(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a noun follows in the same phrase."""
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    return following is not None and not following.gap and following.is_content and following.number is None


def _rival(ours: Clause, place: int, theirs: Clause, said: set[str]) -> Token | None:
    """Return the other noun of a clause that has all the rest of the claim's clause."""
    token, before = ours.tokens[place], ours.tokens[place - 1]
    rest = {t.lemma for t in ours.tokens if t.is_content and t is not token}
    if not rest <= theirs.bag or len(rest) < 2 or not _says_the_same(ours, theirs):
        return None
    for at in range(1, len(theirs.tokens)):
        other = theirs.tokens[at]
        stands_there = theirs.slots[at] == ours.slots[place] and theirs.tokens[at - 1].lemma == before.lemma
        if not stands_there or not other.is_content or other.number is not None:
            continue
        while _is_modifier(theirs.tokens, at):
            at += 1
        other = theirs.tokens[at]
        is_other = other.lemma not in said and other.low[:_STEM] != token.low[:_STEM]
        if is_other and other.lemma not in _GENERAL and other.low not in RELATIVE_NOUNS:
            return other
    return None


def _says_the_same(ours: Clause, theirs: Clause) -> bool:
    """Tell whether two clauses have the same verb, or verbs of one meaning."""
    if ours.verb is not None and theirs.verb is not None and ours.verb.lemma == theirs.verb.lemma:
        return True
    return same_predicate(ours, theirs)
