"""Constraints on the output, token by token."""

from __future__ import annotations

from agentcore.decoding.constraints._protocol import Constraint

__all__ = ["Constraint"]
