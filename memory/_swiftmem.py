"""SwiftMem: memories in one SQLite file, found by meaning, words and time, without any LLM."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from agentcore.memory._async import AsyncTwins
from agentcore.memory._background import Background
from agentcore.memory._consolidation import Consolidation, Consolidator
from agentcore.memory._draft import draft_of_message, make_draft
from agentcore.memory._planner import ROUTES
from agentcore.memory._progress import Progress, terminal_bar
from agentcore.memory._records import Duplicates, Record, SearchResult, is_expired
from agentcore.memory._reembed import reembed
from agentcore.memory._request import make_request, time_range
from agentcore.memory._resources import Resources
from agentcore.memory._text_search import search_text
from agentcore.memory._transfer import read_lines, write_lines
from agentcore.memory._validation import (
    Clock,
    Moment,
    check_count,
    check_metadata,
    check_name,
    check_namespace,
    check_tags,
    check_text,
    expiry,
    moment,
    to_micros,
    utc_now,
)
from agentcore.memory._writer import Writer
from agentcore.memory.embedding import Embedder, Encoded, EncodedQuery
from agentcore.memory.errors import RecordNotFoundError
from agentcore.memory.ranking import Profile, RankingConfig, Rerank
from agentcore.memory.storage import EXPIRED, Database, RowStore, Synchronous, TextIndex
from agentcore.memory.tags import Tagger, as_tagger

__all__ = ["SwiftMem"]

DEFAULT_USER = "default"


class SwiftMem(AsyncTwins):
    """A memory that is fast, right, and never loses anything.

    SQLite is the truth; everything that makes a search fast is derived from it and rebuilt when needed. Safe from several
    threads and several processes on one file. Use as a context manager, or call `close`.

    Parameters
    ----------
    path : str, Path or None
        The file, created when absent; None keeps everything in memory.
    embedder : Embedder, optional
        The packaged MiniLM when not given. A file remembers its embedder.
    tagger : Tagger, or callable from prompt to text, optional
        What gives records their tags: keyphrases without any model when not given, then only where `consolidate` is
        called. One that is given works in the background after each `add`; `flush` waits for it.
    now : callable, optional
        The clock; it decides expiry, validity and what "last week" means.
    synchronous : "NORMAL" or "FULL"
        NORMAL survives the death of the process at any point, FULL also the loss of power.
    progress : callable, optional
        Called with (what, steps done, steps) while the indexes of more than 50,000 records are made anew, after damage for
        instance, and while the loops of the search are compiled, once on a machine; a bar on the terminal when not given.

    Raises
    ------
    StoreUnavailableError, ReadOnlyStoreError, NewerStoreError
        The file cannot be used.
    EmbedderMismatchError
        The file holds vectors of another embedder.
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        embedder: Embedder | None = None,
        tagger: Tagger | Callable[[str], str] | None = None,
        now: Clock | None = None,
        synchronous: Synchronous = "NORMAL",
        progress: Progress | None = None,
    ) -> None:
        self._database = Database(None if path is None else Path(path), synchronous=synchronous)
        self._now = now or utc_now
        self._resources = Resources(self._database, embedder, progress=progress or terminal_bar())
        self._rows = RowStore()
        self._writer = Writer(
            self._database,
            embedder=self._resources.embedder,
            partitions=self._resources.partitions,
            now=self._now,
        )
        self._tagger = as_tagger(tagger)
        self._background = None if tagger is None else Background(self._consolidator().keep_up)
        try:
            if embedder is not None:
                self._resources.embedder()
        except BaseException:
            self._database.close()
            raise

    # -- adding ------------------------------------------------------------------------------------------------------

    def add(
        self,
        text: str,
        *,
        user_id: str = DEFAULT_USER,
        namespace: str | None = None,
        timestamp: Moment | None = None,
        role: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        expires: Moment | timedelta | None = None,
        valid_from: Moment | None = None,
        valid_to: Moment | None = None,
        agent: str | None = None,
        run: str | None = None,
        id: str | None = None,  # noqa: A002 - the word users know
        duplicates: Duplicates = "keep",
    ) -> str:
        """Store one memory and return its id; when this returns, it survives the death of the process.

        Parameters
        ----------
        text : str
            What to remember.
        timestamp : datetime, date, ISO 8601 str or seconds since 1970
            Event time: when it was said or happened. The present when not given; a naive one is read as UTC.
        role, metadata, tags
            `metadata` is JSON. The keys `session` (neighbouring turns), `speaker`, `caption` and `title` improve the ranking.
        expires : moment or timedelta
            From then on it is never returned.
        valid_from, valid_to : moment
            When the fact holds in the world; see `search(as_of=...)`.
        duplicates : "keep", "merge" or "reject"
            What to do when this user has the same text already, or nearly: cosine of .9, four fifths of the stems, the same
            speaker and validity, and no difference in numbers or negations. Store it again, add tags and metadata to the
            stored one (which lives on as long as either would have) and return its id, or raise `DuplicateRecordError`.

        Raises
        ------
        ValueError, TypeError
            Empty text, impossible time, metadata that is not JSON.
        """
        draft = make_draft(
            text, now=self._now(), user_id=user_id, namespace=namespace, record_id=id, role=role, agent=agent, run=run, timestamp=timestamp,
            metadata=metadata, tags=tags, expires=expires, valid_from=valid_from, valid_to=valid_to,
        )  # fmt: skip
        (record_id,) = self._writer.add([draft], duplicates=duplicates)
        self._tag_later(user_id, namespace)
        return record_id

    def add_messages(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        user_id: str = DEFAULT_USER,
        namespace: str | None = None,
        duplicates: Duplicates = "keep",
        encoded: Encoded | None = None,
    ) -> list[str]:
        """Store many memories with one embedding batch and one transaction: all of them, or none.

        Parameters
        ----------
        messages : sequence of mappings
            Each with `content` (or `text`), and optionally `role`, `timestamp`, `metadata`, `tags`, `expires`, `valid_from`,
            `valid_to`, `agent`, `run`, `id`, and `name` (the speaker).
        encoded : Encoded, optional
            The vectors, when they are at hand already.

        Returns
        -------
        list of str
            The ids, in order.

        Raises
        ------
        ValueError, TypeError
            As `add`, and vectors that are not one a text, of the embedder's length and finite.
        """
        drafts = [
            draft_of_message(message, now=self._now(), user_id=user_id, namespace=namespace)
            for message in messages
        ]
        ids = self._writer.add(drafts, duplicates=duplicates, encoded=encoded)
        self._tag_later(user_id, namespace)
        return ids

    def update(
        self,
        id: str,  # noqa: A002
        text: str | None = None,
        *,
        user_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        timestamp: Moment | None = None,
        role: str | None = None,
        expires: Moment | timedelta | Literal["never"] | None = None,
        valid_from: Moment | None = None,
        valid_to: Moment | Literal["never"] | None = None,
    ) -> Record:
        """Replace what is given by a new version; the old one stays in `history` and answers `as_of` searches.

        What is None stays as it was; ``expires="never"`` takes an expiry back, ``valid_to="never"`` the end of a fact.

        Raises
        ------
        RecordNotFoundError
            No record has this id, or it has expired.
        """
        changes: dict[str, Any] = {}
        if text is not None:
            changes["text"] = check_text(text)
        if metadata is not None:
            changes["metadata"] = check_metadata(metadata)
        if tags is not None:
            changes["tags"] = check_tags(tags)
        if role is not None:
            changes["role"] = check_name(role, what="role")
        if expires is not None:
            changes["expires"] = None if expires == "never" else expiry(expires, now=self._now())
        if valid_to == "never":
            changes["valid_to"] = valid_to = None
        times = {"timestamp": timestamp, "valid_from": valid_from, "valid_to": valid_to}
        changes |= {name: moment(value, what=name) for name, value in times.items() if value is not None}
        if user_id is not None and self.get(id, user_id=user_id) is None:
            raise RecordNotFoundError(id)
        return self._writer.update(check_name(id, what="id"), changes)

    # -- finding -----------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        user_id: str = DEFAULT_USER,
        namespace: str | None = None,
        limit: int = 10,
        start: Moment | None = None,
        end: Moment | None = None,
        filters: Mapping[str, Any] | None = None,
        as_of: Moment | None = None,
        threshold: float | None = None,
        explain: bool = False,
        profile: Profile | RankingConfig = "full",
        rerank: Rerank | None = None,
        diversity: float = 0.0,
        routes: Sequence[str] = ROUTES,
        encoded: EncodedQuery | None = None,
    ) -> SearchResult:
        """Return the user's memories that answer the query, best first.

        Parameters
        ----------
        limit : int
            At most so many; without `threshold` exactly so many where the user has them, however weak.
        start, end : moment
            Only memories whose event time lies between them, both inclusive.
        filters : mapping
            Conditions on metadata, as in `{"year": {"$gte": 2020}}`.
        as_of : moment
            Search what held then: versions since replaced, facts since ended. A memory holds from `valid_from` (its
            event time where that is open) until `valid_to` (until the next version begins to hold where that is open).
        threshold : float in [0, 1]
            Only hits with at least this score: nothing at all when nothing fits.
        explain : bool
            Give the result a `plan`.
        profile : "full", "fast" or RankingConfig
            `fast` leaves out the token stage; a `RankingConfig` brings constants of its own.
        rerank : callable, optional
            From the query and a list of texts to one score a text, for instance a cross-encoder; it orders the best
            `max(50, 4 * limit)` hits anew. `Hit.score` stays what it was, `Hit.signals["rerank"]` is the callable's.
        diversity : float in [0, 1]
            Prefer hits unlike those before them (maximal marginal relevance). Off by default: it does not help to
            find evidence. LoCoMo recall@10, five conversations: 84.3 without, 84.4, 84.6, 84.4, 81.8 with .1, .2, .3, .5, and the
            differences up to .3 are well inside the interval of +-2.3.
        routes : sequence of "temporal", "tags", "ann"
            What large memories may be searched by; none of them scores every record with everything, however slow.
        encoded : EncodedQuery, optional
            The query's vectors, when they are at hand already.

        Raises
        ------
        ValueError, TypeError
            Empty query, negative limit, start after end, unknown operator.
        """
        request = make_request(
            query, now=self._now(), user_id=user_id, namespace=namespace, limit=limit, start=start, end=end, filters=filters,
            threshold=threshold, profile=profile, as_of=as_of, routes=routes, rerank=rerank, diversity=diversity,
            explain=explain,
        )  # fmt: skip
        searcher = self._resources.searcher()
        if encoded is None:
            encoded = self._resources.queries().encode(query)
        return searcher.search(request, encoded)

    def search_text(
        self, query: str, *, user_id: str | None = None, namespace: str | None = None, limit: int = 10
    ) -> SearchResult:
        """Return the memories that hold words of the query, best first: of one user, or of all.

        Works where `search` cannot: across users, without the file's embedder, whatever state the indexes are in. SQLite's
        own full-text index answers (Porter stems, any of the words, BM25); it is brought up to date by the first call.

        Parameters
        ----------
        user_id, namespace : str, optional
            Every user, every namespace when not given. Hits say whose they are.

        Notes
        -----
        The score is relative to the best hit, which has 1; it is no probability, unlike that of `search`.
        """
        return search_text(
            self._database,
            check_text(query, what="query"),
            user_id=None if user_id is None else check_name(user_id, what="user_id"),
            namespace=None if namespace is None else check_namespace(namespace),
            limit=check_count(limit),
            now=to_micros(self._now()),
        )

    def get(self, id: str, *, user_id: str | None = None) -> Record | None:  # noqa: A002
        """Return the current version of a memory, or None; an expired one is gone.

        With `user_id`, here and below, another user's memory counts as none.
        """
        with self._database.read() as connection:
            found = self._rows.current(connection, check_name(id, what="id"))
        record = None if found is None else found[1]
        if record is None or is_expired(record, now=self._now()) or user_id not in (None, record.user_id):
            return None
        return record

    def get_all(
        self,
        *,
        user_id: str = DEFAULT_USER,
        namespace: str | None = None,
        limit: int | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> list[Record]:
        """Return the current memories of a user, by event time."""
        where, values = (
            ["user_id = ?", "namespace = ?", "superseded_at IS NULL"],
            [check_name(user_id, what="user_id"), check_namespace(namespace)],
        )
        parameters: list[Any] = list(values)
        since, until = time_range(start, end)
        for condition, value in (("event_time >= ?", since), ("event_time <= ?", until)):
            if value is not None:
                where.append(condition)
                parameters.append(value)
        where.append("(expires IS NULL OR expires > ?)")
        parameters.append(to_micros(self._now()))
        with self._database.read() as connection:
            records = [record for _, record in self._rows.select(connection, " AND ".join(where), parameters)]
        return records if limit is None else records[: check_count(limit)]

    def history(self, id: str, *, user_id: str | None = None) -> list[Record]:  # noqa: A002
        """Return every version of a memory, oldest first; empty when there is none, or it has expired."""
        with self._database.read() as connection:
            versions = self._rows.versions(connection, check_name(id, what="id"))
        if not versions or is_expired(versions[-1], now=self._now()):
            return []
        return [version for version in versions if user_id in (None, version.user_id)]

    # -- removing ----------------------------------------------------------------------------------------------------

    def delete(self, id: str | Collection[str], *, user_id: str | None = None) -> int:  # noqa: A002
        """Delete a memory with its history, or several of them all at once; return how many memories are gone."""
        ids = list(id) if isinstance(id, Collection) and not isinstance(id, str) else [id]
        where, parameters = (
            "id IN (SELECT value FROM json_each(?))",
            [json.dumps([check_name(each, what="id") for each in ids])],
        )
        if user_id is not None:
            where, parameters = where + " AND user_id = ?", [*parameters, check_name(user_id, what="user_id")]
        return self._writer.delete(where, parameters)

    def delete_all(self, *, user_id: str, namespace: str | None = None) -> int:
        """Delete a user's memories for good and return how many; without `namespace`, those of all namespaces.

        Their bytes are overwritten in the file.

        Raises
        ------
        StoreUnavailableError
            They are deleted, but another process kept reading the file's log, and so their bytes stay in that: `vacuum` later.
        """
        where, parameters = "user_id = ?", [check_name(user_id, what="user_id")]
        if namespace is not None:
            where, parameters = where + " AND namespace = ?", [*parameters, check_namespace(namespace)]
        with self._database.write():
            count = self._writer.delete(where, parameters)
            TextIndex(self._database).erase_deleted()
        self._resources.forget_queries()
        if count:
            self._resources.discard_snapshots()
        self._database.flush()
        return count

    # -- the whole ---------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return counts and sizes: records, versions, users, bytes, embedder."""
        with self._database.read() as connection:
            current, versions, users = connection.execute(
                "SELECT count(*) FILTER (WHERE superseded_at IS NULL), count(*), count(DISTINCT user_id) FROM records"
            ).fetchone()
            pages = (
                connection.execute("PRAGMA page_count").fetchone()[0]
                * connection.execute("PRAGMA page_size").fetchone()[0]
            )
            settings = dict(connection.execute("SELECT key, value FROM settings").fetchall())
        return {
            "records": current,
            "versions": versions,
            "users": users,
            "bytes": pages,
            "embedder": settings.get("embedder"),
        }

    def export(self, path: str | Path, *, user_id: str | None = None) -> int:
        """Write every version of every memory (of one user) that has not expired as JSONL, and return how many lines.

        `import_` reads it back into the same ids, times and history. Vectors are not written: they are made again.

        Raises
        ------
        ValueError
            `path` is the memory's own file.
        """
        target = Path(path)
        if self._database.path is not None and target.exists() and target.samefile(self._database.path):
            raise ValueError(f"{str(target)!r} is the memory itself: export it to another file")
        where = f"id NOT IN ({EXPIRED})"
        parameters: list[Any] = [to_micros(self._now())]
        if user_id is not None:
            where += " AND user_id = ?"
            parameters.append(check_name(user_id, what="user_id"))
        with self._database.read() as connection:
            rows = self._rows.select(connection, where, parameters, order="seq")
            return write_lines(
                target, ((record, self._rows.event_given(connection, seq)) for seq, record in rows)
            )

    def import_(self, path: str | Path, *, user_id: str | None = None) -> int:
        """Read an export of ours, of mem0, or of a LangGraph store; return how many versions were new.

        All lines are stored, or none. A version that is here already is left out, so importing twice changes nothing; what has
        no id gets one from its content. A memory whose id is here as another user's gets an id of its own.

        Raises
        ------
        ValueError
            A line that cannot be read; the message names it.
        """
        return self._writer.restore(read_lines(Path(path), user_id=user_id))

    def consolidate(self, *, user_id: str | None = None, namespace: str | None = None) -> list[Consolidation]:
        """Tag what is new, merge tags that say the same, and lay records out by cluster; results stay the same.

        Parameters
        ----------
        user_id, namespace : str, optional
            Only these; every partition when not given. Worth its time for partitions of more than some ten thousand
            records: smaller ones are scored whole in well under a millisecond.
        """
        with self._database.read() as connection:
            keys = connection.execute(
                "SELECT DISTINCT user_id, namespace FROM records ORDER BY 1, 2"
            ).fetchall()
        chosen = [
            (user, space)
            for user, space in keys
            if (user_id is None or user == user_id) and (namespace is None or space == namespace)
        ]
        reports = [self._consolidator().run(key) for key in chosen]
        self._resources.partitions().save()
        return reports

    def flush(self) -> None:
        """Wait until everything added so far has its tags; raise what the tagger raised."""
        if self._background is not None:
            self._background.flush()

    def vacuum(self) -> int:
        """Remove expired memories from the file, shrink it, and return how many went."""
        with self._database.write():
            count = self._writer.delete(f"id IN ({EXPIRED})", [to_micros(self._now())])
            TextIndex(self._database).erase_deleted()
        with self._database.exclusive() as connection:
            connection.execute("VACUUM")
        self._database.flush()
        return count

    @classmethod
    def reembed(
        cls, path: str | Path, *, embedder: Embedder, batch: int = 256, progress: Progress | None = None
    ) -> int:
        """Give every record of a file the vectors of another embedder, all or none; return how many versions.

        `progress` is called with (what, versions done, versions); a bar on the terminal when not given. Close other memories on the file first: they keep the old embedder.
        """
        database = Database(Path(path))
        try:
            return reembed(database, embedder, batch=batch, progress=progress or terminal_bar())
        finally:
            database.close()

    def close(self) -> None:
        """Finish what is under way and close the file; again is harmless."""
        self._stop_threads()
        if self._background is not None:
            self._background.stop()
        if not self._database.is_closed:
            self._resources.save()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _consolidator(self) -> Consolidator:
        return Consolidator(self._database, self._resources.partitions, self._tagger)

    def _tag_later(self, user_id: str, namespace: str | None) -> None:
        if self._background is not None:
            self._background.put((user_id, namespace or ""))
