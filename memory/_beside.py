"""A second core for one large search: what waits for memory goes on beside the caller."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

__all__ = ["beside"]

P = ParamSpec("P")
R = TypeVar("R")

_MOST_WORKERS = 3


def beside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Begin work on another core, and return what gives its result.

    Worth it from a tenth of a millisecond on, for work that holds no lock of Python's. Work that no core has begun when its result is asked for
    is done by who asks: so a busy machine, or one of a single core, is no slower than without.
    """
    pool = _pool()
    if pool is None:
        return lambda: function(*args, **kwargs)
    future = pool.submit(function, *args, **kwargs)
    return lambda: function(*args, **kwargs) if future.cancel() else future.result()


@cache
def _pool() -> ThreadPoolExecutor | None:
    """Return the threads that all searches of this process share; None where there is one core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(min(cores - 1, _MOST_WORKERS), "memory-beside") if cores > 1 else None
