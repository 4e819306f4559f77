"""Speculative decoding: propose tokens cheaply, verify them in one forward of the target.

Drafters need no torch; the loop, the acceptance rules and the governor's measurement do. So names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcore.decoding.speculation._acceptance import AcceptanceRule, GreedyAcceptance, RejectionSampling
    from agentcore.decoding.speculation._differences import Difference, first_difference
    from agentcore.decoding.speculation._draft import Draft, Drafter, TokenDistribution, Verification
    from agentcore.decoding.speculation._draft_model import DraftModelDrafter
    from agentcore.decoding.speculation._draft_policy import DraftPolicy, FixedLength
    from agentcore.decoding.speculation._draft_pool import DraftPool
    from agentcore.decoding.speculation._governor import Governor
    from agentcore.decoding.speculation._head_weights import HeadWeights
    from agentcore.decoding.speculation._judge import JudgeAcceptance, divergence, judge_threshold
    from agentcore.decoding.speculation._leap import LeapDrafter
    from agentcore.decoding.speculation._ngram_model import SmoothedNgramDrafter
    from agentcore.decoding.speculation._prompt_lookup import PromptLookupDrafter
    from agentcore.decoding.speculation._recurrent_drafter import RecurrentDrafter
    from agentcore.decoding.speculation._recurrent_head import (
        Recurrence,
        RecurrentHead,
        fingerprint,
        normalised,
        shipped_head,
    )
    from agentcore.decoding.speculation._report import MethodCounts, SpeculationReport
    from agentcore.decoding.speculation._speculate import speculate
    from agentcore.decoding.speculation._speculator import METHODS, Speculator
    from agentcore.decoding.speculation._step_time import StepTimeCurve, measure_step_times
    from agentcore.decoding.speculation._suffix_automaton import SuffixAutomaton
    from agentcore.decoding.speculation._suffix_drafter import SuffixDrafter
    from agentcore.decoding.speculation._target import Target
    from agentcore.decoding.speculation._token_recycling import RecyclingTable, TokenRecyclingDrafter

__all__ = [
    "METHODS",
    "AcceptanceRule",
    "Difference",
    "Draft",
    "DraftModelDrafter",
    "DraftPolicy",
    "DraftPool",
    "Drafter",
    "FixedLength",
    "Governor",
    "GreedyAcceptance",
    "HeadWeights",
    "JudgeAcceptance",
    "LeapDrafter",
    "MethodCounts",
    "PromptLookupDrafter",
    "Recurrence",
    "RecurrentDrafter",
    "RecurrentHead",
    "RecyclingTable",
    "RejectionSampling",
    "SmoothedNgramDrafter",
    "SpeculationReport",
    "Speculator",
    "StepTimeCurve",
    "SuffixAutomaton",
    "SuffixDrafter",
    "Target",
    "TokenDistribution",
    "TokenRecyclingDrafter",
    "Verification",
    "divergence",
    "fingerprint",
    "first_difference",
    "judge_threshold",
    "measure_step_times",
    "normalised",
    "shipped_head",
    "speculate",
]

_HOMES = {
    "AcceptanceRule": "_acceptance",
    "Difference": "_differences",
    "Draft": "_draft",
    "DraftModelDrafter": "_draft_model",
    "DraftPolicy": "_draft_policy",
    "DraftPool": "_draft_pool",
    "Drafter": "_draft",
    "FixedLength": "_draft_policy",
    "Governor": "_governor",
    "GreedyAcceptance": "_acceptance",
    "JudgeAcceptance": "_judge",
    "LeapDrafter": "_leap",
    "METHODS": "_speculator",
    "MethodCounts": "_report",
    "PromptLookupDrafter": "_prompt_lookup",
    "HeadWeights": "_head_weights",
    "Recurrence": "_recurrent_head",
    "RecurrentDrafter": "_recurrent_drafter",
    "RecurrentHead": "_recurrent_head",
    "fingerprint": "_recurrent_head",
    "normalised": "_recurrent_head",
    "shipped_head": "_recurrent_head",
    "RecyclingTable": "_token_recycling",
    "RejectionSampling": "_acceptance",
    "SmoothedNgramDrafter": "_ngram_model",
    "SpeculationReport": "_report",
    "Speculator": "_speculator",
    "StepTimeCurve": "_step_time",
    "SuffixAutomaton": "_suffix_automaton",
    "SuffixDrafter": "_suffix_drafter",
    "Target": "_target",
    "TokenDistribution": "_draft",
    "TokenRecyclingDrafter": "_token_recycling",
    "Verification": "_draft",
    "divergence": "_judge",
    "judge_threshold": "_judge",
    "first_difference": "_differences",
    "measure_step_times": "_step_time",
    "speculate": "_speculate",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
