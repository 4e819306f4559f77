"""Recorded reasoning traces: reading the file, and replaying one trace through a detector, honestly.

A replay generates nothing. The trace is fed in the pieces a model would send; when a detector fires, everything that had been
sent by then counts as kept, and the answer is what the detector says the kept thinking concludes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from agentcore.decoding.trimming import Answer, ThoughtSegmenter, Verdict, same_answer
from agentcore.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded trace with its gold answer.

    `tokens` counts the whole thinking even where the text was shortened; `problem` is empty where it is not known.
    """

    id: str
    dataset: str
    problem_id: str
    problem: str
    gold: str
    model: str
    text: str
    final_answer: str | None
    correct: bool
    finished: bool
    tokens: int

    @property
    def characters_per_token(self) -> float:
        """Characters of one token in the part of the text that is there; at least 1."""
        return max(1.0, len(self.text) / self.tokens) if self.tokens else 1.0


@dataclass(frozen=True, slots=True)
class Cut:
    """What a detector did to one trace: the share of it that was kept, and the answer then."""

    kept: float
    answer: str | None
    reason: str = ""
    thoughts: int = 0


class Detector(Protocol):
    """What is fed the pieces of a trace."""

    def push(self, text: str) -> Verdict | None:
        """Take in a piece; return a verdict once there is one."""
        ...


def read_traces(path: Path) -> list[Trace]:
    """Read a JSONL file of traces.

    Raises
    ------
    ConfigurationError
        The file is missing, empty, or a line is no trace.
    """
    if not path.is_file():
        raise ConfigurationError(f"no file of reasoning traces at {path}: name one with --data FILE")
    traces = []
    for line_number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                traces.append(_trace(json.loads(line)))
            except (ValueError, KeyError, TypeError) as exc:
                raise ConfigurationError(
                    f"{path}:{line_number} is no trace ({exc!r}): each line needs id, gold, trace, finished and tokens"
                ) from exc
    if not traces:
        raise ConfigurationError(f"{path} holds no trace: name another file with --data FILE")
    return traces


def replay(
    trace: Trace, detector: Detector, *, tokens_per_piece: int, best: Callable[[], Answer | None]
) -> Cut:
    """Feed a trace piece by piece until the detector fires or the trace ends.

    Parameters
    ----------
    trace : Trace
        The recorded thinking.
    detector : Detector
        A fresh one.
    tokens_per_piece : int
        How often the detector looks; also how late it can be.
    best : callable
        What the kept thinking concludes when the verdict itself does not say.
    """
    step = max(1, round(tokens_per_piece * trace.characters_per_token))
    for start in range(0, len(trace.text), step):
        verdict = detector.push(trace.text[start : start + step])
        position = min(len(trace.text), start + step)
        if verdict is not None and position < len(trace.text):
            value = verdict.answer or best()
            return Cut(position / len(trace.text), None if value is None else value.key, verdict.reason)
    return Cut(1.0, trace.final_answer)


def count_thoughts(trace: Trace, cut: Cut) -> Cut:
    """Return a cut with the number of thoughts that its kept part holds, by our segmenter."""
    segmenter = ThoughtSegmenter()
    kept = trace.text[: round(cut.kept * len(trace.text))]
    return replace(cut, thoughts=len(segmenter.push(kept)) + len(segmenter.finish()))


def is_right(answer: str | None, trace: Trace) -> bool:
    """Whether an answer after a cut is the gold one; the trace's own final answer keeps the file's judgement."""
    if answer is None:
        return False
    if trace.final_answer is not None and same_answer(answer, trace.final_answer):
        return trace.correct
    return same_answer(answer, trace.gold)


def _trace(row: dict[str, Any]) -> Trace:
    """Build one trace from its JSON object."""
    return Trace(
        id=str(row["id"]),
        dataset=str(row.get("dataset", "")),
        problem_id=str(row.get("problem_id", row["id"])),
        problem=str(row.get("problem") or ""),
        gold=str(row["gold"]),
        model=str(row.get("model", "")),
        text=str(row["trace"]),
        final_answer=None if row.get("final_answer") is None else str(row["final_answer"]),
        correct=bool(row.get("correct", False)),
        finished=bool(row["finished"]),
        tokens=int(row["tokens"]),
    )
