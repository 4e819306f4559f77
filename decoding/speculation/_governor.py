"""Choose whose draft to verify, and how much of it, from measured step times and measured acceptance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol

from agentcore.decoding.speculation._draft import CERTAIN, EMPTY_DRAFT, Draft
from agentcore.decoding.speculation._step_time import StepTimeCurve

__all__ = ["DraftPolicy", "FixedLength", "Governor"]

_BUCKETS = 10
# Before a level of confidence has been seen: 0.8 of it, worth six observations. Measured on recorded agent traffic against
# 1.0 and two observations: no loss on free text, 2 % more on the whole (acceptance measured, step times of a quiet machine).
_PRIOR_SHARE = 0.8
_PRIOR_WEIGHT = 6.0
_PRIOR_KEPT = (
    0.75  # of the tokens of a drafting model before its first: models of one family agree on three in four
)
_MEMORY = 200.0  # observations after which the old ones count half as much as the new ones
_EXPLORE_EVERY = 32  # refusals after which a drafter that takes time is asked for one token all the same
_MARGIN = 1.05  # a draft must promise this much: the curve and the acceptance are estimates
_CHEAP = 0.08  # share of a step below which asking a drafter counts as free
_COMPARED = 16.0  # proposals, or forwards, over which what was foreseen is corrected by what they took
_FURTHEST = (
    3.0  # from what was foreseen: what took longer was held up by something else, or the measurement was
)
_TRUST_WEIGHT = 2.0  # observations that the expectation of a new sequence is worth


class DraftPolicy(Protocol):
    """Decide how much is drafted and what of it is verified."""

    max_draft: int

    def for_sequence(self) -> DraftPolicy:
        """Return the policy for one new sequence, which learns for all of them."""
        ...

    def limit(self, source: str, *, rows: int, rivals: Sequence[Draft] = (), others: int = 0) -> int:
        """Return how many tokens to ask of `source` for a forward that has `rows` rows anyway, beside the `rivals` at hand.

        `others` sequences share the forward: a row more is a delay to them as well.
        """
        ...

    def goes_on(
        self, source: str, confidences: Sequence[float], *, forced: int, rows: int, others: int = 0
    ) -> bool:
        """Return whether a drafter that writes token by token shall write another one behind these, `forced` of them forced."""
        ...

    def choose(self, drafts: Sequence[Draft], *, rows: int, others: int = 0) -> Draft:
        """Return the draft to verify, shortened, or an empty one."""
        ...

    def ran(self, rows: int, seconds: float) -> None:
        """Learn what a forward of one sequence over so many rows took."""
        ...

    def observe(
        self,
        drafts: Sequence[Draft],
        tokens: Sequence[int],
        *,
        seconds: Mapping[str, float],
    ) -> None:
        """Learn from one step.

        Parameters
        ----------
        drafts : sequence of Draft
            All proposals, whether they were run or not.
        tokens : sequence of int
            What was committed in their place.
        seconds : mapping
            What each source's proposal took.
        """
        ...


class FixedLength:
    """Verify the first non-empty draft up to a fixed length, whatever it costs.

    Parameters
    ----------
    max_draft : int
        The length.
    """

    def __init__(self, max_draft: int = 8) -> None:
        if max_draft < 0:
            raise ValueError(f"max_draft must be 0 or more, got {max_draft}")
        self.max_draft = max_draft

    def for_sequence(self) -> FixedLength:
        """Return itself."""
        return self

    def limit(self, source: str, *, rows: int, rivals: Sequence[Draft] = (), others: int = 0) -> int:  # noqa: ARG002
        """Return the fixed length, nothing when there is a draft already."""
        return 0 if any(len(draft) for draft in rivals) else self.max_draft

    def goes_on(
        self,
        source: str,  # noqa: ARG002 - the length is fixed
        confidences: Sequence[float],  # noqa: ARG002
        *,
        forced: int,  # noqa: ARG002
        rows: int,  # noqa: ARG002
        others: int = 0,  # noqa: ARG002
    ) -> bool:
        """Return True: the limit ends a draft."""
        return True

    def choose(self, drafts: Sequence[Draft], *, rows: int, others: int = 0) -> Draft:  # noqa: ARG002
        """Return the first draft that has a token."""
        return next((draft.shortened(self.max_draft) for draft in drafts if len(draft)), EMPTY_DRAFT)

    def ran(self, rows: int, seconds: float) -> None:
        """Learn nothing."""

    def observe(
        self,
        drafts: Sequence[Draft],
        tokens: Sequence[int],
        *,
        seconds: Mapping[str, float],
    ) -> None:
        """Learn nothing."""


@dataclass(slots=True)
class _Share:
    """A forgetting estimate of how often something happens."""

    hits: float
    tries: float

    @property
    def value(self) -> float:
        return self.hits / self.tries

    def observe(self, hit: bool) -> None:
        keep = _MEMORY / (_MEMORY + 1.0)
        self.hits = self.hits * keep + hit
        self.tries = self.tries * keep + 1.0


@dataclass(slots=True)
class _Correction:
    """What came, as a share of what was foreseen; a forgetting mean."""

    value: float = 1.0

    def compare(self, found: float, foreseen: float) -> None:
        """Move towards what was found of what was foreseen."""
        share = min(max(found / foreseen, 1.0 / _FURTHEST), _FURTHEST)
        self.value += (share - self.value) / _COMPARED


@dataclass(slots=True)
class _Yield:
    """Tokens of rounds for which a drafter was asked, beside those that its average chance foresaw; forgetting."""

    found: float = _COMPARED
    foreseen: float = _COMPARED

    @property
    def value(self) -> float:
        """At least 1: what brings less than foreseen has lowered its average chance already."""
        return max(self.found / self.foreseen, 1.0)

    def compare(self, found: float, foreseen: float) -> None:
        keep = 1.0 - 1.0 / _COMPARED
        self.found = keep * self.found + found
        self.foreseen = keep * self.foreseen + foreseen


@dataclass(frozen=True, slots=True)
class _Promise:
    """What a drafter was asked for: the tokens a second that were expected of it, in a forward of so many rows beside its draft."""

    rate: float
    rows: int


@dataclass(slots=True)
class _SourceRecord:
    """What one method has done so far."""

    buckets: dict[int, _Share] = field(default_factory=dict)
    overall: _Share = field(default_factory=lambda: _Share(_PRIOR_KEPT * _PRIOR_WEIGHT, _PRIOR_WEIGHT))
    seconds: float = 0.0  # of one proposal
    seconds_a_token: float = 0.0
    dearness: _Correction = field(default_factory=_Correction)  # of its price, beside the target's
    yields: _Yield = field(default_factory=_Yield)
    declined: int = 0

    def took(self, seconds: float, length: int) -> None:
        """Keep the fastest: other work only ever adds time."""
        self.seconds = min(self.seconds or seconds, seconds)
        self.seconds_a_token = min(self.seconds_a_token or seconds / length, seconds / length)


class Governor:
    """Draft as long as one more token promises more output a second, and not at all where none does.

    The chance that a drafted token is kept is learnt per method and per level of the drafter's own confidence, from every
    proposal: one that is not run is compared with what the target wrote instead. It is corrected by how the method has done
    in this sequence against that expectation, for a text that quotes nothing makes every match a chance one. A draft of k
    tokens yields 1 + a1 + a1 a2 + ... tokens in t(rows + k) seconds; the best ratio over all drafts and lengths wins, if it
    beats drafting nothing.

    Parameters
    ----------
    curve : StepTimeCurve
        Measured seconds by rows; what forwards really take corrects it.
    max_draft : int
        Longest draft to consider.
    prices : mapping, optional
        Measured seconds by rows of the drafting models, by source: the first token of a draft takes a forward over
        everything committed since the model's last one, each further token a forward over one row; what proposals really
        take corrects it. What other sources take is learnt.

    Notes
    -----
    Based on the target efficiency of MoESD (https://arxiv.org/abs/2505.19645): its formula assumes one acceptance rate
    and one draft length for a run, ours decides at every step from the confidence of each token. For drafts drawn at
    random the length is decided token by token from the front, because a choice that looked at later draws would bias the
    output.
    Where other sequences share the forward, the rate is that of all of them: they lose what a draft's rows cost.
    Shared by the sequences of one model; races between threads only blur an estimate.
    """

    def __init__(
        self,
        curve: StepTimeCurve,
        *,
        max_draft: int = 16,
        prices: Mapping[str, StepTimeCurve] | None = None,
    ) -> None:
        if max_draft < 1:
            raise ValueError(f"max_draft must be at least 1, got {max_draft}")
        self.curve = curve
        self.max_draft = max_draft
        self._records: dict[str, _SourceRecord] = {}
        self._trust: dict[str, _Share] = {}
        self._prices = dict(prices or {})
        self._dearness = (
            _Correction()
        )  # of the curve: contexts are longer in the loop, and other work comes and goes
        self._promises: dict[str, _Promise] = {}

    def for_sequence(self) -> Governor:
        """Return a governor with the same records that trusts every method afresh."""
        twin = copy(self)
        twin._trust = {}
        twin._promises = {}
        return twin

    def limit(self, source: str, *, rows: int, rivals: Sequence[Draft] = (), others: int = 0) -> int:
        """Return how many tokens are worth asking of `source`: fewer, or none, where drafting itself takes time.

        One whose price is known is asked for all or nothing, and even if it is cheap not where a rival promises more; `goes_on`
        ends its draft.
        """
        record, price = self._record(source), self._prices.get(source)
        seconds = record.seconds if price is None else self._price(record, price, 1)
        if seconds < _CHEAP * self._step(1) and (price is None or not any(len(rival) for rival in rivals)):
            return self.max_draft
        rates = [self._best_length(rival, rows, others)[1] for rival in rivals]
        outlook = self._outlook(source, (), forced=0, rows=rows, others=others)
        best, promised = max(outlook, key=lambda choice: choice[1])
        if record.yields.value * promised <= max([_MARGIN * self._plain_rate(rows, others), *rates]):
            return self._explore(record)
        if price is None:
            return best
        if not others:
            self._promises[source] = _Promise(promised, rows)
        return self.max_draft

    def goes_on(
        self, source: str, confidences: Sequence[float], *, forced: int, rows: int, others: int = 0
    ) -> bool:
        """Return whether, at some greater length, the draft promises more tokens a second than it does now."""
        if source not in self._prices or not confidences:
            return True
        rates = (
            rate for _, rate in self._outlook(source, confidences, forced=forced, rows=rows, others=others)
        )
        now = next(rates)
        return any(rate > now for rate in rates)

    def choose(self, drafts: Sequence[Draft], *, rows: int, others: int = 0) -> Draft:
        """Return the draft and length with the best expected tokens a second, or an empty draft.

        A drafting model's draft also tells how much the others are worth: what it says too, or does not, is more or less likely.
        """
        best, best_rate = EMPTY_DRAFT, _MARGIN * self._plain_rate(rows, others)
        witness = next((d for d in drafts if d.source in self._prices and not d.is_sampled), EMPTY_DRAFT)
        for draft in drafts:
            length, rate = self._best_length(
                draft, rows, others, EMPTY_DRAFT if draft is witness else witness
            )
            if length and draft.is_sampled:  # a comparison would look at its later draws
                return draft.shortened(length)
            if length and rate > best_rate:
                best, best_rate = draft.shortened(length), rate
        return best

    def ran(self, rows: int, seconds: float) -> None:
        """Correct the curve, and with it the prices of drafts, by what a forward took: all of them grow with the context."""
        self._dearness.compare(seconds, self.curve(rows))

    def observe(
        self,
        drafts: Sequence[Draft],
        tokens: Sequence[int],
        *,
        seconds: Mapping[str, float],
    ) -> None:
        """Learn from every proposal up to its first token that was not written; forced ones teach nothing."""
        for draft in drafts:
            if not len(draft):
                continue
            record, price = self._record(draft.source), self._prices.get(draft.source)
            record.took(seconds.get(draft.source, 0.0), len(draft))
            self._compare_promise(draft, tokens, seconds.get(draft.source, 0.0))
            if price is not None and draft.source in seconds:
                written = len(draft) - len(draft.forced)
                foreseen = self._dearness.value * price(1) * max(written, 1)
                record.dearness.compare(seconds[draft.source], foreseen)
            for place, token in enumerate(draft.tokens[: len(tokens)]):
                is_kept = token == tokens[place]
                if place not in draft.forced:
                    level = self._share(record, draft.confidences[place])
                    trust = self._trust.setdefault(draft.source, _Share(_TRUST_WEIGHT, _TRUST_WEIGHT))
                    trust.hits += is_kept
                    trust.tries += level.value  # what was expected, so the quotient is 1 where it came true
                    level.observe(is_kept)
                    record.overall.observe(is_kept)
                if not is_kept:
                    break

    def acceptance(self, source: str) -> float:
        """Return the estimated chance that the next token of `source` is kept."""
        return self._record(source).overall.value

    def _compare_promise(self, draft: Draft, tokens: Sequence[int], seconds: float) -> None:
        """Learn what a drafter that was asked brings: it ends where it is unsure, so more than its average chance foresees."""
        promise = self._promises.pop(draft.source, None)
        if promise is None:
            return
        wrong = (
            place for place, pair in enumerate(zip(draft.tokens, tokens, strict=False)) if pair[0] != pair[1]
        )
        kept = next(wrong, len(draft))
        if kept < len(tokens):  # else another draft was run, and it ended before this one
            taken = self._step(promise.rows + len(draft)) + seconds
            self._record(draft.source).yields.compare(kept + 1.0, promise.rate * taken)

    def _best_length(
        self, draft: Draft, rows: int, others: int, witness: Draft = EMPTY_DRAFT
    ) -> tuple[int, float]:
        best, best_rate = 0, self._plain_rate(rows, others)
        expected, path = 1.0, 1.0
        agreed = 0  # tokens that the witness has as well
        for place in range(min(len(draft), self.max_draft)):
            if place not in draft.forced:
                chance = self._chance_at(draft, place)
                if place == agreed < len(witness):
                    says_so = self._chance_at(witness, place)
                    is_same = draft.tokens[place] == witness.tokens[place]
                    chance = max(chance, says_so) if is_same else min(chance, 1.0 - says_so)
                path *= chance
            agreed += draft.tokens[: place + 1] == witness.tokens[: place + 1]
            expected += path
            rate = (others + expected) / self._step(rows + others + place + 1)
            if rate >= best_rate:
                best, best_rate = place + 1, rate
            elif draft.is_sampled:
                break
        return best, best_rate

    def _outlook(
        self, source: str, confidences: Sequence[float], *, forced: int, rows: int, others: int
    ) -> Iterator[tuple[int, float]]:
        """Yield lengths and tokens a second, drafting included: of what is written, then of more at the usual chance."""
        record, price = self._record(source), self._prices.get(source)
        usual = self._chance(source, record.overall)
        expected, path = 1.0, 1.0
        for confidence in confidences:
            path *= 1.0 if confidence == CERTAIN else self._chance(source, self._share(record, confidence))
            expected += path
        for length in range(len(confidences), self.max_draft + 1):
            if length > len(confidences):
                path *= usual
                expected += path
            if length:
                written = length - forced
                if price is None:
                    drafting = written * record.seconds_a_token
                else:
                    drafting = self._price(record, price, rows) + (written - 1) * self._price(
                        record, price, 1
                    )
                yield length, (others + expected) / (self._step(rows + others + length) + drafting)

    def _step(self, rows: int) -> float:
        """Return the seconds of a forward, as they are in the loop."""
        return self._dearness.value * self.curve(rows)

    def _price(self, record: _SourceRecord, price: StepTimeCurve, rows: int) -> float:
        """Return the seconds of a drafting model's forward; what holds up the target is taken to hold up this one as well."""
        return self._dearness.value * record.dearness.value * price(rows)

    def _plain_rate(self, rows: int, others: int) -> float:
        """Tokens a second of all sequences in the forward, without a draft."""
        return (others + 1) / self._step(rows + others)

    def _chance_at(self, draft: Draft, place: int) -> float:
        """Return the chance that the token at `place` is kept if those before it are."""
        if place in draft.forced:
            return 1.0
        return self._chance(draft.source, self._share(self._record(draft.source), draft.confidences[place]))

    def _chance(self, source: str, share: _Share) -> float:
        trust = self._trust.get(source)
        return share.value if trust is None else share.value * min(trust.value, 1.0)

    def _explore(self, record: _SourceRecord) -> int:
        """Return 1 at every `_EXPLORE_EVERY`th refusal, so that a method can win back its place."""
        record.declined = (record.declined + 1) % _EXPLORE_EVERY
        return 1 if record.declined == 0 else 0

    def _record(self, source: str) -> _SourceRecord:
        return self._records.setdefault(source, _SourceRecord())

    def _share(self, record: _SourceRecord, confidence: float) -> _Share:
        bucket = min(int(confidence * _BUCKETS), _BUCKETS - 1)
        if bucket not in record.buckets:
            expected = _PRIOR_SHARE * (bucket + 0.5) / _BUCKETS
            record.buckets[bucket] = _Share(expected * _PRIOR_WEIGHT, _PRIOR_WEIGHT)
        return record.buckets[bucket]
