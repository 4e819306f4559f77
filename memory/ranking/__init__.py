"""The ranking: dense, lexical and late-interaction evidence, fused with who, when and what stands around."""

from agentcore.memory.ranking._config import (
    FAST,
    FULL,
    AbstentionConfig,
    Profile,
    RankingConfig,
    profile_config,
)
from agentcore.memory.ranking._cues import Cue, cues_of
from agentcore.memory.ranking._lexical import LexicalIndex
from agentcore.memory.ranking._query import Query
from agentcore.memory.ranking._reorder import Reordering, Rerank, maximal_marginal_relevance
from agentcore.memory.ranking._signs import sign_words
from agentcore.memory.ranking._structure import Structure
from agentcore.memory.ranking._tokens import QueryTokens, TokenIndex

__all__ = [
    "FAST",
    "FULL",
    "AbstentionConfig",
    "Cue",
    "LexicalIndex",
    "Profile",
    "Query",
    "QueryTokens",
    "RankingConfig",
    "Reordering",
    "Rerank",
    "Structure",
    "TokenIndex",
    "cues_of",
    "maximal_marginal_relevance",
    "profile_config",
    "sign_words",
]
