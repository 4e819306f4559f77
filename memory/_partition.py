"""One user's records in RAM: the arrays every search works on.

A partition is never changed once built; a write makes a new one, and a search in progress keeps the old.
Letters: N records, T tokens of all records, P postings, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._lexical import LexicalIndex
from agentcore.memory._terms import TERM

__all__ = ["NEVER", "Partition"]

NEVER = np.iinfo(np.int64).max
"""The expiry of a record that has none."""


@dataclass(frozen=True, eq=False)
class Partition:
    """The current records of one (user, namespace), in order of insertion.

    Attributes
    ----------
    seq : ndarray, (N,), int64
        Version numbers in the file, ascending.
    event_time, expires, valid_from, valid_to : ndarray, (N,), int64
        Microseconds; open ends are the extremes of int64.
    sessions, speakers : list of (str or None)
        One a record.
    vectors : ndarray, (N, D), float32
    token_starts : ndarray, (N + 1,), int64
        Tokens of record i are `token_starts[i]:token_starts[i + 1]`.
    token_ids : ndarray, (T,), uint32
    token_signs : ndarray, (T, ceil(D / 8)), uint8
    terms : ndarray, (P,), TERM
    term_starts : ndarray, (N + 1,), int64
    """

    seq: npt.NDArray[np.int64]
    event_time: npt.NDArray[np.int64]
    expires: npt.NDArray[np.int64]
    valid_from: npt.NDArray[np.int64]
    valid_to: npt.NDArray[np.int64]
    sessions: list[str | None]
    speakers: list[str | None]
    vectors: npt.NDArray[np.float32]
    token_starts: npt.NDArray[np.int64]
    token_ids: npt.NDArray[np.uint32]
    token_signs: npt.NDArray[np.uint8]
    terms: npt.NDArray[np.void]
    term_starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.seq)

    @classmethod
    def build(cls, rows: Sequence[tuple[Any, ...]], *, dimension: int) -> Partition:
        """Build from the rows of `RowStore.load`."""
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 14
        seq, event, _, sessions, speakers, _, expires, valid_from, valid_to, _, vectors, ids, signs, terms = (
            columns
        )
        return cls(
            seq=np.array(seq, dtype=np.int64),
            event_time=np.array(event, dtype=np.int64),
            expires=_times(expires, NEVER),
            valid_from=_times(valid_from, -NEVER),
            valid_to=_times(valid_to, NEVER),
            sessions=list(sessions),
            speakers=list(speakers),
            vectors=np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, dimension),
            token_starts=_starts(ids, 4),
            token_ids=np.frombuffer(b"".join(ids), dtype="<u4"),
            token_signs=np.frombuffer(b"".join(signs), dtype=np.uint8).reshape(-1, (dimension + 7) // 8),
            terms=np.frombuffer(b"".join(terms), dtype=TERM),
            term_starts=_starts(terms, TERM.itemsize),
        )

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 over these records."""
        return LexicalIndex(self.terms["hash"], self.terms["count"], self.term_starts)


def _times(values: Sequence[int | None], missing: int) -> npt.NDArray[np.int64]:
    return np.array([missing if v is None else v for v in values], dtype=np.int64)


def _starts(blobs: Sequence[bytes], itemsize: int) -> npt.NDArray[np.int64]:
    """Where each blob's items begin once the blobs are joined."""
    lengths = np.fromiter((len(b) // itemsize for b in blobs), dtype=np.int64, count=len(blobs))
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
