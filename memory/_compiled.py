"""Loops over records, compiled by numba when the first search needs them.

A kernel is a plain function of arrays and numbers that numba understands; its annotations say for which types it is compiled. It may call kernels of
its own file: numba keeps machine code as long as the file stays as it is, and would not see that another file changed. The machine code is
kept beside the source, or in the user's cache folder where that cannot be written, so only the first search ever waits for the compiler.

What kernels read here and there in arrays of hundreds of megabytes they ask for beforehand (`prefetch`, `AHEAD`): else half their time is waiting.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from functools import cached_property, update_wrapper
from time import perf_counter
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from agentcore.memory._progress import Progress

__all__ = [
    "AHEAD",
    "ByteMatrix",
    "Bytes",
    "CodeMatrix",
    "Codes",
    "Flags",
    "FloatMatrix",
    "Floats",
    "Instruction",
    "IntMatrix",
    "Ints",
    "ShortMatrix",
    "Shorts",
    "WordMatrix",
    "Words",
    "compiled",
    "prefetch",
    "prepare_kernels",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# What a kernel may take: the element type and the number of dimensions. All are contiguous, and none is written to.
Floats = Annotated[npt.NDArray[np.float32], ("float32", 1)]
FloatMatrix = Annotated[npt.NDArray[np.float32], ("float32", 2)]
Ints = Annotated[npt.NDArray[np.int64], ("int64", 1)]
IntMatrix = Annotated[npt.NDArray[np.int64], ("int64", 2)]
Shorts = Annotated[npt.NDArray[np.int16], ("int16", 1)]
ShortMatrix = Annotated[npt.NDArray[np.int16], ("int16", 2)]
Codes = Annotated[npt.NDArray[np.int32], ("int32", 1)]
CodeMatrix = Annotated[npt.NDArray[np.int32], ("int32", 2)]
ByteMatrix = Annotated[npt.NDArray[np.int8], ("int8", 2)]
Bytes = Annotated[npt.NDArray[np.uint8], ("uint8", 1)]
Flags = Annotated[npt.NDArray[np.bool_], ("boolean", 1)]
Words = Annotated[npt.NDArray[np.uint64], ("uint64", 1)]
WordMatrix = Annotated[npt.NDArray[np.uint64], ("uint64", 2)]

AHEAD = 8
"""How many rows before it is read a row is asked for."""

_SLOW_S = 2.0
"""After so many seconds of preparation it is said what is waited for."""


class Kernel(Generic[P, R]):
    """A function that is compiled, or read from the cache, when it is first called."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        update_wrapper(self, function)
        _kernels.append(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.code(*args, **kwargs)

    @property
    def _numba_type_(self) -> Any:
        """What numba asks for where a kernel calls this one."""
        return getattr(self.code, "_numba_type_")  # noqa: B009 - numba's own attribute

    @cached_property
    def code(self) -> Callable[P, R]:
        """The machine code."""
        import numba  # a quarter of a second that only a search needs

        with _lock:
            hints = get_type_hints(self.function, include_extras=True)
            types = tuple(
                _numba_type(numba.types, hints[name]) for name in inspect.signature(self.function).parameters
            )
            options: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz"}}
            try:
                code: Callable[P, R] = numba.njit(types, cache=True, **options)(self.function)
            except RuntimeError as exc:  # neither folder can be written
                if "cannot cache" not in str(exc):
                    raise
                code = numba.njit(types, **options)(self.function)
            return code


class Instruction:
    """What a kernel may call that is written in LLVM's language, where its compiler makes too little of a loop.

    Parameters
    ----------
    define : callable
        From numba's typing context and the types of the arguments to a signature and a code generator, as `numba.extending.intrinsic` asks.
        Called when the kernel is compiled.
    """

    def __init__(self, define: Callable[..., tuple[Any, Callable[..., Any]]]) -> None:
        self._define = define
        update_wrapper(self, define)

    @cached_property
    def _numba_type_(self) -> Any:
        """What numba asks for where a kernel calls it."""
        from numba.core.registry import cpu_target
        from numba.extending import intrinsic

        made = intrinsic(self._define)
        cpu_target.typing_context.refresh()
        return cpu_target.typing_context.resolve_value_type(made)

    def __call__(self, *_: Any) -> Any:
        """Say that only kernels can: here for the type checker."""
        raise TypeError(f"{self._define.__name__} can be called by a kernel only")


@Instruction
def prefetch(_: Any, array: Any, row: Any, byte: Any) -> tuple[Any, Any]:
    """Ask memory for the line that holds this byte of `array[row]`, and go on: whoever reads it some hundred nanoseconds later finds it near.

    Parameters
    ----------
    array : ndarray, (N, ...)
        May end before that byte: nothing is read.
    """
    from llvmlite import ir
    from numba import core

    kinds: Any = core.types  # has no types

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fetched, row, byte = args
        data = context.make_array(signature.args[0])(context, builder, fetched)
        address, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        fetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [address], ir.FunctionType(ir.VoidType(), [address, number, number, number])
        )
        place = builder.add(builder.mul(row, builder.extract_value(data.strides, 0)), byte)
        place = builder.gep(builder.bitcast(data.data, address), [place])
        builder.call(fetch, [place, number(0), number(3), number(1)])  # to read, into the nearest cache, data
        return context.get_dummy_value()

    return kinds.void(array, row, byte), generate


_kernels: list[Kernel[Any, Any]] = []
_lock = threading.RLock()


def compiled(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function whose parameters are annotated with the types above, `int`, `float` or `bool`."""
    return Kernel(function)


def prepare_kernels(progress: Progress) -> None:
    """Compile all kernels, or read them from the cache; tell how far it is where it takes more than two seconds."""
    start = perf_counter()
    told = False
    for done, kernel in enumerate(_kernels):
        if perf_counter() - start > _SLOW_S:
            progress("compiling the search, once on this machine", done, len(_kernels))
            told = True
        _ = kernel.code
    if told:
        progress("compiled", len(_kernels), len(_kernels))


def _numba_type(types: Any, hint: Any) -> Any:
    """Return numba's type of a parameter."""
    if get_origin(hint) is not Annotated:
        return {int: types.int64, float: types.float64, bool: types.boolean}[hint]
    name, dimensions = get_args(hint)[1]
    return types.Array(getattr(types, name), dimensions, "C", readonly=True)
