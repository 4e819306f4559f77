"""How well the date of a record fits the dates a query names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from agentcore.memory.temporal import Span

__all__ = ["date_fit"]

_DAY = 86_400_000_000
_EPOCH_ORDINAL = datetime(1970, 1, 1).toordinal()

# People talk about a day on the day and in the weeks after; fitted in the study together with the date weight.
_DAY_FIT = ((0, 0, 1.0), (1, 7, 0.8), (8, 14, 0.5), (-7, -1, 0.4), (15, 31, 0.2))
_MONTH_FIT = ((0, 0, 1.0), (1, 1, 0.6), (-1, -1, 0.25))
_YEAR_FIT = 0.3


def date_fit(spans: Sequence[Span], event_time: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the fit of each record to the best of the spans, (N,) float32 in [0, 1].

    Parameters
    ----------
    spans : sequence of Span
    event_time : ndarray, (N,), int64
        Microseconds since 1970.
    """
    days = event_time // _DAY
    best = np.zeros(len(days), dtype=np.float32)
    months: npt.NDArray[np.int64] | None = None
    for span in spans:
        first = span.start.toordinal() - _EPOCH_ORDINAL
        last = (
            span.end.toordinal() - _EPOCH_ORDINAL - (span.kind not in ("open", "range") or span.end.hour == 0)
        )
        if span.kind == "month":
            if months is None:
                months = event_time.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
            distance = months - ((span.start.year - 1970) * 12 + span.start.month - 1)
            _raise(best, distance, _MONTH_FIT)
        elif span.kind in ("year", "open"):
            best[(days >= first) & (days <= last) & (best < _YEAR_FIT)] = _YEAR_FIT
        else:
            distance = np.where(days < first, days - first, np.maximum(days - last, 0))
            _raise(best, distance, _DAY_FIT)
    return best


def _raise(
    best: npt.NDArray[np.float32], distance: npt.NDArray[np.int64], fit: Sequence[tuple[int, int, float]]
) -> None:
    """Raise `best`, in place, to the fit of each distance."""
    for low, high, value in fit:
        inside = (distance == low) if low == high else (distance >= low) & (distance <= high)
        best[inside & (best < value)] = value
