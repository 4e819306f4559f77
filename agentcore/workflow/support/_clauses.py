"""Clauses of a sentence: who (left of the verb), what is done, to whom and under which circumstances (right of it).

No parser: clauses are cut at punctuation and joining words, verbs are known by list, ending and place. A clause without a
subject of its own takes over the one before it, a relative clause the noun it follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agentcore.workflow.reading.lexicon import (
    ADVERBS,
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    HEDGES,
    NEGATORS,
    QUANTIFIERS,
    RELATIVES,
    TITLES,
    is_manner,
)
from agentcore.workflow.support._slots import gapped_slots, is_bearing, is_contrast, slots_of
from agentcore.workflow.support._splitting import split_sentence
from agentcore.workflow.support._text import Token, lemmas
from agentcore.workflow.support._verbs import is_passive, verb_place

__all__ = ["Clause", "clauses_of"]

_FAILING = frozenset(("fail", "fails", "failed", "refuse", "refuses", "refused", "declined", "declines"))
_COPIED = frozenset(
    ("it", "they", "he", "she", "them", "him", "her", "his", "its", "their", "there", "this", "these")
)


@dataclass(slots=True)
class Clause:
    """One predication.

    Attributes
    ----------
    tokens : list of Token
        Its own words.
    slots : list of str
        For each of ``tokens``, what the word does: "agent", "patient", a preposition, "verb", "than" or "".
    verb : Token or None
        The main verb; a form of "be" where nothing else is said.
    is_passive, is_denied, is_hedged : bool
        Voice, whether an odd number of negators stands in it, whether it is only thought or possible.
    is_gapped : bool
        It repeats the pattern of the clause before and leaves out the verb.
    taken : set of str
        Lemmas taken over: subject, antecedent, what a pronoun may mean.
    subject : set of str
        Lemmas of the subject's head, its own or taken over; empty when unknown.
    owns_subject : bool
        The subject is written in the clause (or the noun before a relative clause), not a pronoun.
    """

    tokens: list[Token]
    slots: list[str] = field(default_factory=list)
    verb: Token | None = None
    is_passive: bool = False
    is_denied: bool = False
    is_hedged: bool = False
    is_gapped: bool = False
    taken: set[str] = field(default_factory=set)
    subject: set[str] = field(default_factory=set)
    owns_subject: bool = False

    @property
    def compares(self) -> bool:
        """Whether something is compared in it, or placed by something else ("north of Edolo")."""
        return "than" in self.slots or any(is_bearing(self.tokens, i) for i in range(len(self.tokens)))

    @property
    def is_unrivalled(self) -> bool:
        """Whether it says "no other", which praises and denies nothing."""
        return any(a.low == "no" and b.low == "other" for a, b in pairwise(self.tokens))

    @property
    def words(self) -> set[str]:
        """Lemmas of its own content words."""
        return lemmas(self.tokens)

    @property
    def bag(self) -> set[str]:
        """Lemmas that belong to it, own and taken over; what it is compared with ("than ...") is no part of it."""
        own = {
            t.lemma
            for t, slot in zip(self.tokens, self.slots, strict=True)
            if t.is_content and slot != "than"
        }
        return own | self.taken


def clauses_of(tokens: Sequence[Token]) -> list[Clause]:
    """Return the clauses of a text in order."""
    found: list[Clause] = []
    for sentence in sorted({token.sentence for token in tokens}):
        inside = [token for token in tokens if token.sentence == sentence]
        earlier = list(found)
        for words, is_gapped in split_sentence(inside):
            found.append(_clause(words, found, found[len(earlier) :], is_gapped=is_gapped))
    return found


def _clause(tokens: list[Token], found: list[Clause], same: list[Clause], *, is_gapped: bool) -> Clause:
    """Find verb, voice, slots, subject, polarity and certainty of a clause.

    Parameters
    ----------
    found : list of Clause
        All clauses before it.
    same : list of Clause
        Those of the same sentence.
    """
    before = found[-1] if found else None
    at = verb_place(tokens)
    clause = Clause(tokens, is_gapped=is_gapped)
    clause.verb = tokens[at] if at is not None else (before.verb if before and is_gapped else None)
    clause.is_passive = at is not None and is_passive(tokens, at)
    clause.slots = slots_of(tokens, at, clause.is_passive)
    clause.is_denied = _is_denied(tokens)
    lows = {token.low for token in tokens}
    opens_thought = tokens[0].low in ("that", "whether", "if") and before is not None and before.is_hedged
    behind = ["", *(token.low for token in tokens)]
    hedges = [
        t.low
        for a, t in zip(behind, tokens, strict=False)
        if t.low in HEDGES and t.text != "May" and not _only_describes(a, t.low, "")  # the month is no doubt
    ]
    clause.is_hedged = bool(hedges) or opens_thought
    first = "patient" if clause.is_passive else "agent"
    own = [t for t, slot in zip(tokens[: at or 0], clause.slots, strict=False) if slot == first]
    clause.subject = _heads(own)
    clause.owns_subject = bool(clause.subject)
    if before is not None:
        _take_subject(clause, before)
        if {"one", "ones"} & lows:  # "the white one": what was spoken of before
            clause.taken |= _unmarked_nouns(before)
        if any(_counts_nothing(tokens, i) for i in range(len(tokens))):
            clause.taken |= {
                b.lemma for a, b in pairwise(before.tokens) if a.number is not None and b.is_content
            }
    if _COPIED & lows:
        clause.taken |= set().union(*(_mentioned(other) for other in (same or found)[-2:]))
    if any(a.low == "percent" and b.low != "of" for a, b in pairwise(tokens)):
        clause.taken |= set().union(*(_shared_out(other) for other in found))
    return clause


def _take_subject(clause: Clause, before: Clause) -> None:
    """Give a clause the antecedent, the pattern or the subject that it takes over from the one before."""
    if clause.tokens[0].low in RELATIVES:
        antecedent = _last_noun(before)
        if before.verb is not None and before.verb.low in BE:  # "X is an instrument that ...": said of both
            antecedent |= before.subject
        if (
            clause.tokens[0].low == "where"
        ):  # a place: who acts there is said in the clause, or was said before
            clause.tokens, clause.slots = _with_place(clause, before)
            if not clause.owns_subject:
                clause.subject = set(before.subject)
        elif not clause.owns_subject:
            clause.subject, clause.owns_subject = antecedent, bool(antecedent)
        clause.taken |= antecedent | (clause.subject if not clause.owns_subject else set())
    elif clause.is_gapped:
        clause.is_passive = before.is_passive
        clause.slots = gapped_slots(clause.tokens, clause.is_passive)
        first = "patient" if clause.is_passive else "agent"
        clause.subject = _heads(
            [t for t, slot in zip(clause.tokens, clause.slots, strict=True) if slot == first]
        )
        taken = before.taken if before.is_gapped else _frame(before)
        clause.taken |= taken - before.subject if clause.subject else taken
        if clause.tokens[1:] and clause.tokens[1].low in ("no", "not"):  # "but no water": of the same subject
            clause.subject = set(before.subject)
    elif not clause.owns_subject and not clause.tokens[0].opens:
        clause.subject = set(before.subject)
        clause.taken |= _frame(before) if before.is_gapped else before.subject


def _only_describes(before: str, low: str, following: str) -> bool:
    """Tell whether a word that may deny or doubt stands in a noun phrase: "his unknown wife", "No. 1"."""
    return (low == "unknown" and before in DETERMINERS) or (low == "no" and following[:1].isdigit())


def _with_place(clause: Clause, before: Clause) -> tuple[list[Token], list[str]]:
    """Return words and slots of a clause that "where" opens, with the place it stands for added: "where [in London] ..."."""
    antecedent = _last_noun(before)
    place = [token for token in before.tokens if token.lemma in antecedent and token.is_content]
    return [*clause.tokens, *place], [*clause.slots, *("in" for _ in place)]


def _is_denied(tokens: Sequence[Token]) -> bool:
    """Tell whether an odd number of negators stands in a clause; "neither ... nor" is one, "not until" none."""
    lows = ["" if is_contrast(tokens, place) else token.low for place, token in enumerate(tokens)]
    negators = [
        low
        for before, low, following in zip(["", *lows[:-1]], lows, [*lows[1:], ""], strict=True)
        if (low in NEGATORS and low != "without" and not _only_describes(before, low, following))
        or low.endswith(("n't", "n’t"))
        or (low in _FAILING and following == "to")
    ]
    if {"neither", "nor", "no"} & set(negators):
        negators = negators[:1]
    return len(negators) % 2 == 1 and not ("until" in lows and "not" in lows)


def _mentioned(clause: Clause) -> set[str]:
    """Return what a pronoun may mean: nouns and amounts of a clause, and its subject."""
    own = {
        t.lemma for t in clause.tokens if t.is_content and t is not clause.verb and t.measure != "calendar"
    }
    return own | clause.subject


def _unmarked_nouns(clause: Clause) -> set[str]:
    """Return the common nouns of a clause without the first word of each phrase ("the red variety": variety)."""
    nouns = {t.lemma for t in clause.tokens if t.is_content and t.number is None and t.text[0].islower()}
    return nouns - {t.lemma for a, t in pairwise(clause.tokens) if a.low in DETERMINERS and t.is_content}


def _counts_nothing(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a number stands alone ("with 23"): what it counts was said before."""
    token = tokens[place]
    if token.number is None or token.measure:
        return False
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    return following is None or bool(following.gap) or not following.is_content


