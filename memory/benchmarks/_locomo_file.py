"""Read LoCoMo's official file (snap-research/locomo, `locomo10.json`) unchanged.

Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM Agents", arXiv 2402.17753.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._dataset import Dataset, DatasetError, Item, Partition, Question

__all__ = ["CATEGORIES", "read_locomo"]

CATEGORIES = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop", "5": "adversarial"}
"""Category 5 asks about the wrong speaker: the right answer is to abstain."""

_SESSION = re.compile(r"session_(\d+)")
_TURN_ID = re.compile(r"D\d+:\d+")
"""Evidence strings hold several ids and stray characters ('D8:6; D9:17', 'D30:05', 'D')."""

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
    return Dataset(Path(path).stem, partitions, dict(skipped))


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError("the top level is no list")
    return value


def _partition(sample: Mapping[str, Any], skipped: Counter[str]) -> Partition:
    items = [item for session in _sessions(sample["conversation"]) for item in session]
    known = {_canonical(item.id): item.id for item in items}
    questions = []
    for number, entry in enumerate(sample["qa"]):
        found = [_canonical(turn) for turn in _TURN_ID.findall(" ".join(map(str, entry["evidence"])))]
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
    numbers = sorted(int(match[1]) for name in conversation if (match := _SESSION.fullmatch(name)))
    sessions = []
    for number in numbers:
        session = f"session_{number}"
        when = _moment(conversation[f"{session}_date_time"])
        sessions.append(
            [
                Item(
                    id=str(turn["dia_id"]),
                    text=str(turn["text"]),
                    session=session,
                    timestamp=when,
                    speaker=str(turn["speaker"]),
                    caption=turn.get("blip_caption"),
                )
                for turn in conversation[session]
            ]
        )
    return sessions


def _canonical(turn: str) -> str:
    """Drop leading zeros: `D30:05` and `D30:5` are one turn."""
    session, number = turn[1:].split(":")
    return f"D{int(session)}:{int(number)}"


def _moment(text: str) -> datetime:
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern)
        except ValueError:
            continue
    raise ValueError(f"not a session time: {text!r}")
