"""Constraints on the output, token by token, and checks of the finished text."""

from __future__ import annotations

from agentcore.decoding.constraints._closing import closing_tokens
from agentcore.decoding.constraints._grammar import GrammarConstraint, JsonSchemaConstraint, json_rule
from agentcore.decoding.constraints._protocol import Constraint
from agentcore.decoding.constraints._validation import parse_json

__all__ = [
    "Constraint",
    "GrammarConstraint",
    "JsonSchemaConstraint",
    "closing_tokens",
    "json_rule",
    "parse_json",
]
