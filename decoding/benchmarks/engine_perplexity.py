"""What a weight layout costs in perplexity, against the file's exact weights in fp32."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from agentcore.decoding import LanguageModel

__all__ = ["perplexity"]


def perplexity(model: LanguageModel, ids: Sequence[int], *, window: int = 512, rows: int = 64) -> float:
    """Return the perplexity of a token stream in independent windows.

    Parameters
    ----------
    model : LanguageModel
        The model; its packed kernels are used, as in decoding, however many rows there are.
    ids : sequence of int
        The stream; what does not fill a window is left out.
    window : int
        Tokens a window; its first token is given.
    rows : int
        Rows of one forward.
    """
    total, count = 0.0, 0
    for begin in range(0, len(ids) - window + 1, window):
        part = list(ids[begin : begin + window])
        cache = model.new_cache(window)
        for start in range(0, window - 1, rows):
            chunk = part[start : min(start + rows, window - 1)]
            scores = model.forward(chunk, cache, rows="all", kernels="few").log_softmax(-1)
            following = torch.tensor(part[start + 1 : start + 1 + len(chunk)])
            total -= float(scores.gather(1, following[:, None]).sum())
            count += len(chunk)
    return math.exp(total / count)
