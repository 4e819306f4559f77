"""Who a question names, where names are ordinary words."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore.memory import SwiftMem
from agentcore.memory._terms import words
from agentcore.memory.ranking._query import possible_names


@pytest.mark.parametrize(
    ("query", "names", "others"),
    [
        ("What will Grace say?", {"grace"}, {"will", "say", "what"}),
        ("What will Will say?", {"will"}, {"what", "say"}),
        ("Will Grace come?", {"grace"}, {"will", "come"}),
        ("Grace said what?", {"said", "grace"}, set()),
        ("Did May leave in May?", {"may"}, {"did", "leave"}),
        ("what will grace say", {"will", "grace"}, set()),
        ("WHAT WILL GRACE SAY", {"will", "grace"}, set()),
        ("Was sagt Ömer?", {"ömer"}, {"sagt"}),
        ("What does 小明 say to Bob?", {"小明", "bob"}, {"say"}),
        ("", set(), {"a"}),
    ],
)
def test_possible_names(query: str, names: set[str], others: set[str]) -> None:
    """Capitals tell names from words where a query uses them; where it does not, any word may be one."""
    found = possible_names(query, words(query))
    assert names <= found and not others & found


def test_a_common_word_is_not_taken_for_a_speaker(memory: SwiftMem) -> None:
    """A question about Grace with the verb "will" prefers Grace's turn over Will's, as if he had another name."""

    def add(speaker: str, text: str, **options: Any) -> None:
        memory.add(text, metadata={"speaker": speaker, "session": "s"}, **options)

    for number in range(6):
        add("Will", f"I will plant tomatoes in garden {number}", id=f"w{number}")
        add("Grace", f"I shall plant tomatoes near wall {number}", id=f"g{number}")
    hits = memory.search("What will Grace plant?", limit=4)
    assert all(hit.id.startswith("g") for hit in hits)
