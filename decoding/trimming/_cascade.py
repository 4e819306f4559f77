"""The default over-thinking detector: points for a statement of the asked value that the model sets out to verify."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agentcore.decoding.trimming import _statements as cue
from agentcore.decoding.trimming._config import Points, TrimmingConfig
from agentcore.decoding.trimming._numbers import NUMBER, number, plain
from agentcore.decoding.trimming._question import Question
from agentcore.decoding.trimming._sentences import Sentence, SentenceSplitter
from agentcore.decoding.trimming._values import Answer, stated_choice, stated_value
from agentcore.decoding.trimming._verdicts import Verdict

_OPERATOR_AFTER = re.compile(r"\s*(?:[-+*/^]\s*[\d(a-z]|times\b|plus\b|minus\b|divided\b|multiplied\b)")
_OPERATOR_BEFORE = re.compile(
    r"(?:[\d)a-z]\s*[-+*/^]|\btimes|\bplus|\bminus|\bdivided by|\bmultiplied by)\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Features:
    """What is known about a value when a sentence has just stated it."""

    intents: int
    stated: int
    answered: int
    given: bool
    small: bool
    doubt: bool
    operand: int
    rivals: int
    turns: int
    overlap: float
    paragraph_end: bool
    turn_next: bool
    closing_next: bool
    hedged: bool
    checked: bool


@dataclass(slots=True)
class _Record:
    """What has been seen of one value so far."""

    intents: int = 0
    stated: int = 0
    answered: int = 0
    claims: int = 0
    checked: bool = False


class RuleCascade:
    """Score each statement of a value as it streams by; no model.

    Our own rule: on recorded traces the agreement of conclusions that arXiv 2505.17155 counts cuts wrongly in 3 % or
    more of the traces wherever it saves much, while the intent to verify right after a statement of the asked quantity
    decides best. The rule reads `TrimmingConfig.look_ahead` characters past a statement and then decides, once.

    Parameters
    ----------
    problem : str
        The user's question: asked quantity, answer type and givens come from it.
    config : TrimmingConfig
        Points and caution.
    watch : callable, optional
        Called with (features, answer, position) at every candidate, for studies.
    """

    def __init__(
        self,
        problem: str,
        config: TrimmingConfig | None = None,
        *,
        watch: Callable[[Features, Answer, int], None] | None = None,
    ) -> None:
        self._config = config or TrimmingConfig()
        self._question = Question.parse(problem)
        self._splitter = SentenceSplitter()
        self._waiting: Sentence | None = None
        self._records: dict[str, _Record] = {}
        self._operands: dict[str, int] = {}
        self._turns = 0
        self._claims = 0
        self._watch = watch
        self._verdict: Verdict | None = None
        self.best: Answer | None = None
        """The value stated most strongly so far, the last of equals."""
        self._best_rank = 0

    def push(self, text: str) -> Verdict | None:
        """Add text; return the verdict once there is one, and from then on the same."""
        for sentence in self._splitter.push(text):
            self._sentence(sentence)
        self._peek()
        return self._verdict

    def finish(self) -> Verdict | None:
        """Take in what is left; a statement at the very end has nothing left to trim."""
        for sentence in self._splitter.finish():
            self._sentence(sentence)
        self._settle("", len(self._splitter.pending) + self._splitter.pending_start)
        return self._verdict

    def _peek(self) -> None:
        """Judge the waiting sentence when enough of what follows has come."""
        if self._waiting is None:
            return
        following = self._splitter.pending.lstrip()
        if len(following) >= self._config.look_ahead:
            lead = len(self._splitter.pending) - len(following)
            self._settle(following, self._splitter.pending_start + lead + self._config.look_ahead)

    def _sentence(self, sentence: Sentence) -> None:
        """Judge the waiting sentence with this one as its successor, then wait with this one."""
        self._settle(sentence.text, min(sentence.end, sentence.start + self._config.look_ahead))
        self._turns += cue.turns(sentence.text)
        self._count_operands(sentence.text)
        if cue.confirms(sentence.text):
            for record in self._records.values():
                record.checked = True
        self._waiting = sentence

    def _settle(self, following: str, position: int) -> None:
        """Judge the waiting sentence."""
        sentence, self._waiting = self._waiting, None
        if sentence is None or self._verdict is not None:
            return
        value = (stated_choice if self._question.kind == "choice" else stated_value)(sentence.text)
        strength = cue.statement_class(sentence.text, self._question)
        if strength >= 2:
            self._claims += 1
        if value is None or not self._question.fits(value):
            return
        following = following[: self._config.look_ahead]
        verify = cue.intends_to_verify(following) and not cue.explores(following)
        known = value.key in self._records
        record = self._records.setdefault(value.key, _Record())
        record.claims += strength >= 2
        record.stated += strength >= 3
        record.answered += strength >= 4
        record.intents += verify
        if strength >= max(1, self._best_rank):
            self.best, self._best_rank = value, strength
        if strength or known or verify or sentence.ends_paragraph:
            features = self._features(sentence, value, record, following)
            if self._watch is not None:
                self._watch(features, value, position)
            total = points(features, self._config.points)
            if total >= self._config.caution:
                self._verdict = Verdict(
                    "over_thinking", position, value, f"{value.key} scored {total} of {self._config.caution}"
                )

    def _features(self, sentence: Sentence, value: Answer, record: _Record, following: str) -> Features:
        """Collect what the points table asks about."""
        exact = value.number
        return Features(
            intents=record.intents,
            stated=record.stated,
            answered=record.answered,
            given=exact in self._question.givens,
            small=exact is not None and exact.denominator == 1 and abs(exact) <= 3,
            doubt=cue.expresses_doubt(following),
            operand=self._operands.get(value.key, 0),
            rivals=self._claims - record.claims,
            turns=self._turns,
            overlap=cue.overlap(sentence.text, self._question),
            paragraph_end=sentence.ends_paragraph,
            turn_next=cue.turns(following),
            closing_next=cue.closes(following),
            hedged=cue.is_hedged(sentence.text),
            checked=record.checked,
        )

    def _count_operands(self, text: str) -> None:
        """Count the numbers that calculations use."""
        text = plain(text)
        for found in NUMBER.finditer(text):
            if _OPERATOR_AFTER.match(text, found.end()) or _OPERATOR_BEFORE.search(
                text[max(0, found.start() - 20) : found.start()]
            ):
                value = number(found.group())
                if value is not None:
                    self._operands[str(value)] = self._operands.get(str(value), 0) + 1


def points(seen: Features, table: Points) -> int:
    """Add up the points of one statement; 0 while the value was never stated as what is asked."""
    if not (seen.stated or seen.answered):
        return 0
    total = (
        table.intent_first * (seen.intents >= 1)
        + table.intent_second * (seen.intents >= 2)
        + table.intent_third * (seen.intents >= 3)
    )
    total += (
        table.stated * (seen.stated >= 1)
        + table.stated_twice * (seen.stated >= 2)
        + table.answered * (seen.answered >= 1)
    )
    total += table.given * seen.given + table.small * seen.small + table.doubt * seen.doubt
    total += table.operand * (seen.operand >= 1) + table.operand_often * (seen.operand >= 3)
    total += table.rivals * (seen.rivals >= 4) + table.long_search * (seen.turns >= 20)
    total += table.asked_words * (seen.overlap >= 0.5) + table.paragraph_end * seen.paragraph_end
    total += table.turn_next * seen.turn_next + table.closing_next * seen.closing_next
    return total + table.hedged * seen.hedged + table.checked * seen.checked
