"""BM25 over one user's records, as sparse postings.

Okapi BM25 (Robertson and Zaragoza 2009) with idf = ln(1 + (N - df + .5) / (df + .5)), which is never negative. The weight of every
posting is computed when the index is built, so a query only gathers and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import (
    CodeMatrix,
    Codes,
    Flags,
    FloatMatrix,
    Floats,
    IntMatrix,
    Ints,
    Words,
    compiled,
    prefetch,
)

__all__ = ["LexicalIndex"]

K1 = 1.2
B = 0.5
"""Turns vary little in length; b = .5 is what the study of LoCoMo turns settled on."""

POSTINGS_BUDGET = 64_000
CHAMPIONS = 4_000
"""Postings read for candidates, and of a stem for which the budget is too small: its best by weight. Where only some records are eligible, the
postings of any stem that has no more than the budget are looked through for them."""

_TOGETHER = 8192
"""Records whose totals are added up at a time."""

_STEPS = 1024
"""Heights that the best totals are counted by."""


class LexicalIndex:
    """Postings of N records.

    Parameters
    ----------
    hashes : ndarray, (P,), uint64
        Term of each posting, grouped by record.
    counts : ndarray, (P,), uint16
        Occurrences.
    starts : ndarray, (N + 1,), int64
        Postings of record i are `starts[i]:starts[i + 1]`.
    """

    def __init__(
        self, hashes: npt.NDArray[np.uint64], counts: npt.NDArray[np.uint16], starts: npt.NDArray[np.int64]
    ) -> None:
        self.num_records = len(starts) - 1
        total = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))
        lengths = (total[starts[1:]] - total[starts[:-1]]).astype(np.float32)
        average = float(lengths.mean()) if self.num_records and lengths.any() else 1.0
        rows = np.repeat(np.arange(self.num_records, dtype=np.int32), np.diff(starts))
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        first = (
            np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
            if len(ordered)
            else np.zeros(0, np.int64)
        )
        self._terms = ordered[first]
        self._starts = np.append(first, len(ordered))
        self._rows = rows[order]
        frequency = counts[order].astype(np.float32)
        saturated = frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * lengths[self._rows] / average))
        self._weights: npt.NDArray[np.float32] = saturated.astype(np.float32, copy=False)
        df = np.diff(self._starts)
        self._idf = np.log1p((self.num_records - df + 0.5) / (df + 0.5)).astype(np.float32)
        self._best: dict[int, tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]] = {}
        self._unseen_idf = float(np.log1p((self.num_records + 0.5) / 0.5))
        self._found_last: tuple[tuple[int, ...], list[tuple[int, int]]] = (), []

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the index as plain arrays."""
        return {name: getattr(self, f"_{name}") for name in ("terms", "starts", "rows", "weights", "idf")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], *, num_records: int) -> LexicalIndex:
        """Return the index that `to_arrays` gave."""
        new = cls.__new__(cls)
        new.num_records = num_records
        new._terms, new._starts, new._rows = arrays["terms"], arrays["starts"], arrays["rows"]
        new._weights, new._idf = arrays["weights"], arrays["idf"]
        new._best, new._found_last = {}, ((), [])
        new._unseen_idf = float(np.log1p((num_records + 0.5) / 0.5))
        return new

    def scores(self, terms: Sequence[int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Score every record.

        Parameters
        ----------
        terms : sequence of int
            Hashes of the query's stems; a repeat counts once.

        Returns
        -------
        scores : ndarray, (N,), float32
            BM25.
        coverage : ndarray, (N,), float32
            Share of the query's idf mass that the record holds, in [0, 1]; stems nobody uses count as the rarest.
        """
        once = dict.fromkeys(terms)
        wanted = np.fromiter(once, np.uint64, len(once))
        scores, coverage = _scores(
            wanted, self._terms, self._starts, self._rows, self._weights, self._idf, self._unseen_idf, self.num_records
        )  # fmt: skip
        return scores, coverage

    def candidates(
        self, terms: Sequence[int], count: int, *, eligible: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.intp]:
        """Return the `count` best records, in any order, without looking at every posting.

        The rarest stems are read whole; of a frequent one only its `CHAMPIONS` best postings are.

        Parameters
        ----------
        eligible : ndarray, (N,), bool, optional
            Only these are considered; postings are sorted out before any of them is counted.
        """
        budget = POSTINGS_BUDGET
        spans: list[tuple[int, int]] = []  # stems that are read whole, where they lie
        apart: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]] = []
        idf: tuple[list[float], list[float]] = [], []
        for place in sorted(self._find(terms), key=lambda p: -float(self._idf[p])):
            start, end = int(self._starts[place]), int(self._starts[place + 1])
            most = max(budget, CHAMPIONS)
            is_whole = eligible is None and end - start <= most
            if is_whole:
                spans.append((start, end))
            else:
                apart.append(self._postings(place, most, eligible))
            idf[not is_whole].append(float(self._idf[place]))
            budget -= end - start if is_whole else len(apart[-1][0])
        if not spans and not apart:
            return np.zeros(0, dtype=np.intp)
        rows = np.concatenate([self._rows[:0], *(rows for rows, _ in apart)])
        weights = np.concatenate([self._weights[:0], *(weights for _, weights in apart)])
        ends = np.cumsum([len(rows) for rows, _ in apart])
        return _best_by_gains(
            self._rows, self._weights, np.array(spans, dtype=np.int64).reshape(-1, 2), rows, weights,
            ends.astype(np.int64), np.array(idf[0] + idf[1], dtype=np.float32), self.num_records, count,
        )  # fmt: skip

    def scores_at(
        self, terms: Sequence[int], rows: npt.NDArray[np.intp], *, idf: Mapping[int, float]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what `scores` gives, for some records, with these weights of the stems."""
        known = self._places(tuple(dict.fromkeys(terms)))
        places = np.array([place for _, place in known], dtype=np.int32)
        shares = np.array([idf[term] for term, _ in known], dtype=np.float32)
        scores, coverage = _scores_at(rows, *self._forward, places, shares, max(sum(idf.values()), 1e-9))
        return scores, coverage

    def idf(self, terms: Sequence[int]) -> dict[int, float]:
        """Return the weight of each stem; one that nobody uses counts as the rarest."""
        known = {term: float(self._idf[place]) for term, place in self._places(terms)}
        return {term: known.get(term, self._unseen_idf) for term in terms}

    def moments(self, terms: Sequence[int], beside: LexicalIndex) -> tuple[float, float]:
        """Return mean and spread of the scores over these records and some beside, taking the stems as independent."""
        count = self.num_records + beside.num_records
        idf = self.idf(terms)
        mean = dict.fromkeys(terms, 0.0)
        square = dict.fromkeys(terms, 0.0)
        for index in (self, beside):
            sums, squares = index._sums
            for term, place in index._places(terms):
                mean[term] += idf[term] * float(sums[place]) / count
                square[term] += idf[term] ** 2 * float(squares[place]) / count
        variance = sum(square[term] - mean[term] ** 2 for term in terms)
        return sum(mean.values()), max(variance, 0.0) ** 0.5

    @cached_property
    def _forward(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return the postings by record, (P, 2), and where each record's begin; made when first asked for.

        Stem and weight lie side by side, for both are fetched from memory for each record: one array, seen as integers and as floats.
        """
        order = np.argsort(self._rows, kind="stable")
        pairs = np.empty((len(order), 2), dtype=np.int32)
        pairs[:, 0] = np.repeat(np.arange(len(self._terms), dtype=np.int32), np.diff(self._starts))[order]
        pairs.view(np.float32)[:, 1] = self._weights[order]
        starts = np.zeros(self.num_records + 1, dtype=np.int64)
        np.cumsum(np.bincount(self._rows, minlength=self.num_records), out=starts[1:])
        return pairs, pairs.view(np.float32), starts

    @cached_property
    def _sums(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the sum of the weights of each stem's postings, and of their squares."""
        if not len(self._terms):
            return np.zeros(0), np.zeros(0)
        weights = self._weights.astype(np.float64)
        return np.add.reduceat(weights, self._starts[:-1]), np.add.reduceat(weights**2, self._starts[:-1])

    def _postings(
        self, place: int, most: int, eligible: npt.NDArray[np.bool_] | None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return records and weights of a stem, eligible ones only: all of them, or the best where they are more than `most`."""
        span = slice(int(self._starts[place]), int(self._starts[place + 1]))
        if span.stop - span.start <= (most if eligible is None else POSTINGS_BUDGET):
            rows, weights = self._rows[span], self._weights[span]
            if eligible is not None:
                rows, weights = _of_eligible(rows, weights, eligible)
            if len(rows) <= most:
                return rows, weights
        rows, weights = self._champions(place)
        return (rows, weights) if eligible is None else _of_eligible(rows, weights, eligible)

    def _champions(self, place: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return records and weights of the best postings of a frequent stem, worked out once."""
        best = self._best.get(place)
        if best is None:
            start, end = int(self._starts[place]), int(self._starts[place + 1])
            kept = start + np.sort(np.argpartition(-self._weights[start:end], CHAMPIONS)[:CHAMPIONS])
            best = self._best[place] = self._rows[kept], self._weights[kept]
        return best

    def _find(self, terms: Sequence[int]) -> list[int]:
        """Return the places of the known ones among `terms`."""
        return [place for _, place in self._places(terms)]

    def _places(self, terms: Sequence[int]) -> list[tuple[int, int]]:
        """Return (term, place) of the known ones among `terms`; those of the last search are kept, which asks for them several times."""
        if not len(self._terms) or not terms:
            return []
        asked = tuple(terms)
        last, known_last = self._found_last
        if asked == last:
            return known_last
        wanted = np.array(terms, dtype=np.uint64)
        places = self._terms.searchsorted(wanted)
        known = self._terms.take(places, mode="clip") == wanted
        triples = zip(terms, places.tolist(), known.tolist(), strict=True)
        found = [(term, place) for term, place, is_known in triples if is_known]
        self._found_last = asked, found
        return found


@compiled
def _scores(
    wanted: Words, terms: Words, starts: Ints, rows: Codes, weights: Floats, idf: Floats, unseen_idf: float, num_records: int
) -> FloatMatrix:  # fmt: skip
    """Return BM25 and coverage of every record, (2, N), by going through the postings of each stem wanted."""
    found = np.zeros((2, num_records), np.float32)
    scores, coverage = found[0], found[1]
    places = np.empty(len(wanted), np.int64)
    mass = 0.0
    for number in range(len(wanted)):
        low, high = 0, len(terms)
        while low < high:
            middle = (low + high) // 2
            if terms[middle] < wanted[number]:
                low = middle + 1
            else:
                high = middle
        is_known = low < len(terms) and terms[low] == wanted[number]
        places[number] = low if is_known else -1
        mass += idf[low] if is_known else unseen_idf
    for place in places:
        if place >= 0:
            share = np.float32(idf[place] / mass)
            for posting in range(starts[place], starts[place + 1]):
                scores[rows[posting]] += idf[place] * weights[posting]
                coverage[rows[posting]] += share
    return found


@compiled
def _scores_at(
    records: Ints,
    stems: CodeMatrix,
    weights: FloatMatrix,
    starts: Ints,
    places: Codes,
    idf: Floats,
    mass: float,
) -> FloatMatrix:
    """Return BM25 and coverage of some records, (2, R), by going through the stems of each."""
    found = np.zeros((2, len(records)), np.float32)
    first, end = np.empty(len(records), np.uint64), np.empty(len(records), np.uint64)
    for record in records:
        prefetch(starts, record, 0)
    for number in range(len(records)):
        first[number], end[number] = starts[records[number]], starts[records[number] + 1]
        for byte in range(0, 8 * (end[number] - first[number]), 64):
            prefetch(stems, first[number], byte)
    # Each stem wanted has a slot of its own: one look instead of a comparison with each of them, and no branch, for which stem it is cannot be foreseen.
    slots, is_apart = 32, False
    while not is_apart:
        slots, is_apart = 2 * slots, True
        stem_at, idf_at = np.full(slots, -1, np.int32), np.zeros(slots, np.float32)
        for wanted in range(len(places)):
            slot = places[wanted] & (slots - 1)
            is_apart &= stem_at[slot] < 0
            stem_at[slot], idf_at[slot] = places[wanted], idf[wanted]
    mask = np.uint64(slots - 1)
    for number in range(len(records)):
        score = share = np.float32(0)
        for posting in range(first[number], end[number]):
            stem = stems[posting, np.uint64(0)]
            slot = np.uint64(stem) & mask
            worth = idf_at[slot] if stem_at[slot] == stem else np.float32(0)
            score += worth * weights[posting, np.uint64(1)]
            share += worth
        found[0, number], found[1, number] = score, share / mass
    return found


@compiled
def _best_by_gains(
    rows: Codes, weights: Floats, spans: IntMatrix, rows_apart: Codes, weights_apart: Floats, ends_apart: Ints,
    idf: Floats, num_records: int, count: int,
) -> Ints:  # fmt: skip
    """Return the records of highest BM25 by the postings of some stems, up to `count`.

    Parameters
    ----------
    rows, weights : ndarray, (P,)
        All postings, each stem's ascending by record.
    spans : ndarray, (S, 2)
        Where those of some stems begin and end.
    rows_apart, weights_apart : ndarray, (A,)
        The postings of further stems.
    ends_apart : ndarray, (B,)
        Where each stem's end.
    idf : ndarray, (S + B,)
    """
    whole, num_stems = len(spans), len(idf)
    reached, ends = np.zeros(num_stems, np.int64), np.zeros(num_stems, np.int64)
    for stem in range(num_stems):
        if stem < whole:
            reached[stem], ends[stem] = spans[stem, 0], spans[stem, 1]
        else:
            reached[stem] = ends_apart[stem - whole - 1] if stem > whole else 0
            ends[stem] = ends_apart[stem - whole]
    # So many records at a time that their totals stay in the first cache, whichever of them the stems meet.
    totals, met = np.zeros(_TOGETHER, np.float32), np.empty(_TOGETHER + 1, np.int64)
    # The best so far, and room for more. What is not above the floor is passed over: that rises as soon as enough are known to stand higher, for
    # which they are counted by height. Should many stand equally high, the room fills up, and all but the best are dropped.
    room = 4 * count + _TOGETHER
    records, gains = np.empty(room + _TOGETHER, np.int64), np.empty(room + _TOGETHER, np.float32)
    size, level, num_above, floor = 0, 0, 0, np.float32(0)
    highest = np.float32(K1 + 1) * idf.sum() + np.float32(1e-9)
    heights, scale = np.zeros(_STEPS + 1, np.int64), np.float32(_STEPS / highest)
    for start in range(0, num_records + _TOGETHER, _TOGETHER):
        num_met = 0
        for stem in range(num_stems):
            source, weight = (rows, weights) if stem < whole else (rows_apart, weights_apart)
            # Held in registers: for all the compiler knows, writing a total may change what lies in an array.
            posting, end, limit, worth = (
                np.uint64(reached[stem]),
                np.uint64(ends[stem]),
                start + _TOGETHER,
                idf[stem],
            )
            while posting < end and source[posting] < limit:
                record = np.uint64(source[posting] - start)
                before = totals[record]
                met[num_met] = record  # stays there only if this is the first time
                num_met += before == 0
                totals[record] = before + worth * weight[posting]
                posting += np.uint64(1)
            reached[stem] = posting
        first = size
        for number in range(num_met):
            record = met[number]
            gain = totals[record]
            totals[record] = 0
            records[size], gains[size] = start + record, gain
            size += gain > floor
        for number in range(first, size):
            height = min(int(gains[number] * scale), _STEPS)
            heights[height] += 1
            num_above += height >= level
        while level < _STEPS and num_above - heights[level] >= count:
            num_above -= heights[level]
            level += 1
            floor = max(floor, np.float32(level / scale * (1 - 1e-6)))  # never higher by rounding
        if size > room or (start >= num_records and size > count):
            floor = np.partition(gains[:size], size - count)[size - count]
            equal = count
            for number in range(size):
                equal -= gains[number] > floor
            kept = 0
            for number in range(size):
                records[kept], gains[kept] = records[number], gains[number]
                is_equal = gains[number] == floor and equal > 0
                kept += gains[number] > floor or is_equal
                equal -= is_equal
            size = kept
    return records[:size]


@compiled
def _of_eligible(rows: Codes, weights: Floats, eligible: Flags) -> tuple[Codes, Floats]:
    """Return those postings whose records are eligible."""
    kept, count = np.empty(len(rows), np.int32), 0
    for posting in range(len(rows)):
        kept[count] = posting
        count += eligible[rows[posting]]
    kept_rows, kept_weights = np.empty(count, np.int32), np.empty(count, np.float32)
    for number in range(count):
        kept_rows[number], kept_weights[number] = rows[kept[number]], weights[kept[number]]
    return kept_rows, kept_weights
