"""Run many sequences side by side, each one token further at every step: what a GPU is good at, with nothing shared or waited for.

Letters: `B` sequences, `M` new tokens of each, `T` positions, `L` layers, `H` query heads, `H_kv` key/value heads, `D` head width,
`C` model width, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._model import LanguageModel, check_finite
from agentcore.decoding._spec import ModelSpec

__all__ = ["Lockstep"]

_KEY_MULTIPLE = 64  # positions are attended to in steps of these


class Lockstep:
    """Keys and values of B sequences in one tensor, behind one model's weights.

    Parameters
    ----------
    model : LanguageModel
        The model; its engine, with blocks, sharing and callers that come and go, is not involved.
    num_sequences : int
        B.
    num_positions : int
        T, the longest sequence.
    """

    def __init__(self, model: LanguageModel, *, num_sequences: int, num_positions: int) -> None:
        spec = model.spec
        if num_positions > spec.context_length:
            raise ValueError(f"{num_positions} positions are more than the context of {spec.context_length}")
        self.model = model
        shape = (spec.num_layers, 2, num_sequences, spec.num_kv_heads, num_positions, spec.head_width)
        self._rows = _Rows(spec, torch.zeros(shape, dtype=model.dtype, device=model.device))
        self._lengths = torch.zeros(num_sequences, dtype=torch.long, device=model.device)

    @staticmethod
    def bytes_of(model: LanguageModel, *, num_sequences: int, num_positions: int) -> int:
        """Return the bytes of keys and values."""
        spec = model.spec
        width = 2 * spec.num_layers * spec.num_kv_heads * spec.head_width
        return width * num_sequences * num_positions * model.dtype.itemsize

    @torch.inference_mode()
    def read(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Run at most B prompts from the beginning and return the rows behind the last layer, as the head takes them, (B, M, C).

        Rows behind a prompt's end mean nothing.
        """
        longest = max(len(ids) for ids in prompts)
        ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in zip(ids, prompts, strict=True):
            row[: len(prompt)] = torch.tensor(prompt)
        self._lengths[: len(prompts)] = torch.tensor([len(prompt) for prompt in prompts]).to(self._lengths)
        where = torch.arange(longest, device=self.model.device).repeat(len(prompts))
        self._rows.begin_prompts(len(prompts), longest)
        return self._run(ids.flatten().to(self.model.device), where).view(len(prompts), longest, -1)

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """Run one more token of each of the first sequences, (B,), and return the rows behind the last layer, (B, C)."""
        count = len(tokens)
        where = self._lengths[:count]
        self._rows.begin_tokens(where, longest=int(where.max()) + 1)
        hidden = self._run(tokens, where)
        self._lengths[:count] += 1
        return hidden

    def _run(self, ids: Tensor, where: Tensor) -> Tensor:
        model = self.model
        x = model.weights.embedding.rows(ids).to(model._wide)
        return model._layers.normalised(model._layers.run(x, where, [self._rows], few=False))

    @torch.inference_mode()
    def write(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        max_new_tokens: int,
        temperatures: Sequence[float],
        seed: int,
    ) -> list[list[int]]:
        """Continue at most B prompts and return the new tokens of each, an end of turn included.

        Parameters
        ----------
        prompts : sequence of sequence of int
            One each.
        max_new_tokens : int
            Bound for each; no sequence becomes longer than T.
        temperatures : sequence of float
            One each; 0 takes the best token.
        seed : int
            Of the draws.

        Raises
        ------
        NonFiniteLogitsError
            If the model's scores are not numbers.
        """
        device = self.model.device
        generator = torch.Generator(device=device).manual_seed(seed)
        heat = torch.tensor(temperatures, device=device)[:, None]
        ends = torch.tensor(sorted(self.model.tokenizer.eos_ids), device=device)
        head, count = self.model.weights.head.many(), len(prompts)
        states = self.read(prompts)
        hidden = states[torch.arange(count, device=device), self._lengths[:count] - 1]
        budget = min(max_new_tokens, self._rows.num_positions - max(len(ids) for ids in prompts))
        written, is_over = list[Tensor](), torch.zeros(count, dtype=torch.bool, device=device)
        for number in range(budget):
            scores = head(hidden).float()
            noise = torch.empty_like(scores).exponential_(generator=generator).log_()
            tokens = torch.where(heat > 0, scores / heat.clamp_min(1e-6) - noise, scores).argmax(-1)
            written.append(torch.where(is_over, -1, tokens))
            is_over = is_over | torch.isin(tokens, ends)
            if bool(is_over.all()):
                break
            if number + 1 < budget:
                hidden = self.step(tokens)
        check_finite(head(hidden))
        return [[token for token in row if token >= 0] for row in torch.stack(written, 1).tolist()]


class _Rows:
    """Attention over one tensor of keys and values."""

    def __init__(self, spec: ModelSpec, cache: Tensor) -> None:
        self.spec, self._cache = spec, cache
        self.num_rows = 0
        self._count = 0
        self._where: Tensor | None = None
        self._seen: Tensor | None = None

    @property
    def num_positions(self) -> int:
        """T."""
        return self._cache.shape[4]

    def begin_prompts(self, count: int, longest: int) -> None:
        """Expect the rows of `count` prompts from position 0 on, `longest` each."""
        self._count, self.num_rows, self._where = count, count * longest, None

    def begin_tokens(self, where: Tensor, *, longest: int) -> None:
        """Expect one row of each sequence at positions (B,), all below `longest`."""
        self._count = self.num_rows = len(where)
        self._where = where
        end = min(longest + -longest % _KEY_MULTIPLE, self.num_positions)
        self._seen = (torch.arange(end, device=where.device) <= where[:, None])[:, None, None]

    def attend(self, layer: int, heads: Tensor) -> Tensor:
        """Write keys and values and return the mixed values, (B * M, H * D), from (B * M, H + 2 H_kv, D)."""
        B, H, H_kv, D = self._count, self.spec.num_heads, self.spec.num_kv_heads, self.spec.head_width
        keys, values = self._cache[layer, 0, :B], self._cache[layer, 1, :B]
        if self._where is not None:
            assert self._seen is not None
            every = torch.arange(B, device=heads.device)
            keys[every, :, self._where], values[every, :, self._where] = (
                heads[:, H : H + H_kv],
                heads[:, H + H_kv :],
            )
            end = self._seen.shape[-1]
            query = heads[:, :H].reshape(B, H_kv, H // H_kv, D)
            mixed = functional.scaled_dot_product_attention(
                query, keys[:, :, :end], values[:, :, :end], attn_mask=self._seen
            )
            return mixed.reshape(B, H * D)
        M = self.num_rows // B
        rows = heads.view(B, M, H + 2 * H_kv, D).transpose(1, 2)
        query, new_keys, new_values = torch.split(rows, [H, H_kv, H_kv], 1)
        keys[:, :, :M], values[:, :, :M] = new_keys, new_values
        mixed = functional.scaled_dot_product_attention(
            query, new_keys.contiguous(), new_values.contiguous(), is_causal=True, enable_gqa=H_kv < H
        )
        return mixed.transpose(1, 2).reshape(B * M, H * D)
