"""Choose whose draft to verify, and how much of it, from measured step times and measured acceptance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from agentcore.decoding.speculation._draft import CERTAIN, EMPTY_DRAFT, Draft
from agentcore.decoding.speculation._step_time import StepTimeCurve
from agentcore.decoding.speculation._track_record import Correction, Share, TrackRecord

__all__ = ["Governor"]

_EXPLORE_EVERY = 32  # refusals after which a drafter that takes time is asked for one token all the same
_MARGIN = 1.05  # a draft must promise this much: the curve and the acceptance are estimates
_CHEAP = 0.08  # share of a step below which asking a drafter counts as free
_TRUST_WEIGHT = 2.0  # observations that the expectation of a new sequence is worth


@dataclass(frozen=True, slots=True)
class _Promise:
    """What a drafter was asked for: the tokens a second that were expected of it, in a forward of so many rows beside its draft."""

    rate: float
    rows: int


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
        self._records: dict[str, TrackRecord] = {}
        self._trust: dict[str, Share] = {}
        self._prices = dict(prices or {})
        # Of the curve: contexts are longer in the loop, and other work comes and goes.
        self._dearness = Correction()
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
        self._promises.pop(source, None)
        record, price = self._record(source), self._prices.get(source)
        seconds = record.seconds if price is None else self._price(record, price, 1)
        if seconds < _CHEAP * self._step(1) and (price is None or not any(len(rival) for rival in rivals)):
            return self.max_draft
        rates = [self._best_length(rival, rows, others)[1] for rival in rivals]
        outlook = self._outlook(source, (), forced=0, rows=rows, others=others)
        best, promised = max(outlook, key=lambda choice: choice[1])
        if max(record.brought.value, 1.0) * promised <= max(
            [_MARGIN * self._plain_rate(rows, others), *rates]
        ):
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
                    level = record.at(draft.confidences[place])
                    trust = self._trust.setdefault(draft.source, Share(_TRUST_WEIGHT, _TRUST_WEIGHT))
                    trust.found += is_kept
                    trust.expected += (
                        level.value
                    )  # what was expected, so the quotient is 1 where it came true
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
            self._record(draft.source).brought.observe(kept + 1.0, promise.rate * taken)

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
            path *= 1.0 if confidence == CERTAIN else self._chance(source, record.at(confidence))
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

    def _price(self, record: TrackRecord, price: StepTimeCurve, rows: int) -> float:
        """Return the seconds of a drafting model's forward; what holds up the target is taken to hold up this one as well."""
        return self._dearness.value * record.dearness.value * price(rows)

    def _plain_rate(self, rows: int, others: int) -> float:
        """Tokens a second of all sequences in the forward, without a draft."""
        return (others + 1) / self._step(rows + others)

    def _chance_at(self, draft: Draft, place: int) -> float:
        """Return the chance that the token at `place` is kept if those before it are."""
        if place in draft.forced:
            return 1.0
        return self._chance(draft.source, self._record(draft.source).at(draft.confidences[place]))

    def _chance(self, source: str, share: Share) -> float:
        trust = self._trust.get(source)
        return share.value if trust is None else share.value * min(trust.value, 1.0)

    def _explore(self, record: TrackRecord) -> int:
        """Return 1 at every `_EXPLORE_EVERY`th refusal, so that a method can win back its place."""
        record.declined = (record.declined + 1) % _EXPLORE_EVERY
        return 1 if record.declined == 0 else 0

    def _record(self, source: str) -> TrackRecord:
        return self._records.setdefault(source, TrackRecord())
