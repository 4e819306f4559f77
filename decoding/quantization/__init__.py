"""Weight layouts of linear layers: packed for few rows, dense for many."""

from __future__ import annotations

from agentcore.decoding.quantization._blocks import GroupCodes, group_codes, quantise_groups
from agentcore.decoding.quantization._linear import Layout, LinearWeights
from agentcore.decoding.quantization._probe import can_run
from agentcore.decoding.quantization._protocol import Linear

__all__ = [
    "GroupCodes",
    "Layout",
    "Linear",
    "LinearWeights",
    "can_run",
    "group_codes",
    "quantise_groups",
]
