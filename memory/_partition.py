"""One user's records in RAM: the arrays every search works on.

A partition is never changed once built; a write makes a new one, and a search in progress keeps the old.
Letters: N records, T word pieces of all records, P postings, D dimension.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._columns import MetadataColumns
from agentcore.memory._labels import Labels
from agentcore.memory._terms import TERM, words
from agentcore.memory.index import TemporalIndex, VectorCodes, VectorIndex, Vectors
from agentcore.memory.ranking import FULL, Cue, LexicalIndex, Structure, TokenIndex, cues_of, sign_words

__all__ = ["NEVER", "Partition"]

NEVER = np.iinfo(np.int64).max
"""The expiry of a record that has none."""

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Partition:
    """The current records of one (user, namespace): in order of insertion, or laid out by cluster.

    Attributes
    ----------
    seq : ndarray, (N,), int64
        Version numbers in the file.
    event_time, expires, valid_from, valid_to : ndarray, (N,), int64
        Microseconds; open ends are the extremes of int64.
    sessions, speakers : Labels
    cues : ndarray, (N,), uint8
        `ranking.Cue` flags.
    vectors : Vectors
    token_starts : ndarray, (N + 1,), int64
        Word pieces of record i are `token_starts[i]:token_starts[i + 1]`.
    token_ids : ndarray, (T,), uint32
    token_signs : ndarray, (T, W), uint64
    terms : ndarray, (P,), TERM
    term_starts : ndarray, (N + 1,), int64
    """

    seq: npt.NDArray[np.int64]
    event_time: npt.NDArray[np.int64]
    expires: npt.NDArray[np.int64]
    valid_from: npt.NDArray[np.int64]
    valid_to: npt.NDArray[np.int64]
    sessions: Labels
    speakers: Labels
    cues: npt.NDArray[np.uint8]
    vectors: Vectors
    token_starts: npt.NDArray[np.int64]
    token_ids: npt.NDArray[np.uint32]
    token_signs: npt.NDArray[np.uint64]
    terms: npt.NDArray[np.void]
    term_starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.seq)

    @classmethod
    def build(cls, rows: Sequence[tuple[Any, ...]], *, dimension: int) -> Partition:
        """Build from the rows of `RowStore.load`."""
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 13
        seq, event, sessions, speakers, expires, valid_from, valid_to, cues, texts, *features = columns
        vectors, ids, signs, terms = features
        return cls(
            seq=np.array(seq, dtype=np.int64),
            event_time=np.array(event, dtype=np.int64),
            expires=_times(expires, NEVER),
            valid_from=_times(valid_from, -NEVER),
            valid_to=_times(valid_to, NEVER),
            sessions=Labels.of(sessions, count=len(rows)),
            speakers=Labels.of(speakers, count=len(rows)),
            cues=_cues(cues, texts),
            vectors=Vectors.of(np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, dimension)),
            token_starts=_starts(ids, 4),
            token_ids=np.frombuffer(b"".join(ids), dtype="<u4"),
            token_signs=sign_words(
                np.frombuffer(b"".join(signs), dtype=np.uint8).reshape(-1, (dimension + 7) // 8)
            ),
            terms=np.frombuffer(b"".join(terms), dtype=TERM),
            term_starts=_starts(terms, TERM.itemsize),
        )

    @classmethod
    def joined(cls, parts: list[Partition]) -> Partition:
        """Return the records of all parts in order, and empty the list: so no two of the arrays are ever held twice at a time."""
        sessions, speakers = parts[0].sessions, parts[0].speakers
        for part in parts[1:]:
            sessions, speakers = sessions.extended(part.sessions), speakers.extended(part.speakers)
        vectors = [part.vectors for part in parts]
        columns = {
            name: [getattr(part, name) for part in parts]
            for name in (*_BY_RECORD, "token_ids", "token_signs", "terms")
        }
        lengths = {
            name: [np.diff(getattr(part, name)) for part in parts] for name in ("token_starts", "term_starts")
        }
        parts.clear()
        return cls(
            **{name: np.concatenate(columns.pop(name)) for name in list(columns)},
            **{
                name: np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate(each))))
                for name, each in lengths.items()
            },
            vectors=Vectors.joined(vectors),
            sessions=sessions,
            speakers=speakers,
        )

    def extended(self, other: Partition) -> Partition:
        """Return the records of both, these first."""
        joined = {name: np.concatenate((getattr(self, name), getattr(other, name))) for name in _BY_RECORD}
        return Partition(
            **joined,
            vectors=Vectors.joined((self.vectors, other.vectors)),
            sessions=self.sessions.extended(other.sessions),
            speakers=self.speakers.extended(other.speakers),
            token_starts=np.concatenate((self.token_starts, other.token_starts[1:] + self.token_starts[-1])),
            token_ids=np.concatenate((self.token_ids, other.token_ids)),
            token_signs=np.concatenate((self.token_signs, other.token_signs)),
            terms=np.concatenate((self.terms, other.terms)),
            term_starts=np.concatenate((self.term_starts, other.term_starts[1:] + self.term_starts[-1])),
        )

    def take(self, rows: npt.NDArray[np.intp]) -> Partition:
        """Return some records, in the order given."""
        tokens, token_starts = _gather(self.token_starts, rows)
        terms, term_starts = _gather(self.term_starts, rows)
        return Partition(
            **{name: getattr(self, name)[rows] for name in _BY_RECORD},
            vectors=self.vectors.take(rows),
            sessions=self.sessions.take(rows),
            speakers=self.speakers.take(rows),
            token_starts=token_starts,
            token_ids=self.token_ids[tokens],
            token_signs=self.token_signs[tokens],
            terms=self.terms[terms],
            term_starts=term_starts,
        )

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 over these records."""
        return LexicalIndex(self.terms["hash"], self.terms["count"], self.term_starts)

    @cached_property
    def tokens(self) -> TokenIndex:
        """Late interaction over these records."""
        return TokenIndex(self.token_ids, self.token_signs, self.token_starts)

    @cached_property
    def places(self) -> npt.NDArray[np.intp]:
        """All places, ascending, (N,)."""
        return np.arange(len(self))

    @cached_property
    def order(self) -> npt.NDArray[np.intp]:
        """Places in order of insertion, wherever the records lie, (N,)."""
        return np.argsort(self.seq, kind="stable")

    @cached_property
    def sample(self) -> npt.NDArray[np.intp]:
        """Runs of neighbouring records, spread evenly over the insertions: places, ascending, (S,)."""
        first = np.linspace(0, max(len(self) - _SAMPLE_RUN, 0), _SAMPLE_RUNS).astype(np.intp)
        picked = np.unique((first[:, None] + np.arange(min(_SAMPLE_RUN, len(self)))).ravel())
        return np.sort(self.order[picked])

    @cached_property
    def sampled(self) -> Partition:
        """The sample as records of their own, in order of insertion wherever they lie here."""
        sample = self.sample
        return self.take(sample[np.argsort(self.seq[sample])])

    @cached_property
    def usual_vectors(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Mean, (D,), and covariance, (D, D), of the vectors of 1024 to 2047 records, spread evenly: what is usual here."""
        sample = self.vectors[self.order[:: max(len(self) // 1024, 1)]]
        mean = sample.mean(axis=0)
        away = sample - mean
        return mean, away.T @ away / np.float32(len(sample))

    @cached_property
    def columns(self) -> MetadataColumns:
        """Metadata, as far as filters asked for it."""
        return MetadataColumns(self.seq)

    @cached_property
    def has_limits(self) -> bool:
        """Whether any record expires or holds for a time only."""
        return bool(
            (self.expires != NEVER).any()
            or (self.valid_from != -NEVER).any()
            or (self.valid_to != NEVER).any()
        )

    @cached_property
    def temporal(self) -> TemporalIndex:
        """Event times in order."""
        return TemporalIndex(self.event_time)

    @cached_property
    def nearest(self) -> VectorIndex:
        """Approximate neighbours by vector."""
        return VectorIndex(self.vectors, self.order)

    @cached_property
    def codes(self) -> VectorCodes:
        """Smaller copies of the vectors, to choose by."""
        return VectorCodes(self.vectors)

    @cached_property
    def structure(self) -> Structure:
        """Neighbours and sessions."""
        return Structure.build(self.sessions.codes, self.event_time, self.seq)

    @cached_property
    def is_turn(self) -> Bool:
        """Records said in a session or by a named speaker."""
        return (self.sessions.codes >= 0) | (self.speakers.codes >= 0)

    @cached_property
    def is_passage(self) -> Bool:
        """Long records that nobody said: documents, not turns."""
        return ~self.is_turn & (np.diff(self.term_starts) >= FULL.passage_words)

    @cached_property
    def has_passages(self) -> bool:
        """Whether any record is a passage."""
        return bool(self.is_passage.any())

    @cached_property
    def turn_cues(self) -> npt.NDArray[np.uint8]:
        """The cues of turns; zero for other records, whose wording tells nothing of the kind."""
        return np.where(self.is_turn, self.cues, 0).astype(np.uint8)

    @cached_property
    def replies(self) -> npt.NDArray[np.float32]:
        """1 for a turn whose previous turn asks something, else 0."""
        asks = ((self.turn_cues & Cue.ASKS.value) != 0).astype(np.float32)
        previous = self.structure.around(self.places)[0]
        replies: npt.NDArray[np.float32] = np.append(asks, np.float32(0)).take(previous)
        return replies

    @cached_property
    def years(self) -> list[int]:
        """The years in which something happened."""
        return [
            int(year) + 1970
            for year in np.unique(
                self.event_time.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64)
            )
        ]

    @cached_property
    def speaker_words(self) -> frozenset[str]:
        """The words of all speakers' names."""
        return frozenset(word for names in self._speaker_names.values() for word in names)

    def named(self, query_names: Collection[str]) -> int | None:
        """Return the number of the one speaker whose first name the query holds; None where it names none or several."""
        called = self._called
        if called.keys().isdisjoint(query_names):
            return None
        named = {code for word in query_names for code in called.get(word, ())}
        return named.pop() if len(named) == 1 else None

    def named_speaker(
        self, query_names: Collection[str], rows: npt.NDArray[np.intp] | slice = slice(None)
    ) -> Bool | None:
        """Return which of the rows are of the one speaker that is named; None where none or several are."""
        code = self.named(query_names)
        return None if code is None else self.speakers.codes[rows] == code

    def said_by(self, query_names: Collection[str]) -> npt.NDArray[np.intp]:
        """Return the places of what the one speaker said who is named, ascending; none where none or several are."""
        code = self.named(query_names)
        order, starts = self._by_speaker
        return order[:0] if code is None else order[starts[code] : starts[code + 1]]

    @cached_property
    def _by_speaker(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return all places by speaker, and where each speaker's begin."""
        order = np.argsort(self.speakers.codes, kind="stable")
        numbers = np.arange(len(self.speakers.names) + 1, dtype=np.int32)
        return order, np.searchsorted(self.speakers.codes[order], numbers)

    @cached_property
    def _called(self) -> dict[str, list[int]]:
        """The speakers by first name."""
        called: dict[str, list[int]] = {}
        for code, names in self._speaker_names.items():
            if names:
                called.setdefault(names[0], []).append(code)
        return called

    @cached_property
    def _speaker_names(self) -> dict[int, list[str]]:
        """The words of each speaker's name; of those only who said something here."""
        return {
            code: words(self.speakers.names[code])
            for code in np.unique(self.speakers.codes).tolist()
            if code >= 0
        }


_SAMPLE_RUNS, _SAMPLE_RUN = 16, 24
"""Where only candidates get their tokens scored, what is usual is taken from so many runs of so many records."""

_BY_RECORD = ("seq", "event_time", "expires", "valid_from", "valid_to", "cues")


def _gather(
    starts: npt.NDArray[np.int64], rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of some records' items, and where each record's begin once they are joined."""
    lengths = starts[rows + 1] - starts[rows]
    joined = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    return np.repeat(starts[rows] - joined[:-1], lengths) + np.arange(joined[-1]), joined


def _times(values: Sequence[int | None], missing: int) -> npt.NDArray[np.int64]:
    return np.array([missing if v is None else v for v in values], dtype=np.int64)


def _cues(stored: Sequence[int | None], texts: Sequence[str | None]) -> npt.NDArray[np.uint8]:
    """Return the cues; a record of a file older than they are has its text instead."""
    if None not in stored:
        return np.array(stored, dtype=np.uint8)
    read = (
        int(cues_of(text or "")) if cues is None else cues for cues, text in zip(stored, texts, strict=True)
    )
    return np.fromiter(read, dtype=np.uint8, count=len(stored))


def _starts(blobs: Sequence[bytes], itemsize: int) -> npt.NDArray[np.int64]:
    """Where each blob's items begin once the blobs are joined."""
    starts = np.zeros(len(blobs) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs)) // itemsize, out=starts[1:])
    return starts
