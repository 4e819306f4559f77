"""Speculative decoding: propose tokens cheaply, verify them in one forward of the target.

Drafters need no torch; the loop, the acceptance rules and the governor's measurement do. So names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentcore.decoding.speculation._draft import Draft, Drafter, TokenDistribution, Verification
    from agentcore.decoding.speculation._draft_pool import DraftPool
    from agentcore.decoding.speculation._leap import LeapDrafter
    from agentcore.decoding.speculation._ngram_model import SmoothedNgramDrafter
    from agentcore.decoding.speculation._prompt_lookup import PromptLookupDrafter
    from agentcore.decoding.speculation._suffix_automaton import SuffixAutomaton
    from agentcore.decoding.speculation._suffix_drafter import SuffixDrafter
    from agentcore.decoding.speculation._token_recycling import TokenRecyclingDrafter

__all__ = [
    "Draft",
    "DraftPool",
    "Drafter",
    "LeapDrafter",
    "PromptLookupDrafter",
    "SmoothedNgramDrafter",
    "SuffixAutomaton",
    "SuffixDrafter",
    "TokenDistribution",
    "TokenRecyclingDrafter",
    "Verification",
]

_HOMES = {
    "Draft": "_draft",
    "DraftPool": "_draft_pool",
    "Drafter": "_draft",
    "LeapDrafter": "_leap",
    "PromptLookupDrafter": "_prompt_lookup",
    "SmoothedNgramDrafter": "_ngram_model",
    "SuffixAutomaton": "_suffix_automaton",
    "SuffixDrafter": "_suffix_drafter",
    "TokenDistribution": "_draft",
    "TokenRecyclingDrafter": "_token_recycling",
    "Verification": "_draft",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
