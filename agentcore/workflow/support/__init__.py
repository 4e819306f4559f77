"""Check a claim against the spans it cites, by rules over clauses, without any model."""

from agentcore.workflow.support._check import Verdict, check_support

__all__ = ["Verdict", "check_support"]
