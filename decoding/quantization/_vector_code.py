"""Functions over vectors of sixteen lanes, written in LLVM's intermediate language and compiled for the processor at hand.

Every parameter of such a function is a 64-bit integer: an address or a count. Nothing is kept on disk, as compiling takes
some tenths of a second.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from llvmlite import binding, ir

__all__ = [
    "BYTES",
    "FLOAT",
    "FLOATS",
    "HALF_WORDS",
    "HALVES",
    "INT",
    "LANES",
    "WORD",
    "WORDS",
    "Function",
    "InstructionSet",
    "best_instructions",
    "compile_functions",
    "number",
]

LANES = 16
INT, WORD, FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
BYTES = ir.VectorType(ir.IntType(8), LANES)
WORDS, HALF_WORDS = ir.VectorType(WORD, LANES), ir.VectorType(ir.IntType(16), LANES)
FLOATS, HALVES = ir.VectorType(FLOAT, LANES), ir.VectorType(ir.HalfType(), LANES)

InstructionSet = Literal["avx512vnni", "avxvnni", "avx2"]
"""What multiplies bytes: the first two in one instruction, the last in three, where no sum of two exceeds 16 bits."""


def best_instructions() -> InstructionSet | None:
    """Return the best set that this processor has; None on one that is not x86-64 or has no AVX2."""
    if not binding.get_default_triple().startswith("x86_64"):
        return None
    features = binding.get_host_cpu_features()
    if features.get("avx512vnni") and features.get("avx512bw"):
        return "avx512vnni"
    if features.get("avxvnni"):
        return "avxvnni"
    return "avx2" if features.get("avx2") and features.get("fma") and features.get("f16c") else None


_engines: list[Any] = []
"""What has been compiled; the code lives as long as they do."""


class Function:
    """One function while it is being written.

    Parameters
    ----------
    module : llvmlite.ir.Module
        Where it goes.
    name : str
        Its name.
    num_parameters : int
        How many integers it takes; they are in `parameters`.
    instructions : {"avx512vnni", "avxvnni", "avx2"}
        What its products are made of.
    """

    def __init__(self, module: Any, name: str, num_parameters: int, instructions: InstructionSet) -> None:
        self.code = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT] * num_parameters), name)
        self.parameters = self.code.args
        self.build = ir.IRBuilder(self.code.append_basic_block())
        self._instructions = instructions

    @contextmanager
    def loop(self, begin: Any, end: Any, step: int = 1) -> Iterator[Any]:
        """Repeat what is written inside for each number from `begin` to before `end`, `step` apart."""
        build = self.build
        place = self.variable(begin)
        test, body, after = (self.code.append_basic_block() for _ in range(3))
        build.branch(test)
        build.position_at_end(test)
        index = build.load(place)
        build.cbranch(build.icmp_signed("<", index, end), body, after)
        build.position_at_end(body)
        yield index
        build.store(build.add(index, number(step)), place)
        build.branch(test)
        build.position_at_end(after)

    def variable(self, value: Any) -> Any:
        """Return a place that holds `value` and may be stored to."""
        with self.build.goto_entry_block():
            place = self.build.alloca(value.type)
        self.build.store(value, place)
        return place

    def address(self, base: Any, *steps: tuple[Any, int | Any]) -> Any:
        """Return `base` and, for each step, a count times a size in bytes."""
        for count, size in steps:
            size = number(size) if isinstance(size, int) else size
            base = self.build.add(base, self.build.mul(count, size))
        return base

    def load(self, kind: Any, base: Any, offset: int = 0, *, align: int = 1) -> Any:
        """Read a value that lies `offset` bytes behind `base`."""
        value = self.build.load(self._pointer(kind, base, offset))
        value.align = align
        return value

    def store(self, value: Any, base: Any, offset: int = 0, *, align: int = 1) -> None:
        """Write a value `offset` bytes behind `base`."""
        self.build.store(value, self._pointer(value.type, base, offset)).align = align

    def load_float(self, base: Any, offset: int = 0) -> Any:
        """Read one float32 into all lanes."""
        return self.spread(self.load(FLOAT, base, offset, align=4), FLOATS)

    def prefetch(self, base: Any, offset: int) -> None:
        """Ask for the cache line that lies `offset` bytes behind `base`, which may lie anywhere."""
        flags = [ir.Constant(WORD, value) for value in (0, 3, 1)]  # to be read, soon, data
        self.call("llvm.prefetch.p0", ir.VoidType(), self._pointer(WORD, base, offset), *flags)

    def spread(self, value: Any, kind: Any) -> Any:
        """Return a vector with `value` in all lanes."""
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.build.insert_element(undefined, value, ir.Constant(WORD, 0))
        return self.build.shuffle_vector(first, undefined, ir.Constant(WORDS, [0] * LANES))

    def call(self, name: str, kind: Any, *arguments: Any) -> Any:
        """Call one of LLVM's intrinsic functions, or a function outside."""
        module = self.code.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(kind, [a.type for a in arguments]), name)
        return self.build.call(function, arguments)

    def multiply_add(self, x: Any, y: Any, total: Any) -> Any:
        """Return ``x * y + total`` of float lanes, rounded once."""
        return self.call("llvm.fma.v16f32", FLOATS, x, y, total)

    def add_products(self, total: Any, codes: Any, base: Any, offset: int) -> Any:
        """Add to each lane of `total` the products of its four unsigned bytes in `codes` with the four signed bytes at the address.

        With ``avx2`` no two adjacent products may sum to more than 16 bits: codes of up to 7 bits.
        """
        build = self.build
        signed = self.spread(self.load(WORD, base, offset), WORDS)
        if self._instructions == "avx512vnni":
            return self._dot(total, codes, signed, LANES, "llvm.x86.avx512.vpdpbusd.512")
        halves = []
        for first in (0, LANES // 2):
            pick = ir.Constant(ir.VectorType(WORD, LANES // 2), [*range(first, first + LANES // 2)])
            sums, unsigned, others = (build.shuffle_vector(v, v, pick) for v in (total, codes, signed))
            if self._instructions == "avxvnni":
                half = self._dot(sums, unsigned, others, LANES // 2, "llvm.x86.avx512.vpdpbusd.256")
            else:
                half = self._dot_by_pairs(sums, unsigned, others)
            halves.append(half)
        return build.shuffle_vector(*halves, ir.Constant(WORDS, [*range(LANES)]))

    def _dot(self, total: Any, codes: Any, signed: Any, lanes: int, name: str) -> Any:
        kind = ir.VectorType(ir.IntType(8), 4 * lanes)
        codes, signed = self.build.bitcast(codes, kind), self.build.bitcast(signed, kind)
        return self.call(name, total.type, total, codes, signed)

    def _dot_by_pairs(self, total: Any, codes: Any, signed: Any) -> Any:
        build, half = self.build, ir.VectorType(ir.IntType(16), LANES)
        kind = ir.VectorType(ir.IntType(8), 2 * LANES)
        pairs = self.call(
            "llvm.x86.avx2.pmadd.ub.sw", half, build.bitcast(codes, kind), build.bitcast(signed, kind)
        )
        ones = ir.Constant(half, [1] * LANES)
        return build.add(total, self.call("llvm.x86.avx2.pmadd.wd", total.type, pairs, ones))

    def _pointer(self, kind: Any, base: Any, offset: int) -> Any:
        place = self.build.add(base, number(offset)) if offset else base
        return self.build.inttoptr(place, kind.as_pointer())


def number(value: int) -> Any:
    """Return an integer as a constant."""
    return ir.Constant(INT, value)


def compile_functions(
    module: Any, counts: Mapping[str, int], symbols: Mapping[str, int]
) -> dict[str, Callable[..., None]]:
    """Compile a module and return functions of it that let go of Python's lock while they run.

    Parameters
    ----------
    module : llvmlite.ir.Module
        All functions.
    counts : mapping of str to int
        How many integers each wanted function takes.
    symbols : mapping of str to int
        Addresses of functions outside that the module calls.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    for name, address in symbols.items():
        binding.add_symbol(name, address)
    features = binding.get_host_cpu_features()
    features["prefer-256-bit"] = (
        False  # which some processors ask for, of vectors that a compiler has made up
    )
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features.flatten(), opt=3, jit=True
    )
    parsed = binding.parse_assembly(str(module))
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(parsed, passes)
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    _engines.append(engine)
    functions: dict[str, Callable[..., None]] = {}
    for name, count in counts.items():
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * count)
        function = kind(engine.get_function_address(name))
        functions[name] = function
    return functions
