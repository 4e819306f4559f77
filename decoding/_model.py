"""A decoder-only transformer (llama and qwen2) over any weight layout, shared by many sequences.

Letters: `M` rows of one forward, `H` query heads, `D` head width, `V` vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from agentcore.decoding._attention import Span, additive_masks
from agentcore.decoding._batching import BatchQueue, Request
from agentcore.decoding._block_pool import CHUNK, BlockPool, CancelSignal
from agentcore.decoding._cache import KVCache
from agentcore.decoding._spec import ModelSpec
from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding._transformer import LayerStack, ModelWeights
from agentcore.decoding.errors import (
    ContextOverflowError,
    DecodingError,
    GenerationCancelled,
    NonFiniteLogitsError,
)
from agentcore.decoding.quantization import Layout

__all__ = ["LanguageModel", "check_finite", "checked_tokens"]

# Rows up to which a request joins others instead of being treated like a chunk of a prompt.
_SHORT_ROWS = 16
# Rows of a batch. Beyond 32 the dense kernels split wide layers otherwise, and a row's bits depend on its company.
_BATCH_ROWS = 32
# Keys are read in whole groups of this size where results must not depend on how rows were split over forwards.
_KEY_MULTIPLE = 64


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
    layout : {"int4", "int8", "bf16", "fp32", "fp64"}
        The layout of `weights`.
    path : Path or None
        The file that the weights came from.
    cache_bytes : int
        Bound on the memory for keys and values of all sequences; it always holds one full context.

    Notes
    -----
    Safe for use from several threads, each with caches of its own: forwards take turns, so that torch's own threads
    never compete, and those over few rows that are asked for at the same time run as one batch. Which kernels a
    sequence's rows run through depends on their own number alone, so that its scores do not depend on the company.
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
        cache_bytes: int = 2**30,
    ) -> None:
        self.spec = spec
        self.weights = weights
        self.tokenizer = tokenizer
        self.chat_template = chat_template
        self.layout = layout
        self.path = path
        self.dtype = weights.head.dtype
        self.device = weights.final_norm.device
        self.rows_crossover = weights.layers[0].down.rows_crossover
        self.blocks = BlockPool(spec, dtype=self.dtype, device=self.device, max_bytes=cache_bytes)
        is_packed = self.rows_crossover > 1
        self._short_rows = self.rows_crossover - 1 if is_packed else _SHORT_ROWS
        self._wide = torch.float64 if self.dtype is torch.float64 else torch.float32
        self._no_scores = torch.zeros((0, spec.vocabulary_size), dtype=self._wide, device=self.device)
        # The dense float32 kernels round differently for 1, 2, 3 and more rows: the reference runs alone.
        self._queue = BatchQueue(self._run, max_rows=1 if self.dtype is torch.float32 else _BATCH_ROWS)
        self._layers = LayerStack(spec, weights, self.dtype)
        self._head_few, self._head_many = weights.head.few(), weights.head.many()

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

    def new_cache(self, capacity: int = 256, *, cancel: CancelSignal | None = None) -> KVCache:
        """Return an empty cache for one sequence, as soon as there is room for it.

        Parameters
        ----------
        capacity : int
            Positions to reserve; with less than a sequence needs, it may find no room later.
        cancel : CancelSignal, optional
            Ends the waiting.

        Raises
        ------
        CacheFullError
            If the memory can never hold so much, or nothing moves while all of it is in use.
        GenerationCancelled
            If `cancel` is set while waiting.
        """
        return KVCache(self.blocks, capacity=capacity, cancel=cancel)

    @property
    def num_others(self) -> int:
        """Sequences that the next forward over few rows will be shared with, by the last one."""
        return self._queue.num_others

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
        hidden: list[Tensor] | None = None,
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
            Run exactly this many rows over whole groups of keys, however few are real: scores are then bit for bit the
            same however tokens are split over forwards. More tokens than this run as they are. Pins the kernels to
            ``"few"`` unless told otherwise.
        queries : list of Tensor, optional
            Receives the last row's rotated queries, (H, D), of every layer.
        hidden : list of Tensor, optional
            Receives the normalised rows behind the last layer, (M, C), whichever of them have scores.

        Returns
        -------
        Tensor
            Scores, (M or 1 or 0, V), float32 (float64 in the layout fp64).

        Raises
        ------
        ContextOverflowError
            If the context cannot hold the tokens; the cache is unchanged.
        CacheFullError
            If the tokens need a block and none is left; the cache is unchanged.
        ValueError
            On a token outside the vocabulary, a mask or positions of another shape, or another model's cache.
        """
        if len(ids) == 0:
            raise ValueError("forward needs at least one token: an empty prompt has nothing to continue")
        ids = self._checked(ids, cache)
        if mask is not None and (mask.dtype is not torch.bool or mask.shape != (len(ids), len(ids))):
            raise ValueError(
                f"mask must be bool of shape {(len(ids), len(ids))}, not {mask.dtype} {tuple(mask.shape)}"
            )
        if positions is not None:
            if len(positions) != len(ids) or min(positions) < 0:
                raise ValueError(f"{len(ids)} tokens need as many positions from 0 on, got {list(positions)}")
            if max(positions) >= self.spec.context_length:
                raise ContextOverflowError(max(positions) + 1, self.spec.context_length)
        return self._submit(Request(ids, cache, rows, positions, mask, kernels, fixed_rows, queries, hidden))

    def prefill(
        self,
        ids: Sequence[int],
        cache: KVCache,
        *,
        cancel: CancelSignal | None = None,
        queries: list[Tensor] | None = None,
        hidden: list[Tensor] | None = None,
    ) -> Tensor:
        """Run a prompt in chunks and return the scores for the token after it, (1, V), float32.

        `hidden` receives the rows of the last chunk. Chunks that another sequence has computed, or computes meanwhile, are taken over and not run again.

        Raises
        ------
        GenerationCancelled
            If `cancel` is set between two chunks; the cache holds those that were run.
        """
        if len(ids) == 0:
            raise ValueError("a prompt needs at least one token: there is nothing to continue")
        ids = self._checked(ids, cache)
        begin = 0
        while True:
            if begin and cancel is not None and cancel.is_set():
                raise GenerationCancelled("cancelled by the caller")
            end = begin + CHUNK - cache.length % CHUNK
            before, is_last = cache.length, end >= len(ids)
            request = Request(ids[begin:end], cache, "last" if is_last else "none", prompt=ids[begin:])
            if is_last:
                request.queries, request.hidden = queries, hidden
            scores = self._submit(request)
            if is_last:
                return scores
            begin += cache.length - before

    def _checked(self, ids: Sequence[int], cache: KVCache) -> list[int]:
        """Return the tokens as plain ints; what one caller got wrong must not reach the batch that others are in."""
        if cache.spec is not self.spec and cache.spec != self.spec:
            raise ValueError("the cache was made by a model of another shape: take one from new_cache")
        return checked_tokens(ids, self.spec)

    def _submit(self, request: Request) -> Tensor:
        is_plain = request.positions is None and request.mask is None and request.queries is None
        if request.is_fixed:
            is_short = request.num_rows <= _SHORT_ROWS and request.kernels is None
        else:
            is_short = request.num_rows <= self._short_rows and request.kernels is None
        request.is_short = is_plain and is_short
        return self._queue.submit(request)

    @torch.inference_mode()
    def _run(self, batch: Sequence[Request]) -> None:
        """Run requests in one forward; one that cannot run gets its error and leaves the others alone."""
        ready = []
        for request in batch:
            try:
                if request.prompt and request.cache.adopt(request.prompt[:-1]):
                    request.scores = self._no_scores
                    continue
                request.cache.reserve(len(request.ids), padding=request.num_rows - len(request.ids))
                ready.append(request)
            except (DecodingError, ValueError) as exc:
                request.error = exc
        if not ready:
            return
        results = self._forward(ready)
        for request, scores in zip(ready, results, strict=True):
            if request.prompt and request.cache.pool is self.blocks:  # not another layout's values
                request.cache.publish(request.ids)
            request.cache.advance(len(request.ids))
            request.scores = scores

    def _forward(self, batch: Sequence[Request]) -> Sequence[Tensor]:
        """Run the rows of several sequences through the model: linear layers together, attention apart."""
        ids, where = list[int](), list[int]()
        for request in batch:
            start, padding = request.cache.length, [0] * (request.num_rows - len(request.ids))
            ids += [*request.ids, *padding]
            where += [*(request.positions or range(start, start + len(request.ids))), *padding]
        few = self._uses_few(batch)
        x = self.weights.embedding.rows(torch.tensor(ids, device=self.device)).to(self._wide)
        spans = [self._span(request) for request in batch]
        x = self._layers.run(x, torch.tensor(where, device=self.device), spans, few=few)
        parts = []
        for part, request in zip(torch.split(x, [r.num_rows for r in batch]), batch, strict=True):
            if request.hidden is not None:
                request.hidden.append(self._layers.normalised(part[: len(request.ids)]))
            parts.append(_scored(part, request))
        x = parts[0] if len(parts) == 1 else torch.cat(parts)
        if x.shape[0] == 0:
            return [self._no_scores for _ in batch]
        x = self._layers.normalised(x)
        is_pinned = batch[0].kernels is not None or batch[0].is_fixed or batch[0].is_short
        few_scores = few if is_pinned else x.shape[0] < self.rows_crossover
        head = self._head_few if few_scores else self._head_many
        scores = torch.split(head(x).to(self._wide), [part.shape[0] for part in parts])
        return [_wanted(rows, request) for rows, request in zip(scores, batch, strict=True)]

    def _uses_few(self, batch: Sequence[Request]) -> bool:
        """Whether to use the packed kernels: short requests always do, whatever company they are in."""
        first = batch[0]
        if first.kernels is not None:
            return first.kernels == "few"
        return first.is_short or first.is_fixed or first.num_rows < self.rows_crossover

    def _span(self, request: Request) -> Span:
        M, real = request.num_rows, len(request.ids)
        views = request.cache.views(M, key_multiple=_KEY_MULTIPLE if request.is_fixed else 1)
        masks: list[Tensor] = []
        is_first = request.cache.length == 0 and len(views.open) == 1
        if request.is_fixed or request.mask is not None or (M > 1 and not is_first):
            masks = additive_masks(
                self.spec,
                views,
                num_rows=M,
                num_real=real,
                mask=request.mask,
                dtype=self.dtype,
                device=self.device,
            )
        return Span(self.spec, M, real, views, masks, request.queries)


def checked_tokens(ids: Sequence[int], spec: ModelSpec) -> list[int]:
    """Return tokens, at least one, as plain ints.

    Raises
    ------
    ValueError
        If one is not in the vocabulary.
    """
    checked = [index(token) for token in ids]
    for token in (min(checked), max(checked)):
        if not 0 <= token < spec.vocabulary_size:
            raise ValueError(f"token {token} is not in the vocabulary of {spec.vocabulary_size}")
    return checked


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


def _scored(x: Tensor, request: Request) -> Tensor:
    """Rows to run the head over. With fixed rows all of them: their number is part of the arithmetic."""
    if request.rows == "none":
        return x[:0]
    return x[-1:] if request.rows == "last" and not request.is_fixed else x


def _wanted(scores: Tensor, request: Request) -> Tensor:
    """Cut the scores of padding, and of rows that nobody asked for."""
    if not request.is_fixed or request.rows == "none":
        return scores
    real = len(request.ids)
    return scores[real - 1 : real] if request.rows == "last" else scores[:real]
