"""Which event or relation a question asks about, and for which of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentcore.workflow.reading.lexicon import AUXILIARIES, BE
from agentcore.workflow.reading.question import asking_word
from agentcore.workflow.reading.roles.predicates import PLACE, predicates_of
from agentcore.workflow.reading.roles.tokens import LOCAL_PREPOSITIONS, RELATIVES, Token, tokens_of
from agentcore.workflow.reading.words import STOP_WORDS

__all__ = ["Asked", "Role", "asked_part"]

Role = Literal["agent", "object", "circumstance", "holder"]

_RELATIVES = RELATIVES - {"what", "how"}
_HEADS = frozenset(("what", "which", "whose", "how"))  # wh-words that a noun may follow
_CIRCUMSTANCES = frozenset(("when", "where"))
_DO = frozenset(("did", "does", "do", "can", "could", "will", "would", "may", "might"))
_HAVE = frozenset(("has", "have", "had"))
_SUBORDINATORS = frozenset(("before", "after", "while", "because", "if"))
_HOLDING = frozenset(("of", "to", "for", "in", "at", "with"))  # behind a noun of relation
# "The name of the director": the director.
_NAMING = frozenset(("name", "names", "type", "kind", "sort", "title"))
_LONGEST_HEAD = 9  # words from "which" to its verb


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for.

    Attributes
    ----------
    word : str
        The verb or noun that tells the event or relation, as the question has it.
    predicates : frozenset of str
        What it tells (:func:`agentcore.workflow.reading.roles.predicates.predicates_of`).
    role : Role
        "agent" (who does it), "object" (what it is done to), "circumstance" (where, when, with whom), "holder" (who is the
        captain, what is the capital).
    preposition : str or None
        Of the circumstance, where the question names it.
    head : str
        The noun behind the wh-word, in lower case: "city" of "in which city"; empty without one.
    """

    word: str
    predicates: frozenset[str]
    role: Role
    preposition: str | None = None
    head: str = ""


