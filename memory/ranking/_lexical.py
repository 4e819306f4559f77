"""BM25 over one user's records, as sparse postings in numpy arrays.

Okapi BM25 (Robertson and Zaragoza 2009) with idf = ln(1 + (N - df + .5) / (df + .5)), which is never negative. The weight of every
posting is computed when the index is built, so a query only gathers and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LexicalIndex"]

K1 = 1.2
B = 0.5
"""Turns vary little in length; b = .5 is what the study of LoCoMo turns settled on."""

POSTINGS_BUDGET = 64_000
CHAMPIONS = 4_000
"""Postings read for candidates, and of a stem for which the budget is too small: its best by weight."""

FILTERED_WHOLE = 100_000
"""Of a stem with more postings only the champions are looked through for eligible records."""


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
        self._best: dict[int, tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]] = {}
        self._idle_totals: list[npt.NDArray[np.float32]] = []  # zeros, one a search under way
        self._unseen_idf = float(np.log1p((self.num_records + 0.5) / 0.5))

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
        new._best, new._idle_totals = {}, []
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
        wanted = list(dict.fromkeys(terms))
        places = np.array(self._find(wanted), dtype=np.intp)
        if not len(places):
            nothing = np.zeros(self.num_records, dtype=np.float32)
            return nothing, nothing
        idf = self._idf[places]
        mass = self._unseen_idf * (len(wanted) - len(places)) + float(np.add.reduce(idf))
        first, after = self._starts[places], self._starts[places + 1]
        spans = list(map(slice, first.tolist(), after.tolist()))
        rows = np.concatenate([self._rows[span] for span in spans]).astype(np.intp)
        shares = idf.repeat(after - first)
        gains = np.concatenate([self._weights[span] for span in spans])
        gains *= shares
        shares *= np.float32(1 / mass)
        scores = np.bincount(rows, gains, self.num_records)
        coverage = np.bincount(rows, shares, self.num_records)
        return scores.astype(np.float32), coverage.astype(np.float32)

    def candidates(
        self, terms: Sequence[int], count: int, *, eligible: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.intp]:
        """Return about the `count` best records, without looking at every posting.

        The rarest stems are read whole; of a frequent one only its `CHAMPIONS` best postings are.

        Parameters
        ----------
        eligible : ndarray, (N,), bool, optional
            Only these are considered; postings are sorted out before any of them is counted.
        """
        totals = self._idle_totals.pop() if self._idle_totals else np.zeros(self.num_records, np.float32)
        found: list[npt.NDArray[np.intp]] = []
        budget = POSTINGS_BUDGET
        for place in sorted(self._find(terms), key=lambda p: -float(self._idf[p])):
            rows, weights = self._postings(place, max(budget, CHAMPIONS), eligible)
            np.add.at(totals, rows, self._idf[place] * weights)
            found.append(rows)
            budget -= len(rows)
        # A record is taken where it is met first, and what it has gained is back at zero when it is met again.
        gained: list[npt.NDArray[np.float32]] = []
        for rows in found:
            gained.append(totals.take(rows))
            totals[rows] = 0
        self._idle_totals.append(totals)
        if not found:
            return np.zeros(0, dtype=np.intp)
        records, gains = np.concatenate(found), np.concatenate(gained)
        if count < len(gains):
            left_out = len(gains) - count
            best = np.argpartition(gains, left_out)[left_out:]
            records, gains = records[best], gains[best]
        return records[gains > 0]

    def scores_at(
        self, terms: Sequence[int], rows: npt.NDArray[np.intp], *, idf: Mapping[int, float]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what `scores` gives, for some records, with these weights of the stems."""
        table = np.zeros(len(self._terms) + 1, dtype=np.float32)
        for term, place in self._places(terms):
            table[place] = idf[term]
        stems, weights, starts = self._forward
        first = starts[rows]
        lengths = starts[rows + 1] - first
        record = np.repeat(np.arange(len(rows)), lengths)
        places = (first + lengths - np.cumsum(lengths)).take(record)
        places += np.arange(len(record))
        shares = table.take(stems.take(places))
        hit = np.flatnonzero(shares > 0)
        record, shares = record[hit], shares[hit]
        scores = np.bincount(record, shares * weights[places[hit]], len(rows))
        coverage = np.bincount(record, shares, len(rows))
        mass = max(sum(idf.values()), 1e-9)
        return scores.astype(np.float32), (coverage / mass).astype(np.float32)

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
        """Return the postings by record: stems, weights, and where each record's begin; made when first asked for."""
        order = np.argsort(self._rows, kind="stable")
        stems = np.repeat(np.arange(len(self._terms), dtype=np.int32), np.diff(self._starts))[order]
        starts = np.zeros(self.num_records + 1, dtype=np.int64)
        np.cumsum(np.bincount(self._rows, minlength=self.num_records), out=starts[1:])
        return stems, self._weights[order], starts

    @cached_property
    def _sums(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the sum of the weights of each stem's postings, and of their squares."""
        if not len(self._terms):
            return np.zeros(0), np.zeros(0)
        weights = self._weights.astype(np.float64)
        return np.add.reduceat(weights, self._starts[:-1]), np.add.reduceat(weights**2, self._starts[:-1])

    def _postings(
        self, place: int, most: int, eligible: npt.NDArray[np.bool_] | None
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Return records and weights of a stem, eligible ones only: all of them, or the best where they are more than `most`."""
        span = slice(int(self._starts[place]), int(self._starts[place + 1]))
        if span.stop - span.start <= (most if eligible is None else FILTERED_WHOLE):
            rows, weights = self._rows[span].astype(np.intp), self._weights[span]
            if eligible is not None:
                kept = eligible[rows]
                rows, weights = rows[kept], weights[kept]
            if len(rows) <= most:
                return rows, weights
        rows, weights = self._champions(place)
        if eligible is not None:
            kept = eligible[rows]
            rows, weights = rows[kept], weights[kept]
        return rows, weights

    def _champions(self, place: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Return records and weights of the best postings of a frequent stem, worked out once."""
        best = self._best.get(place)
        if best is None:
            start, end = int(self._starts[place]), int(self._starts[place + 1])
            kept = start + np.sort(np.argpartition(-self._weights[start:end], CHAMPIONS)[:CHAMPIONS])
            best = self._best[place] = self._rows[kept].astype(np.intp), self._weights[kept]
        return best

    def _find(self, terms: Sequence[int]) -> list[int]:
        """Return the places of the known ones among `terms`."""
        return [place for _, place in self._places(terms)]

    def _places(self, terms: Sequence[int]) -> list[tuple[int, int]]:
        """Return (term, place) of the known ones among `terms`."""
        if not len(self._terms) or not terms:
            return []
        wanted = np.array(terms, dtype=np.uint64)
        places = self._terms.searchsorted(wanted)
        known = self._terms.take(places, mode="clip") == wanted
        triples = zip(terms, places.tolist(), known.tolist(), strict=True)
        return [(term, place) for term, place, is_known in triples if is_known]
