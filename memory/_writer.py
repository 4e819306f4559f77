"""From what callers add to rows in the file: checks, vectors, duplicates, versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import groupby
from typing import Any

from agentcore.memory._collection import Collection
from agentcore.memory._draft import Draft, check_validity
from agentcore.memory._duplicates import decisive_words, near_duplicate
from agentcore.memory._encoding import (
    check_encoded,
    features_of,
    lexical_text,
    session_of,
    speaker_of,
    text_hash,
)
from agentcore.memory._partition import Partition
from agentcore.memory._partitions import Partitions
from agentcore.memory._records import Duplicates, Record, is_expired
from agentcore.memory._validation import Clock, to_micros
from agentcore.memory.embedding import Embedder, Encoded
from agentcore.memory.errors import DuplicateRecordError, RecordNotFoundError
from agentcore.memory.ranking import cues_of
from agentcore.memory.storage import Change, ChangeLog, Database, NewRow, RowStore, TagRows

__all__ = ["Writer"]


class Writer:
    """Every change of the file goes through here, each in one transaction with its entry in the change log.

    Parameters
    ----------
    database : Database
    embedder : callable returning Embedder
        Called when the first text must be embedded.
    partitions : callable returning Partitions
        Asked for the records a new one may repeat.
    now : callable
        The clock.
    """

    def __init__(
        self,
        database: Database,
        *,
        embedder: Callable[[], Embedder],
        partitions: Callable[[], Partitions],
        now: Clock,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._partitions = partitions
        self._now = now
        self._rows = RowStore()
        self._log = ChangeLog()

    def add(
        self, drafts: Sequence[Draft], *, duplicates: Duplicates, encoded: Encoded | None = None
    ) -> list[str]:
        """Embed and write a batch in one transaction; return the ids, in order.

        A merged duplicate gives the id of the record it was merged into.
        """
        if duplicates not in ("keep", "merge", "reject"):
            raise ValueError(f"duplicates must be 'keep', 'merge' or 'reject', got {duplicates!r}")
        if not drafts:
            return []
        rows = self._finish(drafts, encoded)
        similar = [[] if duplicates == "keep" else self._similar(row) for row in rows]
        batch = None if duplicates == "keep" else _as_collection(rows)
        numbers: dict[int, int] = {}  # of those of the batch that are written, by place
        ids = []
        with self._database.write() as connection:
            taken = self._rows.taken(connection, [draft.record.id for draft in drafts])
            written: list[tuple[int, Record]] = []
            for place, (row, near) in enumerate(zip(rows, similar, strict=True)):
                record = row.record
                twin = None
                if batch is not None:
                    beside = near_duplicate(batch, row.features, speaker=row.speaker)
                    near = [*near, *(numbers[other] for other in beside if other in numbers)]
                    twin = self._twin(connection, row, near)
                if twin is not None and duplicates == "reject":
                    raise DuplicateRecordError(twin)
                if twin is not None:
                    self._merge(connection, twin, record)
                    ids.append(twin)
                    continue
                if record.id in taken:
                    raise DuplicateRecordError(record.id, reason="the id is taken")
                taken.add(record.id)
                (seq,) = self._rows.insert(connection, [row])
                numbers[place] = seq
                written.append((seq, record))
                ids.append(record.id)
            self._log.append(connection, _additions(written))
        return ids

    def update(self, record_id: str, changes: Mapping[str, Any]) -> Record:
        """Write a new version of a memory; the old one stays in its history."""
        while True:
            with self._database.read() as reader:
                found = self._rows.current(reader, record_id)
                event_given = found is not None and self._rows.event_given(reader, found[0])
            if found is None or is_expired(found[1], now=self._now()):
                raise RecordNotFoundError(record_id)
            seq, old = found
            record = replace(old, **changes, version=old.version + 1, created_at=self._now())
            check_validity(record.valid_from, record.valid_to)
            # Embedding takes milliseconds, so it happens outside the transaction.
            draft = Draft(record, event_given=event_given or "timestamp" in changes)
            (row,) = self._finish([draft], None)
            with self._database.write() as connection:
                present = self._rows.current(connection, record_id)
                if present is None or present[0] != seq:
                    continue  # another thread or process was faster: start from its version
                (new,) = self._rows.insert(connection, [row])
                self._rows.supersede(connection, seq, new=new, at=record.created_at)
                key = (record.user_id, record.namespace or "")
                self._log.append(
                    connection, [Change(*key, "remove", seq, seq), Change(*key, "add", new, new)]
                )
            return record

    def restore(self, versions: Iterable[tuple[Record, bool]], *, batch: int = 256) -> int:
        """Write versions from an export, in any order, all or none; those that are here already are left out.

        A memory whose id is another user's here gets an id of its own, the same one every time.
        """
        count = 0
        with self._database.write() as connection:
            pending: dict[tuple[str, int], Draft] = {}
            owners: dict[str, str] = {}
            for record, event_given in versions:
                owner = owners.get(record.id) or self._rows.owner(connection, record.id)
                if owner not in (None, record.user_id):
                    record = replace(record, id=_id_of_its_own(record))
                owners[record.id] = record.user_id
                version = (record.id, record.version)
                if version in pending or self._rows.has_version(connection, *version):
                    continue
                pending[version] = Draft(replace(record, superseded_at=None), event_given=event_given)
                count += 1
                if len(pending) == batch:
                    self._restore_batch(connection, list(pending.values()))
                    pending.clear()
                    owners.clear()
            self._restore_batch(connection, list(pending.values()))
        return count

    def _restore_batch(self, connection: sqlite3.Connection, drafts: Sequence[Draft]) -> None:
        """Write versions and put each in its place between the older and the newer ones of its memory."""
        rows = self._finish(drafts, None)
        written = list(zip(self._rows.insert(connection, rows), (row.record for row in rows), strict=True))
        replaced = [
            Change(record.user_id, record.namespace or "", "remove", seq, seq)
            for record in {record.id: record for _, record in written}.values()
            for seq in self._rows.put_in_order(connection, record.id)
        ]
        self._log.append(connection, [*replaced, *_additions(written)])

    def delete(self, where: str, parameters: Sequence[Any]) -> int:
        """Delete every version of the memories that match; return how many memories are gone."""
        with self._database.write() as connection:
            doomed = connection.execute(
                f"SELECT seq, id, user_id, namespace FROM records WHERE {where}", parameters
            ).fetchall()
            if not doomed:
                return 0
            self._rows.delete(connection, [row[0] for row in doomed])
            if len(doomed) > 1000:
                changes = [
                    Change(user, space, "reset", 0, 0) for user, space in sorted({row[2:] for row in doomed})
                ]
            else:
                changes = [Change(user, space, "remove", seq, seq) for seq, _, user, space in doomed]
            self._log.append(connection, changes)
            TagRows().forget_orphans(connection, {row[2:] for row in doomed})
            return len({row[1] for row in doomed})

    def _finish(self, drafts: Sequence[Draft], encoded: Encoded | None) -> list[NewRow]:
        """Embed the drafts and analyse their words; float token vectors, 40 KB a text, are packed slice by slice."""
        embedder = self._embedder()
        if encoded is not None:
            check_encoded(encoded, count=len(drafts), dimension=embedder.dimension)
            return [_new_row(draft, encoded, place) for place, draft in enumerate(drafts)]
        rows: list[NewRow] = []
        for start in range(0, len(drafts), _ENCODED_AT_ONCE):
            part = drafts[start : start + _ENCODED_AT_ONCE]
            vectors = embedder.encode([draft.dense for draft in part])
            check_encoded(vectors, count=len(part), dimension=embedder.dimension)
            rows.extend(_new_row(draft, vectors, place) for place, draft in enumerate(part))
        return rows

    def _similar(self, row: NewRow) -> list[int]:
        """Return the stored records that say nearly the same as a new one."""
        record = row.record
        with self._database.read() as connection:
            collection = self._partitions().get(connection, record.user_id, record.namespace or "")
        return near_duplicate(collection, row.features, speaker=row.speaker)

    def _twin(self, connection: sqlite3.Connection, row: NewRow, near: Sequence[int]) -> str | None:
        """Return the id of the record that a new one repeats, in the same words or nearly.

        What has expired, or holds at other times than the new one, is no repetition: a search would not find it.
        """
        record = row.record
        same = self._rows.same_text(connection, record.user_id, record.namespace or "", row.text_hash)
        if not same and not near:
            return None
        stored = self._rows.by_sequence(connection, [*same, *near])
        decisive, now = decisive_words(record.text), self._now()
        for seq in (*same, *near):
            other = stored.get(seq)
            if (
                other is not None
                and other.superseded_at is None
                and not is_expired(other, now=now)
                and _holding(other) == _holding(record)
                and (seq in same or decisive_words(other.text) == decisive)
            ):
                return other.id
        return None

    def _merge(self, connection: sqlite3.Connection, twin: str, record: Record) -> None:
        """Add the tags and metadata keys that the stored record lacks; it lives as long as the longer-lived of the two."""
        found = self._rows.current(connection, twin)
        assert found is not None
        seq, old = found
        tags = (*old.tags, *(tag for tag in record.tags if tag not in old.tags))
        metadata = {**record.metadata, **old.metadata}
        expires = None
        if old.expires is not None and record.expires is not None:
            expires = max(old.expires, record.expires, key=to_micros)
        if (tags, metadata, expires) != (old.tags, old.metadata, old.expires):
            self._rows.annotate(connection, seq, tags=tags, metadata=metadata, expires=expires)
            self._log.append(connection, [Change(old.user_id, old.namespace or "", "reset", 0, 0)])


_ENCODED_AT_ONCE = 512


def _holding(record: Record) -> tuple[int | None, int | None]:
    """Return when the fact holds, to be compared."""
    opens, closes = record.valid_from, record.valid_to
    return (None if opens is None else to_micros(opens), None if closes is None else to_micros(closes))


def _new_row(draft: Draft, encoded: Encoded, place: int) -> NewRow:
    """Return a version ready to be written, with the vectors at `place` of a batch."""
    record = draft.record
    timestamp = record.timestamp if draft.event_given else None
    lexical = lexical_text(record.text, role=record.role, metadata=record.metadata, timestamp=timestamp)
    speaker = speaker_of(record.role, record.metadata)
    return NewRow(
        record=record,
        text_hash=text_hash(record.text, speaker=speaker),
        session=session_of(record.metadata),
        speaker=speaker,
        event_given=draft.event_given,
        cues=int(cues_of(record.text)),
        features=features_of(encoded, place, lexical=lexical),
    )


def _as_collection(rows: Sequence[NewRow]) -> Collection:
    """Return the rows of a batch as if they were stored, numbered by their places, to be compared with each other."""
    loaded = [
        (
            place, 0, row.session, row.speaker, None, None, None, row.cues, None,
            row.features.vector, row.features.token_ids, row.features.token_signs, row.features.terms,
        )
        for place, row in enumerate(rows)
    ]  # fmt: skip
    dimension = len(rows[0].features.vector) // 4
    return Collection.of(Partition.build(loaded, dimension=dimension), change=0)


def _id_of_its_own(record: Record) -> str:
    """Return an id for a memory of this user whose id is taken by another's."""
    return blake2b(f"{record.user_id}\0{record.id}".encode(), digest_size=16).hexdigest()


def _additions(written: Sequence[tuple[int, Record]]) -> list[Change]:
    """One change per run of records of the same partition."""
    changes: list[Change] = []
    for key, run in groupby(written, key=lambda pair: (pair[1].user_id, pair[1].namespace or "")):
        numbers = [seq for seq, _ in run]
        changes.append(Change(*key, "add", numbers[0], numbers[-1]))
    return changes
