"""How long a kernel takes, to tell one that is made for this machine from a fallback."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["MAX_SLOWDOWN", "best_time_s"]

# A reference fallback kernel is 30-40 times slower than the dense one; noise on a shared core is not.
MAX_SLOWDOWN = 4.0


def best_time_s(function: Callable[[], object]) -> float:
    """Return the shortest of twenty runs."""
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best
