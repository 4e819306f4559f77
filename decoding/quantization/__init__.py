"""Weight layouts of linear layers: packed for few rows, dense for many."""

from __future__ import annotations

from agentcore.decoding.quantization._blocks import GroupCodes, group_codes, quantise_groups
from agentcore.decoding.quantization._linear import ROWS_CROSSOVER, Layout, Linear, LinearWeights
from agentcore.decoding.quantization._probe import can_run

__all__ = [
    "ROWS_CROSSOVER",
    "GroupCodes",
    "Layout",
    "Linear",
    "LinearWeights",
    "can_run",
    "group_codes",
    "quantise_groups",
]
