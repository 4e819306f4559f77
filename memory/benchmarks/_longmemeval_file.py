"""Read LongMemEval's official files (`longmemeval_{oracle,s_cleaned,m_cleaned}.json`) unchanged.

Wu et al., "LongMemEval: Benchmarking Chat Assistants on Long-Term Interactive Memory", arXiv 2410.10813. The rules
are those of the official retrieval evaluation: abstention questions have no recall, by default only what the user said is
indexed, and then only sessions in which a turn of the user holds the answer are evidence.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from agentcore.memory.benchmarks._dataset import Dataset, DatasetError, Item, Partition, Question, checked

__all__ = ["TYPES", "read_longmemeval"]

TYPES = (
    "single-session-user",
    "single-session-assistant",
    "single-session-preference",
    "multi-session",
    "knowledge-update",
    "temporal-reasoning",
)
_WEEKDAY = re.compile(r"\s*\([A-Za-z]+\)")


def read_longmemeval(
    path: str | Path,
    *,
    granularity: Literal["turn", "session"] = "session",
    roles: Literal["user", "all"] = "user",
    most: int | None = None,
) -> Dataset:
    """Read haystacks and questions; every question has a haystack, so a partition, of its own.

    Parameters
    ----------
    granularity : "turn" or "session"
        Whether evidence is the turns marked `has_answer` or all turns of the answer sessions that have such a turn. Sessions of
        a file without marks, and those indexed with the assistant's turns, need none.
    roles : "user" or "all"
        Whose turns are indexed.
    most : int or None
        Read so many questions only.

    Raises
    ------
    DatasetError
        The file is not a list of questions with their haystacks.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as exc:
        raise DatasetError(path, reason=f"no JSON ({exc})") from exc
    if not isinstance(entries, list) or not entries:
        raise DatasetError(path, reason="the top level is no list of questions")
    skipped: Counter[str] = Counter()
    partitions = []
    try:
        for entry in entries[:most]:
            partition = _partition(entry, granularity, roles)
            if partition.questions:
                partitions.append(partition)
            else:
                skipped["no evidence"] += 1
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise DatasetError(path, reason=f"{type(exc).__name__}: {exc}") from exc
    return checked(Dataset(Path(path).stem, partitions, dict(skipped)), path)


def _partition(entry: Mapping[str, Any], granularity: str, roles: str) -> Partition:
    answer_sessions = {str(session) for session in entry["answer_session_ids"]}
    items: list[Item] = []
    evidence: list[str] = []
    sessions = _sessions(entry)
    needs_mark = roles == "user" and any(
        "has_answer" in turn for *_, turns in sessions for turn in turns or ()
    )
    for number, (session, date, turns) in enumerate(sessions):
        when = parse_date(date)
        answers = session in answer_sessions
        marked = any(turn.get("has_answer") and turn["role"] == "user" for turn in turns or ())
        for place, turn in enumerate(turns or ()):
            text = str(turn.get("content") or "")
            if (roles == "user" and turn["role"] != "user") or not text.strip():
                continue
            # A haystack may hold a session twice: the number keeps ids apart.
            item = Item(
                id=f"{number}:{session}:{place}",
                text=text,
                session=session,
                timestamp=when,
                role=str(turn["role"]),
            )
            items.append(item)
            by_session = granularity == "session" and (marked or not needs_mark)
            if answers and (by_session or turn.get("has_answer")):
                evidence.append(item.id)
    question = Question(
        id=str(entry["question_id"]),
        text=str(entry["question"]),
        evidence=tuple(evidence),
        category=str(entry["question_type"]),
        answerable="_abs" not in str(entry["question_id"]),
        asked_at=parse_date(entry["question_date"]),
        answer=None if entry.get("answer") is None else str(entry["answer"]),
    )
    keep = evidence or (items and not question.answerable)
    return Partition(question.id, items, [question] if keep else [])


def _sessions(entry: Mapping[str, Any]) -> list[tuple[str, str, Sequence[Mapping[str, Any]]]]:
    columns = (entry["haystack_session_ids"], entry["haystack_dates"], entry["haystack_sessions"])
    return [(str(session), date, turns) for session, date, turns in zip(*columns, strict=True)]


def parse_date(text: str) -> datetime:
    """Return the time of `2023/05/30 (Tue) 23:40`, or of a day alone."""
    plain = _WEEKDAY.sub("", text.strip())
    return datetime.strptime(plain, "%Y/%m/%d %H:%M" if ":" in plain else "%Y/%m/%d")
