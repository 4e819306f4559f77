"""Which candidate the reader chooses: where the model looks and which sentence holds the question."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agentcore.workflow.reading.candidates import (
    Candidate,
    Mention,
)
from agentcore.workflow.reading.choice import attention_signal, choose
from agentcore.workflow.reading.coverage import Selection, Sentence
from agentcore.workflow.reading.directness import direct_signal, held_shares, hop_share
from agentcore.workflow.reading.gathering import gather_candidates
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import reading_prompt
from agentcore.workflow.reading.question import kind_words
from agentcore.workflow.reading.settings import ReaderSettings

SETTINGS = ReaderSettings()


def passage(title: str, text: str, *, dense: float = 0.0, lexical: float = 0.0) -> Passage:
    return Passage(text, title, title, 0, len(text), title, dense, lexical)


def test_attention_is_summed_over_the_best_mention() -> None:
    """A candidate gets the attention on all tokens of its most attended mention, averaged over heads."""
    candidate = Candidate("ab", mentions=[Mention(0, 0, 2, False), Mention(0, 4, 6, False)])
    weights = np.array([[0.1, 0.1, 0.0, 0.3, 0.2], [0.1, 0.1, 0.0, 0.1, 0.0]], dtype=np.float32)
    signal = attention_signal([candidate], [(0, 1), (1, 2), (2, 4), (4, 5), (5, 6)], weights)
    assert signal[0] == pytest.approx(math.log(0.3 + 1e-4), abs=1e-6)


def test_a_single_fact_is_looked_for_in_its_own_sentence() -> None:
    """Where one sentence holds the question, its candidates count more; where none does, all count the same."""
    passages = [passage("Kew", "The Palm House was designed by Burton. The Pagoda was designed by Chambers.")]
    sentences = (Sentence(passages[0].text[:38], 0, 0, 0, 38), Sentence(passages[0].text[39:], 0, 1, 39, 76))
    selection = Selection(sentences, (0, 1), (0.0, 0.0), 1.0, 1.0)
    candidates = [
        Candidate(name, {"name"}, [Mention(place, 0, 1, in_title=False)], {0})
        for place, name in enumerate(["Burton", "Chambers"])
    ]
    rarity = dict.fromkeys(("palm", "hous", "design", "kew", "fern", "pagoda"), 1.0)
    for question, is_direct in (
        ("Who designed the Palm House at Kew?", True),
        ("Who grew the fern of the Palm House?", False),
    ):
        shares = held_shares(question, selection, passages, rarity=rarity)
        values = direct_signal(candidates, shares, least=SETTINGS.direct_share)
        assert (values[0] > values[1]) == is_direct
        assert (
            hop_share(shares, least=SETTINGS.direct_share) == 0.0
        ) == is_direct  # links count only for two hops


def test_when_is_answered_by_the_fullest_date() -> None:
    """A year inside a full date is no answer of its own to "when"; a year that stands alone is one."""
    text = "Luis Diaz was born on May 17, 1965, and retired in 2004."
    selection = Selection((Sentence(text, 0, 0, 0, len(text)),), (0,), (0.0,), 1.0, 1.0)
    question = "When was Luis Diaz born?"
    prompt = reading_prompt(question, [("", text)])
    found = gather_candidates(question, selection, [passage("Luis Diaz", text)], prompt)
    assert [candidate.text for candidate in found] == ["May 17, 1965", "2004"]


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("In which country is the Matterhorn?", {"country"}),
        ("How tall is the tallest coast redwood?", {"tall"}),
        ("Which bus driver did the mayor honour?", {"driver"}),
        ("Which president founded the university?", {"president"}),
        ("Who invented the theremin?", set()),
    ],
)
def test_what_names_the_kind_of_the_answer_is_no_part_of_the_question(question: str, kinds: set[str]) -> None:
    """The noun behind "which" and the word behind "how" are told apart: the answer stands in their place."""
    assert set(kind_words(question)) == kinds


def test_expected_f1_prefers_what_the_others_agree_on() -> None:
    """Among near-equal candidates the one that shares words with the others is chosen."""
    candidates = [
        Candidate("Paris"),
        Candidate("Marion"),
        Candidate("Marion, South Australia"),
        Candidate("South Australia"),
    ]
    signal = np.ones(4)
    assert choose(candidates, signal, considered=4).index == 2
