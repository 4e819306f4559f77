"""Conversations kept on disk, one JSON-lines file each, so that they can be listed and gone on with."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore.workflow.state import Turn

__all__ = ["Transcript", "conversations", "open_conversation"]

_SUFFIX = ".jsonl"


@dataclass(slots=True)
class Transcript:
    """The turns of one conversation.

    Attributes
    ----------
    path : Path
        Where they are kept; made by the first turn, readable by its owner only.
    turns : list of dict
        Each with ``question`` and the run's result.
    """

    path: Path
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the conversation is called."""
        return self.path.stem

    def add(self, question: str, result: Mapping[str, Any]) -> None:
        """Keep a turn, on disk too."""
        turn = {"time": time.time(), "question": question, "result": dict(result)}
        self.turns.append(turn)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(turn, ensure_ascii=False) + "\n")

    def conversation(self) -> list[Turn]:
        """Return the answered turns for the agent, by which it understands the next question."""
        return [
            {
                "question": str(result.get("understood") or turn["question"]),
                "answer": str(result["answer"]),
                "titles": [str(citation["title"]) for citation in result.get("citations", ())],
            }
            for turn in self.turns
            if "answer" in (result := turn["result"]) and result.get("status") != "interrupted"
        ]

    def as_markdown(self) -> str:
        """Return the conversation as a document."""
        from agentcore.cli._render import answer_text

        return (
            "\n\n".join(f"## {turn['question']}\n\n{answer_text(turn['result'])}" for turn in self.turns)
            + "\n"
        )


def new_conversation(folder: Path) -> Transcript:
    """Return an empty conversation, named by the moment."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return Transcript(folder / f"{stamp}-{os.getpid()}{_SUFFIX}")


def conversations(folder: Path) -> list[Transcript]:
    """Return the kept conversations, the latest first."""
    if not folder.is_dir():
        return []
    return [_read(path) for path in sorted(folder.glob(f"*{_SUFFIX}"), reverse=True)]


def open_conversation(folder: Path, name: str) -> Transcript | None:
    """Return a conversation by its number in the list (1 is the latest), its name's beginning, or ``last``."""
    kept = conversations(folder)
    if name == "last":
        return kept[0] if kept else None
    if name.isdigit() and 1 <= int(name) <= len(kept):
        return kept[int(name) - 1]
    return next((transcript for transcript in kept if transcript.name.startswith(name)), None)


def _read(path: Path) -> Transcript:
    """Read a conversation; a line cut off by a crash is left out."""
    turns = []
    # Not splitlines: texts hold line separators of their own, which JSON leaves as they are.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            turn = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(turn, dict) and {"question", "result"} <= turn.keys():
            turns.append(turn)
    return Transcript(path, turns)
