"""Thought trimming: end a model's thinking once it has its answer. Text and token ids only, no torch.

`ThoughtTrimmer` runs every rule detector over one stream. Verifiers that ask a model stand behind one async protocol; the
decoder never waits for them.
"""

from __future__ import annotations

from agentcore.decoding.trimming._agreement import ClassCounter, ResetCounter, UnderThinking
from agentcore.decoding.trimming._answers import conclusion, equivalent, extract_answer
from agentcore.decoding.trimming._cascade import RuleCascade
from agentcore.decoding.trimming._config import PAPER, Points, TrimmingConfig
from agentcore.decoding.trimming._equality import same_answer
from agentcore.decoding.trimming._question import Question
from agentcore.decoding.trimming._repetition import RollingWindow, TokenRepetition, WordRepetition
from agentcore.decoding.trimming._segmenter import Thought, ThoughtSegmenter
from agentcore.decoding.trimming._sentences import Sentence, SentenceSplitter
from agentcore.decoding.trimming._trimmer import ThoughtTrimmer
from agentcore.decoding.trimming._values import Answer, answer, boxed, stated_value
from agentcore.decoding.trimming._verdicts import Verdict, guide_prompt

__all__ = [
    "PAPER",
    "Answer",
    "ClassCounter",
    "Points",
    "Question",
    "ResetCounter",
    "RollingWindow",
    "RuleCascade",
    "Sentence",
    "SentenceSplitter",
    "Thought",
    "ThoughtSegmenter",
    "ThoughtTrimmer",
    "TokenRepetition",
    "TrimmingConfig",
    "UnderThinking",
    "Verdict",
    "WordRepetition",
    "answer",
    "boxed",
    "conclusion",
    "equivalent",
    "extract_answer",
    "guide_prompt",
    "same_answer",
    "stated_value",
]
