"""GGUF files: metadata as a plain mapping, tensors as numpy arrays in their stored encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFEndian, GGUFReader, GGUFValueType
from gguf.quants import dequantize

from agentcore.decoding.errors import ModelFileError, UnsupportedModelError

__all__ = ["GgufFile", "StoredTensor"]

_ROWS_AT_ONCE = 8192


class _Reader(GGUFReader):
    """The library's reader without what makes a vocabulary slow: a memory map sliced, and an array read item by item.

    Slicing a memory map copies its whole Python state. The header of SmolLM2-135M, of 150,000 items, takes a tenth of the time so.
    """

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
        if isinstance(self.data, np.memmap):
            self.data = np.asarray(self.data)  # type: ignore[assignment]  # the base class declares the slow kind
        return super()._get(offset, dtype, count, override_order)

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> tuple[int, list[Any], list[int], list[Any]]:
        """Read numbers of an array as one part, and its texts in one loop; the rest as the library does."""
        if raw_type != GGUFValueType.ARRAY:
            return super()._get_field_parts(orig_offs, raw_type)
        kind, count = self._get(orig_offs, np.uint32), self._get(orig_offs + 4, np.uint64)
        item, length, begin = GGUFValueType(kind[0]), int(count[0]), orig_offs + 12
        if item == GGUFValueType.STRING:
            values, end = self._texts(begin, length)
        elif item in self.gguf_scalar_to_np:
            numbers = self._get(begin, self.gguf_scalar_to_np[item], length)
            if len(numbers) != length:
                raise ValueError(f"{length} numbers are announced, and {len(numbers)} there")
            values, end = [numbers], begin + numbers.nbytes
        else:
            return super()._get_field_parts(orig_offs, raw_type)
        types = [GGUFValueType.ARRAY, item] if length else [GGUFValueType.ARRAY]
        return end - orig_offs, [kind, count, *values], list(range(2, 2 + len(values))), types

    def _texts(self, offset: int, count: int) -> tuple[list[npt.NDArray[np.uint8]], int]:
        """Return `count` texts of an array as bytes, and where they end."""
        data: npt.NDArray[np.uint8] = np.asarray(self.data)
        view = data.data
        order: Literal["little", "big"] = "big" if self.endianess == GGUFEndian.BIG else "little"
        texts: list[npt.NDArray[np.uint8]] = []
        for _ in range(count):
            begin = offset + 8
            offset = begin + int.from_bytes(view[offset:begin], order)
            if offset > len(view):
                raise ValueError(f"{count} texts are announced, and {len(texts)} there")
            texts.append(data[begin:offset])
        return texts, offset


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
