"""Checking a finished document against its schema, whatever made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing.exceptions import Unresolvable

from agentcore.decoding.errors import ConstraintError

__all__ = ["parse_json"]


def parse_json(text: str, schema: Mapping[str, Any]) -> Any:
    """Parse a document and check it against a schema.

    Raises
    ------
    ConstraintError
        If the text is no JSON, or breaks the schema; the message says where.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ConstraintError(f"the output is no JSON ({exc}): {text[:80]!r}") from exc
    try:
        Draft202012Validator.check_schema(schema)
        fault = best_match(Draft202012Validator(schema).iter_errors(document))
    except SchemaError as exc:
        raise ConstraintError(f"the schema itself is invalid: {exc.message}") from exc
    except Unresolvable as exc:
        raise ConstraintError(f"the schema refers to what is not in it: {exc}") from exc
    if fault is not None:
        raise ConstraintError(f"the output breaks its schema at {fault.json_path}: {fault.message[:120]}")
    return document
