"""Tags from a language model's answer: used when they can be, replaced when they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from agentcore.memory.tags._taggers import KeyphraseTagger, LanguageModelTagger, parse_tagging


def test_a_good_answer_is_used() -> None:
    """Three to eight tags in our spelling, with their relations, out of whatever stands around the JSON."""
    answer = """Sure! ```json
    {"tags": ["Green Tea", "honey", "breakfast", "Conversation", "a", "b", "c", "d", "e", "f"],
     "relations": [{"parent": "tea", "child": "green tea"}, {"parent": "x", "child": "x"}, "junk"]}
    ```"""
    tagging = parse_tagging(answer)
    assert tagging is not None
    assert tagging.tags == ("green_tea", "honey", "breakfast", "a", "b", "c", "d", "e")
    assert tagging.relations == (("tea", "green_tea"),)


@pytest.mark.parametrize(
    "answer",
    [
        "", "I cannot do that", "{", "[]", '{"tags": null}', '{"tags": "tea, honey, milk"', '{"tags": ["one", "two"]}',
        '{"tags": [1, 2, 3, 4]}', '{"tags": ["far too many words in this one", "chat", "conversation"]}', '{"labels": ["a", "b", "c"]}',
        pytest.param('{"tags": ' + "[" * 100_000 + "}", id="deep"), None, 5,
    ],
)  # fmt: skip
def test_a_bad_answer_falls_back_to_keyphrases(answer: Any) -> None:
    """An answer that cannot be used gives the tags that no model is needed for, and is counted."""
    tagger = LanguageModelTagger(lambda prompt: answer)
    text = "Ann restores wooden sailing boats in the harbour"
    assert tagger.tag([text]) == KeyphraseTagger().tag([text])
    assert tagger.num_fallbacks == 1
