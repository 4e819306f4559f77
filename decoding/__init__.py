"""Local language models on torch: loading, decoding, constraints.

Knows token ids and tensors, no messages. The names below are loaded on first use, so that parts which need no torch
can be imported without it.
"""

from __future__ import annotations

import os as _os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore.decoding._block_pool import BlockPool, CancelSignal
    from agentcore.decoding._cache import KVCache
    from agentcore.decoding._generation import generate
    from agentcore.decoding._loading import load_gguf
    from agentcore.decoding._lockstep import Lockstep
    from agentcore.decoding._model import LanguageModel
    from agentcore.decoding._output import Step
    from agentcore.decoding._sampling import Sampler, Sampling
    from agentcore.decoding._scoring import attention_from_last, score
    from agentcore.decoding._spec import ModelSpec
    from agentcore.decoding._tokenizer import TextStream, Tokenizer
    from agentcore.decoding.constraints import Constraint, GrammarConstraint, JsonSchemaConstraint
    from agentcore.decoding.errors import (
        CacheFullError,
        ConstraintError,
        ContextOverflowError,
        DecodingError,
        GenerationCancelled,
        ModelFileError,
        NonFiniteLogitsError,
        TokenizerMismatchError,
        UnknownMethodError,
        UnsupportedModelError,
    )

# Threads that spin while they wait for each other need a free core each: with one core taken by other work, two of them
# decode at a third of the speed of one. Sleeping costs nothing measurable. Read once, when torch is loaded.
_os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_EXPORTS = {
    "BlockPool": "_block_pool",
    "CacheFullError": "errors",
    "CancelSignal": "_block_pool",
    "Constraint": "constraints",
    "ConstraintError": "errors",
    "ContextOverflowError": "errors",
    "DecodingError": "errors",
    "GenerationCancelled": "errors",
    "GrammarConstraint": "constraints",
    "JsonSchemaConstraint": "constraints",
    "KVCache": "_cache",
    "LanguageModel": "_model",
    "Lockstep": "_lockstep",
    "ModelFileError": "errors",
    "ModelSpec": "_spec",
    "NonFiniteLogitsError": "errors",
    "Sampler": "_sampling",
    "Sampling": "_sampling",
    "Step": "_output",
    "TextStream": "_tokenizer",
    "Tokenizer": "_tokenizer",
    "TokenizerMismatchError": "errors",
    "UnknownMethodError": "errors",
    "UnsupportedModelError": "errors",
    "attention_from_last": "_scoring",
    "generate": "_generation",
    "load_gguf": "_loading",
    "score": "_scoring",
}

__all__ = [
    "BlockPool",
    "CacheFullError",
    "CancelSignal",
    "Constraint",
    "ConstraintError",
    "ContextOverflowError",
    "DecodingError",
    "GenerationCancelled",
    "GrammarConstraint",
    "JsonSchemaConstraint",
    "KVCache",
    "LanguageModel",
    "Lockstep",
    "ModelFileError",
    "ModelSpec",
    "NonFiniteLogitsError",
    "Sampler",
    "Sampling",
    "Step",
    "TextStream",
    "Tokenizer",
    "TokenizerMismatchError",
    "UnknownMethodError",
    "UnsupportedModelError",
    "attention_from_last",
    "generate",
    "load_gguf",
    "score",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