def _shared_out(clause: Clause) -> set[str]:
    """Return what percentages of a clause are percentages of."""
    places = [i for i, (a, b) in enumerate(pairwise(clause.tokens)) if a.low == "percent" and b.low == "of"]
    return {t.lemma for i in places for t in clause.tokens[i + 2 : i + 3] if t.is_content}


def _heads(tokens: Sequence[Token]) -> set[str]:
    """Return the lemmas of a noun phrase and its appositions without what hangs on them by "of"."""
    kept: set[str] = set()
    hangs = False
    for token in tokens:
        if token.gap or token.low in CONJUNCTIONS:
            hangs = False
        if token.low == "of":
            hangs = bool(kept)  # "some of the documents" are documents
        if token.owns:  # "Ursula Meyer's brother": of the brother
            kept -= {t.lemma for t in _name_before(tokens, token)}
        is_part = token.is_content and token.low not in ADVERBS and token.low not in NEGATORS
        is_part = is_part and token.low not in TITLES and not token.owns
        if (
            is_part
            and not hangs
            and token.number is None
            and token.low not in QUANTIFIERS
            and not is_manner(token.low)
        ):
            kept.add(token.lemma)
    return kept or {token.lemma for token in tokens if token.low in TITLES}


def _name_before(tokens: Sequence[Token], token: Token) -> list[Token]:
    """Return the names that stand right before a word."""
    name: list[Token] = []
    for other in reversed(tokens[: tokens.index(token)]):
        if not other.text[0].isupper():
            break
        name.append(other)
    return name


def _frame(clause: Clause) -> set[str]:
    """Return what a clause without a verb takes over from the one before: its nouns, no numbers and circumstances."""
    own = {
        token.lemma
        for token, slot in zip(clause.tokens, clause.slots, strict=True)
        if token.is_content and token.number is None and slot in ("agent", "patient", "verb", "")
    }
    return own | clause.taken


def _last_noun(clause: Clause) -> set[str]:
    """Return the lemmas of the last noun of a clause: a name as a whole, else its last content word."""
    tokens = [t for t in clause.tokens if t.is_content or t.low in ("of", "de", "van", "von")]
    kept: list[Token] = []
    for token in reversed(tokens):
        if kept and not (token.is_name and kept[-1].is_name):
            break
        kept.append(token)
    return lemmas(kept)
