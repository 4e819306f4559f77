"""Thought trimming: end a model's thinking once it has its answer. Text and token ids only, no torch.

`ThoughtTrimmer` runs every rule detector over one stream. Verifiers that ask a model stand behind one async protocol; the
decoder never waits for them.
"""

from __future__ import annotations

from agentcore.decoding.trimming._agreement import ClassCounter, ResetCounter, UnderThinking
from agentcore.decoding.trimming._agreement_signal import AgreementSignal
from agentcore.decoding.trimming._answers import conclusion, equivalent, extract_answer
from agentcore.decoding.trimming._cascade import Features, RuleCascade, points
from agentcore.decoding.trimming._config import PAPER, Points, TrimmingConfig
from agentcore.decoding.trimming._equality import same_answer
from agentcore.decoding.trimming._likelihood import LikelihoodVerifier, LocalYesNo, YesNo
from agentcore.decoding.trimming._local import Fork, LocalProber, trim_locally
from agentcore.decoding.trimming._neutralise import is_suspicious, neutralise
from agentcore.decoding.trimming._online import StreamController, StreamReport, Trimming
from agentcore.decoding.trimming._pool import Look, VerifierPool
from agentcore.decoding.trimming._question import Question
from agentcore.decoding.trimming._repetition import RollingWindow, TokenRepetition, WordRepetition
from agentcore.decoding.trimming._segmenter import Thought, ThoughtSegmenter
from agentcore.decoding.trimming._self_probe import DEER, DYNASOR_MID, Probe, Prober, ProbeRule, SelfProbe
from agentcore.decoding.trimming._sentences import Sentence, SentenceSplitter
from agentcore.decoding.trimming._signals import Progress, StopSignal, Verifier, Watcher
from agentcore.decoding.trimming._stream import Delta, ReasoningSource, TrimmedReply, trim_stream
from agentcore.decoding.trimming._tags import TagSplitter
from agentcore.decoding.trimming._trimmer import ThoughtTrimmer
from agentcore.decoding.trimming._values import Answer, answer, boxed, stated_value
from agentcore.decoding.trimming._verdicts import Verdict, guide_prompt
from agentcore.decoding.trimming._verifiers import (
    CachedVerifier,
    CascadeVerifier,
    EmbeddingVerifier,
    RuleVerifier,
)

__all__ = [
    "DEER",
    "DYNASOR_MID",
    "PAPER",
    "AgreementSignal",
    "Answer",
    "CachedVerifier",
    "CascadeVerifier",
    "ClassCounter",
    "Delta",
    "EmbeddingVerifier",
    "Features",
    "Fork",
    "LikelihoodVerifier",
    "LocalProber",
    "LocalYesNo",
    "Look",
    "Points",
    "Probe",
    "ProbeRule",
    "Prober",
    "Progress",
    "Question",
    "ReasoningSource",
    "ResetCounter",
    "RollingWindow",
    "RuleCascade",
    "RuleVerifier",
    "SelfProbe",
    "Sentence",
    "SentenceSplitter",
    "StopSignal",
    "StreamController",
    "StreamReport",
    "TagSplitter",
    "Thought",
    "ThoughtSegmenter",
    "ThoughtTrimmer",
    "TokenRepetition",
    "TrimmedReply",
    "Trimming",
    "TrimmingConfig",
    "UnderThinking",
    "Verdict",
    "Verifier",
    "VerifierPool",
    "Watcher",
    "WordRepetition",
    "YesNo",
    "answer",
    "boxed",
    "conclusion",
    "equivalent",
    "extract_answer",
    "guide_prompt",
    "is_suspicious",
    "neutralise",
    "points",
    "same_answer",
    "stated_value",
    "trim_locally",
    "trim_stream",
]
