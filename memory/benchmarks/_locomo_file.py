"""Read LoCoMo's official file (snap-research/locomo, `locomo10.json`) unchanged.

Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM Agents", arXiv 2402.17753.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._dataset import Dataset, DatasetError, Item, Partition, Question, checked

__all__ = ["CATEGORIES", "read_locomo"]

CATEGORIES = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop", "5": "adversarial"}
"""Category 5 asks about the wrong speaker: the right answer is to abstain."""

_SESSION = re.compile(r"session_(\d+)")
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")
"""Evidence strings hold several ids and stray characters ('D8:6; D9:17', 'D30:05', 'D:11:26', 'D')."""

_DATE_FORMATS = ("%I:%M %p on %d %B, %Y", "%I:%M %p on %d %b, %Y", "%d %B, %Y")


def read_locomo(path: str | Path) -> Dataset:
    """Read conversations and questions.

    Questions none of whose evidence ids is a turn of the conversation are left out and counted.

    Raises
    ------
    DatasetError
        The file is not a list of conversations with `conversation` and `qa`.
    """
    try:
        samples = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as exc:
        raise DatasetError(path, reason=f"no JSON ({exc})") from exc
    skipped: Counter[str] = Counter()
    try:
        partitions = [_partition(sample, skipped) for sample in _list(samples)]
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise DatasetError(path, reason=f"{type(exc).__name__}: {exc}") from exc
    if not partitions:
        raise DatasetError(path, reason="it holds no conversation")
    return checked(Dataset(Path(path).stem, partitions, dict(skipped)), path)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError("the top level is no list")
    return value


def _partition(sample: Mapping[str, Any], skipped: Counter[str]) -> Partition:
    items = [item for session in _sessions(sample["conversation"]) for item in session]
    known = {turn: item.id for item in items for turn in _turns(item.id)}
    questions = []
    for number, entry in enumerate(sample["qa"]):
        given = entry.get("evidence") or []
        found = _turns(given if isinstance(given, str) else " ".join(map(str, given)))
        evidence = tuple(dict.fromkeys(known[turn] for turn in found if turn in known))
        if not evidence:
            skipped["no evidence"] += 1
            continue
        answer = entry.get("answer")
        questions.append(
            Question(
                id=f"{sample['sample_id']}/{number}",
                text=str(entry["question"]),
                evidence=evidence,
                category=str(entry["category"]),
                answerable=str(entry["category"]) != "5",
                answer=None if answer is None else str(answer),
            )
        )
    return Partition(str(sample["sample_id"]), items, questions)


def _sessions(conversation: Mapping[str, Any]) -> list[list[Item]]:
    """Return the turns by session; a session without a time is taken to follow the one before it."""
    numbers = sorted(int(match[1]) for name in conversation if (match := _SESSION.fullmatch(name)))
    sessions = []
    when = datetime(1970, 1, 1)
    for number in numbers:
        session = f"session_{number}"
        time = conversation.get(f"{session}_date_time")
        when = _moment(str(time)) if time else when + timedelta(minutes=1)
        turns = [_item(turn, session, when) for turn in conversation[session] or []]
        sessions.append([item for item in turns if item is not None])
    return sessions


def _item(turn: Mapping[str, Any], session: str, when: datetime) -> Item | None:
    """Return a turn; one that is only an image is its caption, one without anything is none."""
    text, caption = str(turn.get("text") or "").strip(), turn.get("blip_caption") or None
    if isinstance(caption, list):
        caption = ", ".join(map(str, caption))
    if not text:
        text, caption = str(caption or "").strip(), None
    if not text:
        return None
    speaker = turn.get("speaker")
    return Item(
        id=str(turn["dia_id"]), text=text, session=session, timestamp=when,
        speaker=None if speaker is None else str(speaker), caption=caption,
    )  # fmt: skip


def _turns(text: str) -> list[str]:
    """Return the turn ids in a text, without leading zeros: `D30:05` and `D30:5` are one turn."""
    return [f"D{int(session)}:{int(number)}" for session, number in _TURN_ID.findall(text)]


def _moment(text: str) -> datetime:
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern)
        except ValueError:
            continue
    raise ValueError(f"not a session time: {text!r}")
