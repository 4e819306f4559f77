"""Whether this machine's torch runs the packed layouts: they are private operators and may be missing, wrong or slow."""

from __future__ import annotations

import time
from functools import lru_cache

import torch

from agentcore.decoding.quantization._blocks import quantise_groups
from agentcore.decoding.quantization._linear import Layout, LinearWeights
from agentcore.decoding.quantization._protocol import Linear

__all__ = ["can_run"]

_ROWS, _COLUMNS = 1024, 512
_MAX_RELATIVE_ERROR = 0.02
# A reference fallback kernel is 30-40 times slower than the dense one; noise on a shared core is not.
_MAX_SLOWDOWN = 4.0


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
    return _best_time_s(linear.few(), x) < _MAX_SLOWDOWN * _best_time_s(linear.many(), x)


def _best_time_s(function: Linear, x: torch.Tensor) -> float:
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        function(x)
        best = min(best, time.perf_counter() - start)
    return best