def asked_part(question: str) -> Asked | None:
    """Return what a question asks for, None where its form is not known.

    Notes
    -----
    The clause of the wh-word alone is read: relative clauses only tell of its nouns. "Who directed X?" asks for an agent, "whom
    did X marry?" for an object, "for which emperor did X work?" for a circumstance, "who was the father of X?" for a holder.
    """
    match = asking_word(question)
    if match is None:
        return None
    tokens = [token for token in tokens_of(question) if token.text not in "()"]
    at = next(place for place, token in enumerate(tokens) if token.end > match.start())
    preposition = tokens[at - 1].low if at and tokens[at - 1].is_preposition else None
    verb = _verb_behind(tokens, at)
    before = tokens[at - 2 if preposition else at - 1] if at > (1 if preposition else 0) else None
    if verb is None or (before is not None and before.is_main_verb):
        return _asked_before(tokens, at, preposition)
    wh = tokens[at].low
    head = tokens[verb - 1].low if wh in _HEADS and verb - 1 > at else ""
    asking = _Asking(wh, preposition or _stranded(tokens[verb:]), tokens[verb:], head)
    return asking.part()


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question from its verb on, with the wh-word before it."""

    wh: str
    preposition: str | None
    tokens: Sequence[Token]
    head: str

    def part(self) -> Asked | None:
        """Return what is asked for, by the kind of the first verb."""
        first = self.tokens[0].low
        if first in _DO:
            return self._with_do()
        if first in _HAVE:
            return self._with_have()
        if first in BE:
            return self._with_be()
        return self._of(self.tokens[0], "circumstance" if self.preposition else "agent")

    @property
    def _main(self) -> Sequence[Token]:
        """The words behind the first verb up to a relative clause or another clause."""
        behind = self.tokens[1:]
        cut = (i for i, token in enumerate(behind) if i and token.low in _RELATIVES | _SUBORDINATORS)
        return behind[: next(cut, len(behind))]

    def _of(self, token: Token, role: Role) -> Asked:
        preposition = self.preposition if role == "circumstance" else None
        return Asked(token.low, predicates_of(token.text), role, preposition, self.head)

    def _or_circumstance(self, role: Role) -> Role:
        return "circumstance" if self.preposition or self.wh in _CIRCUMSTANCES else role

    def _with_do(self) -> Asked | None:
        """Take the first verb behind the subject: "what did X found?"."""
        for words in (self._main, self.tokens[1:]):
            for before, token in zip([None, *words], words, strict=False):
                is_noun = before is not None and (before.low in ("the", "a", "an") or before.is_preposition)
                if token.is_verb and token.low not in BE | _DO and not token.is_participle and not is_noun:
                    return self._of(token, self._or_circumstance("object"))
        unlisted = [t for t in self._main if t.text[0].islower() and t.low not in STOP_WORDS]
        return self._of(unlisted[-1], self._or_circumstance("object")) if unlisted else None

    def _with_have(self) -> Asked | None:
        """Take the participle: "how many novels has X written?"."""
        verb = next((t for t in self._main if t.is_participle and t.low not in AUXILIARIES), None)
        if verb is None:
            return None
        return self._of(verb, self._or_circumstance("agent" if verb is self._main[0] else "object"))

    def _with_be(self) -> Asked | None:
        """Take the participle or the noun: "where was X born?", "who was the father of X?", "what is X a sequel to?"."""
        main = self._main
        noun = self._relation_noun(main)
        said = [i for i, t in enumerate(main) if t.is_participle and t.low not in AUXILIARIES]
        verb = next((i for i in said if _is_said(main, i)), None)
        asks_circumstance = bool(self.preposition) or self.wh in _CIRCUMSTANCES
        if verb is not None and (asks_circumstance or noun is None or verb < noun):
            if self.preposition == "by":
                return Asked(main[verb].low, predicates_of(main[verb].text), "agent", None, self.head)
            return self._of(main[verb], self._or_circumstance("object"))
        if asks_circumstance:
            return self._circumstance()
        if self.wh == "how" or noun is None:
            return None
        behind = main[noun + 1 : noun + 3]
        if len(behind) == 2 and behind[0].low == "to" and behind[1].is_verb:  # "the first woman to climb X"
            return self._of(behind[1], "agent")
        return self._of(main[noun], "holder")

    def _circumstance(self) -> Asked | None:
        """Take the last word: "when was X, who ..., born?", "what is X a sequel to?"; else where the thing is."""
        words = [t for t in self.tokens if not t.is_mark]
        is_stranded = words[-1].low == self.preposition
        last = words[-2] if is_stranded and len(words) > 1 else words[-1]
        if last.is_participle:
            return self._of(last, "circumstance")
        if is_stranded and last.text[0].islower():
            return Asked(last.low, predicates_of(last.text), "holder", self.preposition)
        if self.wh == "where" or self.preposition in LOCAL_PREPOSITIONS:
            return Asked("located", frozenset((PLACE,)), "circumstance", self.preposition, self.head)
        return None

    def _relation_noun(self, main: Sequence[Token]) -> int | None:
        """Return the noun before "of" and the like, or behind a possessive: "the captain of X", "X's mother"."""
        nouns = [
            i
            for i, token in enumerate(main[:-1])
            if token.text[0].islower()
            and token.low not in STOP_WORDS
            and not token.is_participle
            and main[i + 1].low in _HOLDING
        ]
        telling = [i for i in nouns if main[i].low not in _NAMING]
        if telling or nouns:
            return (telling or nouns)[0]
        owner = next((i for i, t in enumerate(main[:-1]) if t.text.endswith(("'s", "’s"))), None)
        ends_in_noun = owner is not None and main[-1].text[0].islower()
        return len(main) - 1 if ends_in_noun else None


def _verb_behind(tokens: Sequence[Token], at: int) -> int | None:
    """Return the first verb that the wh-word and its noun are followed by, None without one."""
    start = at + 1
    if tokens[at].low not in _HEADS:
        return start if start < len(tokens) and not tokens[start].is_mark else None
    end = min(len(tokens), start + _LONGEST_HEAD)
    end = next((i for i in range(start, end) if tokens[i].low in _RELATIVES), end)
    helping = next((i for i in range(start, end) if tokens[i].low in AUXILIARIES), None)
    if helping is not None:
        return helping
    finite = (i for i in range(start, end) if tokens[i].is_verb)
    return next((i for i in finite if i > start or tokens[i].low.endswith(("ed", "s"))), None)


def _asked_before(tokens: Sequence[Token], at: int, preposition: str | None) -> Asked | None:
    """Return what a wh-word behind its verb asks for: "X is located in what county?"."""
    end = at - 1 if preposition else at
    head = ""
    for token in tokens[at + 1 :]:
        if token.is_mark or token.is_preposition:
            break
        head = token.low
    verb = next((i for i in range(end - 1, -1, -1) if tokens[i].is_main_verb), None)
    is_unlisted = end > 1 and tokens[end - 2].low in AUXILIARIES  # "can seat how many people"
    is_telling = bool(end) and tokens[end - 1].text[0].islower() and tokens[end - 1].low not in STOP_WORDS
    if is_telling and (is_unlisted or preposition):  # "had a mission with which tribe"
        word = tokens[end - 1]
    elif verb is not None:
        word = tokens[verb]
    else:
        return None
    if preposition == "by":
        return Asked(word.low, predicates_of(word.text), "agent", None, head)
    is_object = preposition is None and tokens[at].low not in _CIRCUMSTANCES
    role: Role = "object" if is_object else "circumstance"
    return Asked(word.low, predicates_of(word.text), role, preposition, head)


def _stranded(tokens: Sequence[Token]) -> str | None:
    """Return the preposition a question ends with: "who is X married to?"."""
    last = next((token for token in reversed(tokens) if not token.is_mark), None)
    is_main = not any(token.low in _RELATIVES for token in tokens)
    return last.low if is_main and last is not None and last.is_preposition else None


def _is_said(main: Sequence[Token], place: int) -> bool:
    """Tell whether a participle is said of the subject, and no adjective: "the named city"."""
    is_behind_article = place > 0 and main[place - 1].low in ("the", "a", "an")
    following = main[place + 1] if place + 1 < len(main) else None
    return not (
        is_behind_article
        and following is not None
        and following.text[0].islower()
        and not following.is_preposition
    )
