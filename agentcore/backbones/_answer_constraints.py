"""What an answer must satisfy: a schema, or the grammar of optional and forced tool calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentcore.backbones._tool_format import ToolChoice, call_grammar
from agentcore.backbones._translation import translated

if TYPE_CHECKING:
    from agentcore.decoding import Constraint, Tokenizer

__all__ = ["call_constraint", "schema_constraint"]


def schema_constraint(schema: Mapping[str, Any], tokenizer: Tokenizer) -> Constraint:
    """Return the constraint of one JSON document.

    Raises
    ------
    ConfigurationError
        If the schema cannot be enforced; the message names the keyword.
    """
    from agentcore.decoding import JsonSchemaConstraint

    with translated():
        return JsonSchemaConstraint(schema, tokenizer)


def call_constraint(
    tools: Sequence[Mapping[str, Any]],
    tokenizer: Tokenizer,
    *,
    choice: ToolChoice,
    is_parallel: bool,
    separators: tuple[str, str],
) -> Constraint:
    """Return the constraint of an answer that may, or must, call tools.

    Keywords of a tool's schema that cannot be enforced are ignored here: calls are validated when they are read.
    """
    from agentcore.decoding import GrammarConstraint
    from agentcore.decoding.constraints import json_rule

    grammar = call_grammar(
        tools,
        choice=choice,
        is_parallel=is_parallel,
        json_rule=lambda schema, separators: json_rule(schema, is_lenient=True, separators=separators),
        separators=separators,
    )
    with translated():
        return GrammarConstraint(grammar, tokenizer)
