"""The turns that ship for memory-scale are the example corpus, sentence by sentence."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agentcore.memory.benchmarks._locomo_file import read_locomo
from agentcore.memory.benchmarks.memory_scale import EXAMPLE_TURNS

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT / "examples" / "corpus"


def example_turns() -> list[dict[str, Any]]:
    """Build the file: an article a session, a sentence a turn, in LoCoMo's format."""
    questions = next(
        path for path in (CORPUS.parent / "questions.json", CORPUS / "questions.json") if path.is_file()
    )
    conversation: dict[str, Any] = {}
    turns: list[tuple[str, str, str]] = []
    for number, path in enumerate(sorted(CORPUS.glob("*.md")), start=1):
        day = datetime(2023, 1, 1, 9) + timedelta(days=number)
        body = " ".join(path.read_text(encoding="utf-8").split("\n", 1)[1].split())
        sentences = [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])", body) if part]
        named = [(f"D{number}:{place}", sentence) for place, sentence in enumerate(sentences, start=1)]
        conversation[f"session_{number}_date_time"] = f"{day:%I:%M} am on {day.day} {day:%B, %Y}"
        conversation[f"session_{number}"] = [
            {"speaker": "Reader", "dia_id": identity, "text": sentence} for identity, sentence in named
        ]
        turns += [(path.name, identity, sentence) for identity, sentence in named]
    qa = []
    for entry in json.loads(questions.read_text(encoding="utf-8")):
        evidence = [
            identity
            for wanted in entry["evidence"]
            for source, identity, sentence in turns
            if source == wanted["source"] and (wanted["quote"] in sentence or sentence in wanted["quote"])
        ]
        if evidence:
            qa.append(
                {
                    "question": entry["question"],
                    "answer": entry["answer"],
                    "evidence": evidence,
                    "category": 4,
                }
            )
    return [{"sample_id": "example-corpus", "conversation": conversation, "qa": qa}]


def test_shipped_turns_are_the_example_corpus() -> None:
    """The shipped file is what the corpus gives today; run this file as a script after changing an article."""
    assert json.loads(EXAMPLE_TURNS.read_text(encoding="utf-8")) == example_turns()
    data = read_locomo(EXAMPLE_TURNS)
    assert len(data.partitions[0].items) > 400
    assert data.num_questions() >= 20


if __name__ == "__main__":
    EXAMPLE_TURNS.write_text(
        json.dumps(example_turns(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )
