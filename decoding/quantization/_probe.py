"""Whether this machine's torch runs the packed layouts: they are private operators and may be missing, wrong or slow."""

from __future__ import annotations

from functools import lru_cache

import torch

from agentcore.decoding.quantization._blocks import quantise_groups
from agentcore.decoding.quantization._linear import Layout, LinearWeights
from agentcore.decoding.quantization._timing import MAX_SLOWDOWN, best_time_s

__all__ = ["can_run"]

_ROWS, _COLUMNS = 1024, 512
_MAX_RELATIVE_ERROR = 0.02


@lru_cache(maxsize=8)
def can_run(layout: Layout) -> bool:
    """Return whether `layout` is available on the CPU, right to within 2 % and not absurdly slow.

    The answer is measured once a process, on one small layer with fixed random weights.
    """
    if layout not in ("int4", "int8"):
        return True
    generator = torch.Generator().manual_seed(0)
    weight = quantise_groups(torch.randn(_ROWS, _COLUMNS, generator=generator), 4)
    x = torch.randn(1, _COLUMNS, generator=generator).to(torch.bfloat16)
    try:
        linear = LinearWeights(weight, layout=layout)
        got = linear.few()(x).to(torch.float64)
    except (AttributeError, NotImplementedError, RuntimeError):
        return False
    expected = x.to(torch.float64) @ weight.dequantise(torch.float64).T
    if not (got - expected).norm() / expected.norm() < _MAX_RELATIVE_ERROR:
        return False
    few, many = linear.few(), linear.many()
    return best_time_s(lambda: few(x)) < MAX_SLOWDOWN * best_time_s(lambda: many(x))
