"""Attention of new rows over a sequence's blocks: one call for each block, merged by their log-sum-exps.

Letters: `M` rows of one sequence in a forward, `H` query heads, `H_kv` key/value heads, `D` head width, `T` positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._cache import KVViews
from agentcore.decoding._spec import ModelSpec

__all__ = ["AttendingRows", "Span", "additive_masks"]


class AttendingRows(Protocol):
    """Some rows of a forward that know what they attend to."""

    num_rows: int

    def attend(self, layer: int, heads: Tensor) -> Tensor:
        """Write keys and values and return the mixed values, (rows, H * D), from (rows, H + 2 H_kv, D)."""
        ...


@dataclass(slots=True)
class Span:
    """The rows of one sequence in a forward.

    Attributes
    ----------
    spec : ModelSpec
        Shapes.
    num_rows : int
        M, padding included.
    num_real : int
        Rows that are part of the sequence; they come first.
    views : KVViews
        Where keys and values are written and read.
    masks : list of Tensor or None
        Additive masks, (M * H / H_kv, T), one for each open block; None where every row sees all of it. An empty list
        stands for a sequence's first rows, each of which sees all up to itself.
    queries : list of Tensor or None
        Receives the last real row's queries, (H, D), of every layer.
    """

    spec: ModelSpec
    num_rows: int
    num_real: int
    views: KVViews
    masks: Sequence[Tensor | None]
    queries: list[Tensor] | None = field(default=None)

    def attend(self, layer: int, heads: Tensor) -> Tensor:
        """Write the rows' keys and values and return the mixed values, (M, H * D).

        Parameters
        ----------
        layer : int
            Which layer.
        heads : Tensor, (M, H + 2 H_kv, D)
            Queries and keys with their rotation, and values.
        """
        M, H, H_kv, D = self.num_rows, self.spec.num_heads, self.spec.num_kv_heads, self.spec.head_width
        group, views = H // H_kv, self.views
        if self.queries is not None:
            self.queries.append(heads[self.num_real - 1, :H])
        for begin, end, buffers in views.writes:
            entries = heads[begin:end, H:].view(end - begin, 2, H_kv, D)
            buffers[layer].copy_(entries.permute(1, 2, 0, 3))
        if M > 1 and not self.masks:
            keys, values = views.open[0]
            query = heads[:, :H].transpose(0, 1)[None]
            mixed = functional.scaled_dot_product_attention(
                query, keys[layer], values[layer], is_causal=True, enable_gqa=group > 1
            )
            return mixed[0].transpose(0, 1).reshape(M, H * D)
        if M == 1:
            query = heads[:, :H].view(1, H_kv, group, D)
            return self._over_blocks(layer, query).reshape(1, H * D)
        query = heads[:, :H].view(M, H_kv, group, D).transpose(0, 1).reshape(1, H_kv, M * group, D)
        mixed = self._over_blocks(layer, query)
        return mixed.view(H_kv, M, group, D).transpose(0, 1).reshape(M, H * D)

    def _over_blocks(self, layer: int, query: Tensor) -> Tensor:
        """Attend with queries grouped by key head, (1, H_kv, M * H / H_kv, D), to every block; same shape."""
        views, masks = self.views, self.masks or (None,)
        if not views.closed and len(views.open) == 1:
            keys, values = views.open[0]
            return functional.scaled_dot_product_attention(
                query, keys[layer], values[layer], attn_mask=masks[0]
            )
        parts: list[tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor | None]]
        parts = [(keys, values, None) for keys, values in views.closed]
        parts += [(keys, values, mask) for (keys, values), mask in zip(views.open, masks, strict=True)]
        mixed, total = _part(query, parts[0][0][layer], parts[0][1][layer], parts[0][2])
        for keys, values, mask in parts[1:]:
            more, its_total = _part(query, keys[layer], values[layer], mask)
            weight = torch.sigmoid(its_total - total).unsqueeze(-1).to(mixed.dtype)
            mixed = torch.lerp(mixed, more, weight)
            total = torch.logaddexp(total, its_total)
        return mixed


def additive_masks(
    spec: ModelSpec,
    views: KVViews,
    *,
    num_rows: int,
    num_real: int,
    mask: Tensor | None,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Tensor]:
    """Return a mask for each open block: cached keys are seen, new ones by `mask`, what lies behind them never.

    Parameters
    ----------
    mask : Tensor or None, (num_real, num_real), bool
        Which new rows each new row sees; None for all up to itself.
    """
    sizes = [keys[0].shape[2] for keys, _ in views.open]
    start = views.start
    seen = torch.zeros(num_rows, sum(sizes), dtype=torch.bool, device=device)
    seen[:, :start] = True
    seen[:, start : start + num_rows] = torch.ones(num_rows, num_rows, dtype=torch.bool, device=device).tril()
    if mask is not None:
        seen[:num_real, start : start + num_real] = mask.to(device)
    # Finite, so that a row which sees nothing of a block gets weight 0 there and not NaN.
    bias = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, torch.finfo(dtype).min / 2)
    return list(torch.split(bias.repeat_interleave(spec.num_heads // spec.num_kv_heads, 0), sizes, 1))


def _part(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Attend to one block: the mixed values and the logarithm of the sum of exponentials, (1, H_kv, R)."""
    if query.device.type == "cpu":
        # What scaled_dot_product_attention calls itself, which keeps the second result to itself.
        flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        mixed, total = flash(query, keys, values, attn_mask=None if mask is None else mask[None, None])
        return mixed, total
    scores = (query @ keys.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask
    return scores.softmax(-1).to(values.dtype) @ values, scores.logsumexp(-1)
