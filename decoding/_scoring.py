"""Reading a model without generating: likelihoods of continuations, and attention."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._cache import KVCache
from agentcore.decoding._model import LanguageModel, checked_tokens

__all__ = ["attention_from_last", "score"]

_MAX_ROWS = 128


@torch.inference_mode()
def score(
    model: LanguageModel,
    prefix_ids: Sequence[int],
    continuations: Sequence[Sequence[int]],
) -> list[float]:
    """Return the log-likelihood of each continuation after a shared prefix.

    Parameters
    ----------
    model : LanguageModel
        The model.
    prefix_ids : sequence of int
        At least one token; run once for all continuations.
    continuations : sequence of sequence of int
        At least one token each.

    Returns
    -------
    list of float
        Natural logarithms, summed over tokens.

    Raises
    ------
    ContextOverflowError
        If prefix and the longest continuation do not fit into the context.
    """
    if any(len(ids) == 0 for ids in continuations):
        raise ValueError("a continuation has no tokens: give at least one")
    continuations = [checked_tokens(ids, model.spec) for ids in continuations]
    cache = model.new_cache(len(prefix_ids) + max((len(ids) for ids in continuations), default=0))
    try:
        first = model.prefill(prefix_ids, cache)[-1].log_softmax(-1)
        totals = [float(first[ids[0]]) for ids in continuations]
        for batch in _batches(continuations):
            rows = _score_rows(model, cache, [continuations[i] for i in batch])
            for i, total in zip(batch, rows, strict=True):
                totals[i] += total
            cache.truncate(len(prefix_ids))
        return totals
    finally:
        cache.release()


def _batches(continuations: Sequence[Sequence[int]]) -> list[list[int]]:
    """Group continuations of two tokens or more so that one forward runs about `_MAX_ROWS` rows."""
    batches: list[list[int]] = []
    rows = _MAX_ROWS
    for i, ids in enumerate(continuations):
        if len(ids) < 2:
            continue
        if rows + len(ids) - 1 > _MAX_ROWS:
            batches.append([])
            rows = 0
        batches[-1].append(i)
        rows += len(ids) - 1
    return batches


def _score_rows(model: LanguageModel, cache: KVCache, continuations: list[Sequence[int]]) -> list[float]:
    """Log-likelihoods of all tokens but the first, every continuation a branch that sees the prefix and itself."""
    lengths = [len(ids) - 1 for ids in continuations]
    mask = _block_diagonal(lengths)
    flat = [token for ids in continuations for token in ids[:-1]]
    targets = torch.tensor([token for ids in continuations for token in ids[1:]], device=model.device)
    positions = [cache.length + i for n in lengths for i in range(n)]
    scores = model.forward(flat, cache, rows="all", positions=positions, mask=mask).log_softmax(-1)
    found = scores.gather(1, targets[:, None])[:, 0]
    return [float(part.sum()) for part in torch.split(found, lengths)]


def _block_diagonal(lengths: list[int]) -> Tensor:
    branch = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    return (branch[:, None] == branch[None, :]).tril()


@torch.inference_mode()
def attention_from_last(
    model: LanguageModel,
    ids: Sequence[int],
    *,
    heads: Sequence[tuple[int, int]],
) -> Tensor:
    """Return how much the last token attends to every token, for chosen heads.

    Parameters
    ----------
    model : LanguageModel
        The model.
    ids : sequence of int, length T
        The prompt.
    heads : sequence of (layer, head)
        Which heads to read; layers and heads count from 0.

    Returns
    -------
    Tensor
        Weights, (len(heads), T), float32; each row sums to 1.
    """
    spec = model.spec
    for layer, head in heads:
        if not (0 <= layer < spec.num_layers and 0 <= head < spec.num_heads):
            raise ValueError(
                f"there is no head {(layer, head)!r}: the model has {spec.num_layers} layers of {spec.num_heads} heads"
            )
    cache = model.new_cache(len(ids))
    try:
        queries: list[Tensor] = []
        model.prefill(ids, cache, queries=queries)
        group = spec.num_heads // spec.num_kv_heads
        weights = torch.zeros(len(heads), len(ids))
        for row, (layer, head) in enumerate(heads):
            keys, query = cache.keys(layer)[head // group].float(), queries[layer][head].float()
            weights[row] = functional.softmax(keys @ query * spec.head_width**-0.5, -1).cpu()
        return weights
    finally:
        cache.release()
