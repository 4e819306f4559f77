"""BM25 over one user's records, as sparse postings in numpy arrays.

Okapi BM25 (Robertson and Zaragoza 2009) with idf = ln(1 + (N - df + .5) / (df + .5)), which is never negative. The weight of every
posting is computed when the index is built, so a query only gathers and adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["LexicalIndex"]

K1 = 1.2
B = 0.5
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
        self._unseen_idf = float(np.log1p((self.num_records + 0.5) / 0.5))

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
        scores = np.zeros(self.num_records, dtype=np.float32)
        coverage = np.zeros(self.num_records, dtype=np.float32)
        wanted = dict.fromkeys(terms)
        places = self._find(list(wanted))
        mass = self._unseen_idf * (len(wanted) - len(places))
        for place in places:
            postings = slice(self._starts[place], self._starts[place + 1])
            rows, idf = self._rows[postings], self._idf[place]
            scores[rows] += idf * self._weights[postings]
            coverage[rows] += idf
            mass += float(idf)
        if mass > 0:
            coverage /= np.float32(mass)
        return scores, coverage

    def _find(self, terms: Sequence[int]) -> list[int]:
        """Return the places of the known ones among `terms`."""
        if not len(self._terms) or not terms:
            return []
        wanted = np.array(terms, dtype=np.uint64)
        places = np.searchsorted(self._terms, wanted)
        places[places == len(self._terms)] = 0
        return [int(p) for p in places[self._terms[places] == wanted]]
