"""BM25 over one user's records, as sparse postings in numpy arrays.

Okapi BM25 (Robertson and Zaragoza 2009) with idf = ln(1 + (N - df + .5) / (df + .5)), which is never negative. The weight of every
posting is computed when the index is built, so a query only gathers and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LexicalIndex"]

K1 = 1.2
B = 0.5
POSTINGS_BUDGET = 20_000
CHAMPIONS = 1000
"""Turns vary little in length; b = .5 is what the study of LoCoMo turns settled on."""


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
        self._weights = frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * lengths[self._rows] / average))
        df = np.diff(self._starts)
        self._idf = np.log1p((self.num_records - df + 0.5) / (df + 0.5)).astype(np.float32)
        self._best: dict[int, npt.NDArray[np.intp]] = {}
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
        new._best = {}
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
        places = self._find(wanted)
        if not places:
            nothing = np.zeros(self.num_records, dtype=np.float32)
            return nothing, nothing
        idf = self._idf[places]
        mass = self._unseen_idf * (len(wanted) - len(places)) + float(np.add.reduce(idf))
        spans = [slice(self._starts[place], self._starts[place + 1]) for place in places]
        rows = np.concatenate([self._rows[span] for span in spans])
        weights = np.concatenate([self._weights[span] for span in spans])
        shares = np.repeat(idf, [span.stop - span.start for span in spans])
        scores = np.bincount(rows, weights=shares * weights, minlength=self.num_records)
        coverage = np.bincount(rows, weights=shares / np.float32(mass), minlength=self.num_records)
        return scores.astype(np.float32), coverage.astype(np.float32)

    def candidates(self, terms: Sequence[int], count: int) -> npt.NDArray[np.intp]:
        """Return about the `count` best records, without looking at every posting.

        The rarest stems are read whole; of a frequent one only its `CHAMPIONS` best postings are.
        """
        touched: list[npt.NDArray[np.int32]] = []
        gains: list[npt.NDArray[np.float32]] = []
        budget = POSTINGS_BUDGET
        for place in sorted(self._find(terms), key=lambda p: -float(self._idf[p])):
            postings = slice(self._starts[place], self._starts[place + 1])
            rows, weights = self._rows[postings], self._weights[postings]
            if len(rows) > max(budget, CHAMPIONS):
                best = self._champions(place)
                rows, weights = rows[best], weights[best]
            touched.append(rows)
            gains.append(self._idf[place] * weights)
            budget -= len(rows)
        if not touched:
            return np.zeros(0, dtype=np.intp)
        rows, places = np.unique(np.concatenate(touched), return_inverse=True)
        totals = np.bincount(places, weights=np.concatenate(gains))
        best = np.argpartition(-totals, count)[:count] if count < len(totals) else np.arange(len(totals))
        return rows[best].astype(np.intp)

    def scores_at(
        self, terms: Sequence[int], rows: npt.NDArray[np.intp], *, idf: Mapping[int, float]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what `scores` gives, for some records, ascending, with these weights of the stems."""
        scores = np.zeros(len(rows), dtype=np.float32)
        coverage = np.zeros(len(rows), dtype=np.float32)
        for term, place in self._places(terms):
            start, end = int(self._starts[place]), int(self._starts[place + 1])
            postings = self._rows[start:end]
            at = np.minimum(np.searchsorted(postings, rows), len(postings) - 1)
            hit = np.flatnonzero(postings[at] == rows)
            scores[hit] += np.float32(idf[term]) * self._weights[start + at[hit]]
            coverage[hit] += np.float32(idf[term])
        mass = sum(idf.values())
        if mass > 0:
            coverage /= np.float32(mass)
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
            for term, place in index._places(terms):
                weights = index._weights[index._starts[place] : index._starts[place + 1]]
                mean[term] += idf[term] * float(np.add.reduce(weights)) / count
                square[term] += idf[term] ** 2 * float(weights @ weights) / count
        variance = sum(square[term] - mean[term] ** 2 for term in terms)
        return sum(mean.values()), max(variance, 0.0) ** 0.5

    def _champions(self, place: int) -> npt.NDArray[np.intp]:
        """Return the best postings of a frequent stem, worked out once."""
        best = self._best.get(place)
        if best is None:
            weights = self._weights[self._starts[place] : self._starts[place + 1]]
            best = self._best[place] = np.argpartition(-weights, CHAMPIONS)[:CHAMPIONS]
        return best

    def _find(self, terms: Sequence[int]) -> list[int]:
        """Return the places of the known ones among `terms`."""
        return [place for _, place in self._places(terms)]

    def _places(self, terms: Sequence[int]) -> list[tuple[int, int]]:
        """Return (term, place) of the known ones among `terms`."""
        if not len(self._terms) or not terms:
            return []
        wanted = np.array(terms, dtype=np.uint64)
        places = np.searchsorted(self._terms, wanted)
        places[places == len(self._terms)] = 0
        found = np.flatnonzero(self._terms[places] == wanted).tolist()
        return [(terms[i], int(places[i])) for i in found]
