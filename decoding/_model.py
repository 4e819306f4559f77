"""A lean decoder-only transformer (llama and qwen2) over any weight layout.

Letters: `M` rows of one forward, `T` positions a row can see, `H` query heads, `H_kv` key/value heads,
`D` head width, `C` model width, `V` vocabulary.

Rotary embedding uses the half-split form: files of the llama architecture store interleaved pairs and are
reordered when loaded.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._batching import BatchTurn, Request
from agentcore.decoding._cache import KEY_BLOCK, KVCache
from agentcore.decoding._spec import ModelSpec
from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding.errors import NonFiniteLogitsError
from agentcore.decoding.quantization import Layout, Linear, LinearWeights

__all__ = ["PREFILL_ROWS", "LanguageModel", "LayerWeights", "ModelWeights"]

# Prompts run in chunks of this many rows, counted from position 0. Larger is hardly faster here (64 rows: 1280 tokens/s,
# 128: 1420, 256: 1470), and the fixed grid makes a reused beginning bit-equal to one that is run again.
PREFILL_ROWS = 64


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """Weights of one block; `qkv` and `gate_up` are fused, norms are float32 as the residual stream is."""

    attention_norm: Tensor
    qkv: LinearWeights
    output: LinearWeights
    mlp_norm: Tensor
    gate_up: LinearWeights
    down: LinearWeights


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """All weights of a model; `head` may be the embedding itself."""

    embedding: LinearWeights
    layers: tuple[LayerWeights, ...]
    final_norm: Tensor
    head: LinearWeights
    rotary_factors: Tensor | None = None


_Views = tuple[tuple[Tensor, ...], tuple[Tensor, ...], tuple[Tensor, ...]]
_LayerFunctions = tuple[Tensor, Linear, Linear, Tensor, Linear, Linear]


class LanguageModel:
    """A loaded model: token ids in, scores out.

    Parameters
    ----------
    spec : ModelSpec
        Shapes and constants.
    weights : ModelWeights
        Weights in one layout.
    tokenizer : Tokenizer
        The model's own.
    chat_template : str or None
        Jinja source out of the file; None when it has none.
    layout : {"int4", "int8", "bf16", "fp32"}
        The layout of `weights`.
    path : Path or None
        The file that the weights came from.

    Notes
    -----
    Safe for use from several threads, each with caches of its own: forwards take turns, so that torch's own threads
    never compete, and single-token forwards that are asked for at the same time run as one batch.
    """

    def __init__(
        self,
        spec: ModelSpec,
        weights: ModelWeights,
        *,
        tokenizer: Tokenizer,
        chat_template: str | None,
        layout: Layout,
        path: Path | None = None,
    ) -> None:
        self.spec = spec
        self.weights = weights
        self.tokenizer = tokenizer
        self.chat_template = chat_template
        self.layout = layout
        self.path = path
        self._turn = threading.Lock()
        self.dtype = weights.head.dtype
        self.device = weights.final_norm.device
        self.rows_crossover = weights.layers[0].down.rows_crossover
        width = spec.model_width
        self._norm_floor = torch.tensor((width * spec.norm_epsilon) ** 0.5, device=self.device)
        self._final_norm = weights.final_norm * width**0.5
        self._few = [_functions(layer, width, few=True) for layer in weights.layers]
        self._many = [_functions(layer, width, few=False) for layer in weights.layers]
        self._head_few, self._head_many = weights.head.few(), weights.head.many()
        self._cos, self._sin = _rotary_tables(spec, weights.rotary_factors, self.dtype, self.device)

    @cached_property
    def _batches(self) -> BatchTurn:
        # Below the crossover rows are independent of each other in the packed kernels: a batch changes no bit.
        return BatchTurn(self._forward_batch, self._turn, max_size=max(self.rows_crossover - 1, 1))

    @property
    def num_bytes(self) -> int:
        """Bytes of weights that one single-row forward has to read."""
        linears = [self.weights.head]
        for layer in self.weights.layers:
            linears += [layer.qkv, layer.output, layer.gate_up, layer.down]
        return sum(linear.num_bytes for linear in linears)

    @cached_property
    def digest(self) -> str:
        """Identity of the weights for records of what produced an output: the file's sha256, empty without a file."""
        if self.path is None:
            return ""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def new_cache(self, capacity: int = 256) -> KVCache:
        """Return an empty cache for one sequence."""
        return KVCache(self.spec, dtype=self.dtype, device=self.device, capacity=capacity)

    def forward(
        self,
        ids: Sequence[int],
        cache: KVCache,
        *,
        rows: Literal["last", "all", "none"] = "last",
        positions: Sequence[int] | None = None,
        mask: Tensor | None = None,
        kernels: Literal["few", "many"] | None = None,
        fixed_rows: int | None = None,
        queries: list[Tensor] | None = None,
    ) -> Tensor:
        """Run new tokens behind those in `cache`, which grows by ``len(ids)``.

        Parameters
        ----------
        ids : sequence of int, length M
            New tokens.
        cache : KVCache
            Everything before them; changed in place.
        rows : {"last", "all", "none"}
            Which new tokens to return scores for.
        positions : sequence of int, length M, optional
            Where each token stands in its sequence; by default one after the other. Branches of a draft tree
            share positions.
        mask : Tensor, (M, M), bool, optional
            Which new tokens each new token sees; by default all up to itself. Cached ones are always seen.
        kernels : {"few", "many"}, optional
            Pin the packed or the dense kernels, for bit-equal results at any number of rows; by default chosen by M.
        fixed_rows : int, optional
            Run exactly this many rows over whole blocks of keys, however few are real: scores are then bit for bit the
            same however tokens are split over forwards. More tokens than this run as they are. Pins the kernels to
            ``"few"`` unless told otherwise.
        queries : list of Tensor, optional
            Receives the last row's rotated queries, (H, D), of every layer.

        Returns
        -------
        Tensor
            Scores, (M or 1 or 0, V), float32.

        Raises
        ------
        ContextOverflowError
            If the context cannot hold the tokens; the cache is unchanged.
        """
        if len(ids) == 0:
            raise ValueError("forward needs at least one token: an empty prompt has nothing to continue")
        is_plain = (
            positions is None and mask is None and kernels is None and fixed_rows is None and queries is None
        )
        if len(ids) == 1 and is_plain and rows != "none":
            cache.reserve(1)
            return self._batches.submit(Request(ids[0], cache))
        with self._turn, torch.inference_mode():
            return self._forward(ids, cache, rows, positions, mask, kernels, fixed_rows, queries)

    def _forward(
        self,
        ids: Sequence[int],
        cache: KVCache,
        rows: Literal["last", "all", "none"],
        positions: Sequence[int] | None,
        mask: Tensor | None,
        kernels: Literal["few", "many"] | None,
        fixed_rows: int | None,
        queries: list[Tensor] | None,
    ) -> Tensor:
        real, start = len(ids), cache.length
        is_fixed = fixed_rows is not None and real <= fixed_rows
        padding = fixed_rows - real if fixed_rows is not None and is_fixed else 0
        M = real + padding
        if is_fixed and kernels is None:
            kernels = "few"
        cache.reserve(real, padding=padding)
        few = self.rows_crossover > M if kernels is None else kernels == "few"
        index = torch.tensor([*ids, *[0] * padding], device=self.device)
        x = self.weights.embedding.rows(index).float()
        where = torch.tensor([*(positions or range(start, start + real)), *[0] * padding], device=self.device)
        rotation = (_rotation(self._cos[where], 1.0, self.spec), _rotation(self._sin[where], 0.0, self.spec))
        views = cache.views(M, key_multiple=KEY_BLOCK if is_fixed else 1)
        bias = None
        if is_fixed or mask is not None or (M > 1 and start > 0):
            bias = self._attention_bias(M, start, views[1][0].shape[2], real, mask)
        x = self._blocks(x, self._few if few else self._many, views, rotation, bias, queries, real)
        cache.advance(real)
        if rows == "none":
            return x.new_zeros((0, self.spec.vocabulary_size), dtype=torch.float32)
        if not is_fixed and rows == "last":
            x = x[-1:]
        x = _rms_norm(x, self._final_norm, self._norm_floor, self.dtype)
        few_scores = x.shape[0] < self.rows_crossover if kernels is None else few
        scores = (self._head_few if few_scores else self._head_many)(x)
        return (scores[real - 1 : real] if is_fixed and rows == "last" else scores[:real]).float()

    @torch.inference_mode()
    def _forward_batch(self, batch: Sequence[Request]) -> Tensor:
        """Run the next token of several sequences, which see nothing of each other; return (B, V)."""
        if len(batch) == 1:
            return self._forward([batch[0].token_id], batch[0].cache, "last", None, None, "few", None, None)
        index = torch.tensor([request.token_id for request in batch], device=self.device)
        where = torch.tensor([request.cache.length for request in batch], device=self.device)
        x = self.weights.embedding.rows(index).float()
        rotation = (_rotation(self._cos[where], 1.0, self.spec), _rotation(self._sin[where], 0.0, self.spec))
        x = self._batch_blocks(x, [request.cache.views(1) for request in batch], rotation)
        for request in batch:
            request.cache.advance(1)
        return self._head_few(_rms_norm(x, self._final_norm, self._norm_floor, self.dtype)).float()

    def prefill(self, ids: Sequence[int], cache: KVCache, *, queries: list[Tensor] | None = None) -> Tensor:
        """Run a prompt in chunks and return the scores for the token after it, (1, V), float32."""
        begin = 0
        while begin + (chunk := PREFILL_ROWS - cache.length % PREFILL_ROWS) < len(ids):
            self.forward(ids[begin : begin + chunk], cache, rows="none")
            begin += chunk
        return self.forward(ids[begin:], cache, queries=queries)

    def _blocks(
        self,
        x: Tensor,
        layers: list[_LayerFunctions],
        views: _Views,
        rotation: tuple[Tensor, Tensor],
        bias: Tensor | None,
        queries: list[Tensor] | None,
        real: int,
    ) -> Tensor:
        spec, dtype = self.spec, self.dtype
        M = x.shape[0]
        H, H_kv, D = spec.num_heads, spec.num_kv_heads, spec.head_width
        group, half, floor = H // H_kv, D // 2, self._norm_floor
        cos, sin = rotation
        write, keys, values = views
        attend = functional.scaled_dot_product_attention
        for i, (attention_norm, qkv, output, mlp_norm, gate_up, down) in enumerate(layers):
            heads = qkv(_rms_norm(x, attention_norm, floor, dtype)).view(M, H + 2 * H_kv, D)
            heads = torch.addcmul(heads * cos, heads.roll(half, -1), sin)
            if queries is not None:
                queries.append(heads[real - 1, :H])
            write[i].copy_(heads[:, H:].view(M, 2, H_kv, D).permute(1, 2, 0, 3))
            if M == 1:
                query = heads[:, :H].view(1, H_kv, group, D)
                mixed = attend(query, keys[i], values[i], attn_mask=bias).reshape(1, H * D)
            elif bias is None:
                query = heads[:, :H].transpose(0, 1)[None]
                mixed = attend(query, keys[i], values[i], is_causal=True, enable_gqa=group > 1)
                mixed = mixed[0].transpose(0, 1).reshape(M, H * D)
            else:
                query = heads[:, :H].view(M, H_kv, group, D).transpose(0, 1).reshape(1, H_kv, M * group, D)
                mixed = attend(query, keys[i], values[i], attn_mask=bias)
                mixed = mixed.view(H_kv, M, group, D).transpose(0, 1).reshape(M, H * D)
            x = x + output(mixed)
            gate, up = gate_up(_rms_norm(x, mlp_norm, floor, dtype)).chunk(2, -1)
            x = x + down(functional.silu(gate).mul_(up))
        return x

    def _batch_blocks(self, x: Tensor, views: list[_Views], rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Run one row per sequence through all blocks: linear layers together, attention apart."""
        spec, dtype, floor = self.spec, self.dtype, self._norm_floor
        B, H, H_kv, D = x.shape[0], spec.num_heads, spec.num_kv_heads, spec.head_width
        cos, sin = rotation
        attend = functional.scaled_dot_product_attention
        for i, (attention_norm, qkv, output, mlp_norm, gate_up, down) in enumerate(self._few):
            heads = qkv(_rms_norm(x, attention_norm, floor, dtype)).view(B, H + 2 * H_kv, D)
            heads = torch.addcmul(heads * cos, heads.roll(D // 2, -1), sin)
            queries = heads[:, :H].view(B, 1, H_kv, H // H_kv, D).unbind(0)
            entries = heads[:, H:].view(B, 2, H_kv, 1, D).unbind(0)
            rows = []
            for (write, keys, values), query, entry in zip(views, queries, entries, strict=True):
                write[i].copy_(entry)
                rows.append(attend(query, keys[i], values[i]).reshape(1, H * D))
            x = x + output(torch.cat(rows))
            gate, up = gate_up(_rms_norm(x, mlp_norm, floor, dtype)).chunk(2, -1)
            x = x + down(functional.silu(gate).mul_(up))
        return x

    def _attention_bias(self, M: int, start: int, num_keys: int, real: int, mask: Tensor | None) -> Tensor:
        """Additive mask (M * group, T): cached keys are seen, new ones by `mask`, what lies behind them never."""
        seen = torch.zeros(M, num_keys, dtype=torch.bool, device=self.device)
        seen[:, :start] = True
        seen[:, start : start + M] = torch.ones(M, M, dtype=torch.bool, device=self.device).tril()
        if mask is not None:
            seen[:real, start : start + real] = mask.to(self.device)
        bias = torch.zeros(M, num_keys, dtype=self.dtype, device=self.device).masked_fill_(
            ~seen, float("-inf")
        )
        return bias.repeat_interleave(self.spec.num_heads // self.spec.num_kv_heads, 0)


def check_finite(scores: Tensor) -> None:
    """Raise unless every score is a number.

    Raises
    ------
    NonFiniteLogitsError
        If the model produced NaN or infinity.
    """
    if not bool(torch.isfinite(scores).all()):
        raise NonFiniteLogitsError(
            "the model produced scores that are not numbers: its file is damaged, fetch it again"
        )


def _rms_norm(x: Tensor, weight: Tensor, floor: Tensor, dtype: torch.dtype) -> Tensor:
    """Normalise float32 rows: ``weight`` is scaled by sqrt(C), ``floor`` is sqrt(C * epsilon). Half the time of torch's own."""
    length = torch.hypot(torch.linalg.vector_norm(x, 2, -1, keepdim=True), floor)
    return (x * weight).div_(length).to(dtype)


def _functions(layer: LayerWeights, width: int, *, few: bool) -> _LayerFunctions:
    def pick(linear: LinearWeights) -> Linear:
        return linear.few() if few else linear.many()

    return (
        layer.attention_norm * width**0.5,
        pick(layer.qkv),
        pick(layer.output),
        layer.mlp_norm * width**0.5,
        pick(layer.gate_up),
        pick(layer.down),
    )


def _rotary_tables(
    spec: ModelSpec, factors: Tensor | None, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines of every position, (T, D)."""
    half = spec.head_width // 2
    frequencies = 1.0 / spec.rope_base ** (torch.arange(half, dtype=torch.float32) / half)
    if factors is not None:
        frequencies = frequencies / factors
    angles = torch.arange(spec.context_length, dtype=torch.float32)[:, None] * frequencies
    cos = torch.cat([angles.cos(), angles.cos()], -1)
    sin = torch.cat([-angles.sin(), angles.sin()], -1)
    return cos.to(device, dtype), sin.to(device, dtype)


def _rotation(table: Tensor, neutral: float, spec: ModelSpec) -> Tensor:
    """Spread (M, D) over all heads, (M, H + 2 H_kv, D); values get `neutral`, so that one multiply serves every head."""
    M, D = table.shape
    rotated = table[:, None].expand(M, spec.num_heads + spec.num_kv_heads, D)
    return torch.cat([rotated, table.new_full((M, spec.num_kv_heads, D), neutral)], 1)
