"""GGUF files: metadata as a plain mapping, tensors as numpy arrays in their stored encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize

from agentcore.decoding.errors import ModelFileError, UnsupportedModelError

__all__ = ["GgufFile", "StoredTensor"]

_ROWS_AT_ONCE = 8192


class _Reader(GGUFReader):
    """The library's reader on a plain array: slicing a memory map copies its whole Python state (2.7 s -> 0.4 s here)."""

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
        if isinstance(self.data, np.memmap):
            self.data = np.asarray(self.data)  # type: ignore[assignment]  # the base class declares the slow kind
        return super()._get(offset, dtype, count, override_order)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as the file holds it.

    Attributes
    ----------
    encoding : str
        GGML type name: ``F32``, ``Q4_1``, ``Q8_0``, ...
    shape : tuple of int
        Logical shape, rows first: a linear layer is (N, K).
    data : ndarray
        Encoded bytes as (rows, bytes per row), or the numbers themselves for plain floats.
    """

    name: str
    encoding: str
    shape: tuple[int, ...]
    data: npt.NDArray[Any]

    def dequantise(self) -> npt.NDArray[np.float32]:
        """Return the tensor's exact values as float32."""
        if len(self.shape) < 2:
            return self._decoded(self.data).reshape(self.shape)
        values = np.empty(self.shape, dtype=np.float32)
        for begin in range(
            0, self.shape[0], _ROWS_AT_ONCE
        ):  # the decoder takes several times what it returns
            part = self._decoded(self.data[begin : begin + _ROWS_AT_ONCE])
            values[begin : begin + _ROWS_AT_ONCE] = part.reshape(-1, *self.shape[1:])
        return values

    def _decoded(self, data: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        try:
            values = dequantize(data, GGMLQuantizationType[self.encoding])
        except (NotImplementedError, KeyError) as exc:
            raise UnsupportedModelError(
                f"tensor {self.name!r} uses the encoding {self.encoding}, which cannot be read: use a Q4, Q5, Q6, Q8, F16 or F32 file"
            ) from exc
        return np.array(values, dtype=np.float32)


class GgufFile:
    """A GGUF file, opened and checked; tensor data stays on disk until it is read.

    Parameters
    ----------
    path : Path or str
        The file.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated or no GGUF.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ModelFileError(
                f"no model file at {str(self.path)!r}: check the path, or pull a model with `agentcore models pull`"
            )
        try:
            self._reader = _Reader(self.path)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, OSError) as exc:
            raise ModelFileError(
                f"{str(self.path)!r} is no readable GGUF file ({exc}): it is truncated or of another format, fetch it again"
            ) from exc

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """Key/value pairs of the header, arrays as lists."""
        try:
            return {key: field.contents() for key, field in self._reader.fields.items()}
        except (ValueError, IndexError, KeyError, TypeError) as exc:
            raise ModelFileError(
                f"the header of {str(self.path)!r} is damaged ({exc}): fetch it again"
            ) from exc

    @cached_property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Tensors by name."""
        return {
            tensor.name: StoredTensor(
                name=tensor.name,
                encoding=tensor.tensor_type.name,
                shape=tuple(int(n) for n in reversed(tensor.shape)),
                data=tensor.data,
            )
            for tensor in self._reader.tensors
        }

    def tensor(self, name: str) -> StoredTensor:
        """Return one tensor, or say that the file is incomplete."""
        try:
            return self.tensors[name]
        except KeyError as exc:
            raise ModelFileError(
                f"{str(self.path)!r} lacks the tensor {name!r}: the file is incomplete, fetch it again"
            ) from exc
