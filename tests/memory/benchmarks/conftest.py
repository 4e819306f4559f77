"""Small data files in the official formats, written by us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def locomo_file(tmp_path: Path) -> Path:
    """Return two conversations of two sessions in LoCoMo's format."""
    path = tmp_path / "locomo_small.json"
    path.write_text(json.dumps([conversation("conv-1", "Ann", "Bob"), conversation("conv-2", "Cleo", "Dan")]))
    return path


def conversation(name: str, one: str, two: str) -> dict[str, Any]:
    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": one,
            "speaker_b": two,
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": one, "dia_id": "D1:1", "text": "I adopted a greyhound called Pepper."},
                {
                    "speaker": two,
                    "dia_id": "D1:2",
                    "text": "Lovely! My telescope arrived.",
                    "blip_caption": "a brass telescope",
                },
                {"speaker": one, "dia_id": "D1:3", "text": "Shall we watch Saturn tonight?"},
            ],
            "session_2_date_time": "10:05 am on 2 June, 2023",
            "session_2": [
                {"speaker": two, "dia_id": "D2:1", "text": "I baked sourdough for the village market."},
                {"speaker": one, "dia_id": "D2:2", "text": "Pepper won the obedience prize."},
            ],
            "session_3_date_time": "10:05 am on 3 June, 2023",
        },
        "qa": [
            {
                "question": f"What is {one}'s greyhound called?",
                "answer": "Pepper",
                "evidence": ["D1:1"],
                "category": 4,
            },
            {
                "question": "What did Pepper do, and who owns her?",
                "answer": 1,
                "evidence": ["D1:01; D2:2", "D"],
                "category": 1,
            },
            {
                "question": f"What did {one} bake?",
                "adversarial_answer": "bread",
                "evidence": ["D2:1"],
                "category": 5,
            },
            {"question": "Unknown turn?", "answer": "x", "evidence": ["D9:9"], "category": 3},
            {"question": "No evidence?", "answer": "x", "evidence": [], "category": 3},
        ],
    }


@pytest.fixture
def longmemeval_file(tmp_path: Path) -> Path:
    """Return three questions in LongMemEval's format, one an abstention, one answered by the assistant."""
    sessions = [
        [
            {"role": "user", "content": "My sister moved to Lisbon last spring.", "has_answer": True},
            {"role": "assistant", "content": "Lisbon is sunny."},
        ],
        [
            {"role": "user", "content": "Recommend a pasta recipe."},
            {"role": "assistant", "content": "Try carbonara with guanciale.", "has_answer": True},
        ],
        [
            {"role": "user", "content": "How do I prune roses?"},
            {"role": "assistant", "content": "In late winter."},
        ],
    ]

    def entry(identity: str, kind: str, question: str, answers: list[str]) -> dict[str, Any]:
        return {
            "question_id": identity,
            "question_type": kind,
            "question": question,
            "answer": "Lisbon",
            "question_date": "2023/05/30 (Tue) 23:40",
            "haystack_session_ids": ["s1", "s2", "s3"],
            "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 12:00", "2023/05/22 (Mon) 09:10"],
            "haystack_sessions": sessions,
            "answer_session_ids": answers,
        }

    path = tmp_path / "longmemeval_small.json"
    path.write_text(
        json.dumps(
            [
                entry("q1", "single-session-user", "Where did my sister move?", ["s1"]),
                entry("q2", "single-session-assistant", "Which pasta did you recommend?", ["s2"]),
                entry("q3_abs", "multi-session", "Where did my brother move?", ["s1"]),
            ]
        )
    )
    return path
