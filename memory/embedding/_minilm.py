"""The packaged sentence encoder on onnxruntime: pooled and token vectors from one pass.

Letters: N texts, T word pieces, D dimension (384 for all-MiniLM-L6-v2).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agentcore.memory.embedding._directory import model_directory
from agentcore.memory.embedding._protocol import Encoded, Float32, TokenVectors
from agentcore.memory.embedding.errors import ModelDamagedError, ModelMissingError

__all__ = ["MiniLMEmbedder"]

_FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
_PASS_TOKENS = {"fp32": 512, "int8": 1}
"""Padded word pieces a forward pass may hold (always at least one text). int8 takes one text a pass: activations are
quantised by the range of the whole pass, so that in company a text's vectors would depend on its neighbours. Larger
passes are no faster on a CPU (2,048 word pieces: 225 texts a second and core; one text: 205; fp32: 93 and 104)."""

_LONGEST_TEXT = 20_000
"""Characters looked at: far more than the window holds, far less than a text meant to stall the tokenizer."""


class MiniLMEmbedder:
    """all-MiniLM-L6-v2, or any BERT sentence encoder that `build_onnx` made.

    Parameters
    ----------
    directory : path or None
        Folder with `tokenizer.json` and the ONNX files; None is `model_directory()`.
    precision : {"int8", "fp32"}, default "int8"
        Which file runs. Both name the same vector space: cosine between them is about .99.
    threads : int or None
        Forward passes that run side by side, one core each; None is the number of cores, at most 8.
    max_tokens : int, default 256
        Word pieces a text may have, start and end included; the rest is cut off, as this model was trained.

    Raises
    ------
    ModelMissingError, ModelDamagedError
        The files are not there or not readable.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        precision: Literal["int8", "fp32"] = "int8",
        threads: int | None = None,
        max_tokens: int = 256,
    ) -> None:
        if precision not in _FILES:
            raise ValueError(f"precision must be 'int8' or 'fp32', not {precision!r}")
        if not 3 <= max_tokens <= 512:
            raise ValueError(f"max_tokens must be between 3 and 512, not {max_tokens!r}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads!r}")
        folder = Path(directory) if directory is not None else model_directory()
        self._precision = precision
        self._threads = threads or min(8, os.cpu_count() or 1)
        self._tokenizer = _tokenizer(folder, max_tokens)
        self._session = _session(folder / _FILES[precision])
        self._dimension = int(self._session.get_outputs()[1].shape[1])
        self._name = _name(folder, self._dimension)

    @property
    def name(self) -> str:
        """Identity of the vector space."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length D of a vector."""
        return self._dimension

    @property
    def precision(self) -> str:
        """Which variant runs, `int8` or `fp32`."""
        return self._precision

    def embed(self, texts: Sequence[str]) -> Float32:
        """Return pooled vectors, (N, D) float32, L2-normalised."""
        encodings = self._tokenize(texts)
        pooled = np.zeros((len(encodings), self._dimension), dtype=np.float32)
        for rows, (vectors,) in self._passes(encodings, ["pooled"]):
            pooled[rows] = vectors
        return pooled

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return pooled and token vectors of the same pass."""
        encodings = self._tokenize(texts)
        pooled = np.zeros((len(encodings), self._dimension), dtype=np.float32)
        tokens: dict[int, TokenVectors] = {}
        for rows, (vectors, means) in self._passes(encodings, ["tokens", "pooled"]):
            pooled[rows] = means
            for place, row in enumerate(rows):
                tokens[row] = _inner(encodings[row], vectors[place])
        return Encoded(pooled, tuple(tokens[row] for row in range(len(encodings))))

    def _tokenize(self, texts: Sequence[str]) -> list[Any]:
        if isinstance(texts, str):
            raise TypeError("texts must be a sequence of strings, not one string")
        clean = [text[:_LONGEST_TEXT].encode("utf-8", "replace").decode() for text in texts]
        return list(self._tokenizer.encode_batch(clean)) if clean else []

    def _passes(self, encodings: Sequence[Any], outputs: list[str]) -> Iterator[tuple[list[int], list[Any]]]:
        """Run the model over all texts; yield (rows, outputs), shortest texts first."""
        batches = list(_batches(encodings, _PASS_TOKENS[self._precision]))

        def run(rows: list[int]) -> tuple[list[int], list[Any]]:
            return rows, self._session.run(outputs, _feed(encodings, rows))

        if len(batches) == 1 or self._threads == 1:
            yield from map(run, batches)
            return
        with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
            yield from pool.map(run, batches)


def _batches(encodings: Sequence[Any], most_tokens: int) -> Iterator[list[int]]:
    """Yield rows by rising length, at most `most_tokens` padded word pieces together."""
    order = sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids))
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) + 1) * len(encodings[row].ids) > most_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _feed(encodings: Sequence[Any], rows: list[int]) -> dict[str, Any]:
    """Lay out the padded inputs of one pass."""
    length = len(encodings[rows[-1]].ids)
    ids = np.zeros((len(rows), length), dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for place, row in enumerate(rows):
        pieces = encodings[row].ids
        ids[place, : len(pieces)] = pieces
        mask[place, : len(pieces)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _inner(encoding: Any, vectors: Any) -> TokenVectors:
    """Drop the start and end tokens."""
    end = len(encoding.ids) - 1
    ids = np.array(encoding.ids[1:end], dtype=np.int32)
    return TokenVectors(ids, tuple(encoding.tokens[1:end]), np.ascontiguousarray(vectors[1:end]))


def _tokenizer(folder: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelMissingError(str(folder), missing=path.name)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the library raises bare Exception on any malformed file
        raise ModelDamagedError(str(path), reason=str(exc)) from exc
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise ModelMissingError(str(path.parent), missing=path.name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # texts are spread over threads, never one text's operators
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's error classes share no public base
        raise ModelDamagedError(str(path), reason=str(exc).splitlines()[0]) from exc


def _name(folder: Path, dimension: int) -> str:
    """Name of the vector space, from the checkpoint's own configuration."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        layers = int(config["num_hidden_layers"])
    except (OSError, ValueError, KeyError):
        return f"bert-{dimension}"
    return "all-MiniLM-L6-v2" if (layers, dimension) == (6, 384) else f"bert-l{layers}-{dimension}"
