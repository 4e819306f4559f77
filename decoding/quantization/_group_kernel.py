"""The product of a few rows with weights of four bits, in integers.

Letters: `M` rows of one forward, `N` output rows, `K` input columns, `G = K / 32` groups.

Each row of activations is rounded to 16 bits by its own largest magnitude and split into two signed bytes. Within a group
both bytes' products with the codes are exact integers below 2^24; groups are added in float32, always in the same order.
So a row's result is the same bit for bit however many others run beside it, and weights are unpacked once for all rows.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from llvmlite import ir
from torch import Tensor

from agentcore.decoding.quantization._blocks import GROUP
from agentcore.decoding.quantization._vector_code import (
    BYTES,
    FLOAT,
    FLOATS,
    HALF_WORDS,
    HALVES,
    INT,
    LANES,
    WORD,
    WORDS,
    Function,
    InstructionSet,
    best_instructions,
    compile_functions,
    number,
)

__all__ = ["BLOCK_BYTES", "BLOCK_ROWS", "GroupKernel", "group_kernel"]

BLOCK_ROWS = LANES
"""Output rows that are computed together."""

BLOCK_BYTES = GROUP * LANES // 2 + 2 * 2 * LANES
"""Of one group of sixteen output rows: codes by quads of columns, then scales, then minima, both float16."""

_ROW_BYTES = 2 * GROUP
"""Of one group of a row of activations: its high bytes, then its low ones."""

_GROUP_BYTES = _ROW_BYTES + 4
"""With the sum of the group. A row is its groups' bytes, then their sums, then its scale."""

_TILES = (8, 4, 2, 1)
_QUADS = GROUP // 4
_LARGEST = 2**15 - 2**7 - 1
_ROUNDER, _ROUNDER_BITS = 1.5 * 2**23, 0x4B400000
"""Added to a small float it leaves the nearest integer in the low bits."""

_SMALLEST = 0x0D00
"""The bfloat16 4e-31: rows of zeros have a scale, too."""

_AHEAD = 2048
"""Bytes by which weights are asked for before they are needed: processors do not look beyond a page by themselves."""

_SHARES = 4
"""Parts of the work for each thread, so that none waits long for one that was held up."""


class GroupKernel:
    """Compiled code of the product.

    Parameters
    ----------
    instructions : {"avx512vnni", "avxvnni", "avx2"}
        What multiplies bytes.
    """

    def __init__(self, instructions: InstructionSet) -> None:
        module, symbols = ir.Module(), _parallel_region()
        round_rows = _write_rounding(module, instructions)
        tiles = {rows: _write_tile(module, rows, instructions) for rows in _TILES}
        share = _write_share(module, tiles, instructions)
        _write_product(module, round_rows, share, instructions, in_parallel=bool(symbols))
        self._product = compile_functions(module, {"product": 8}, symbols)["product"]
        self._can_share = bool(symbols)

    def multiply(self, x: Tensor, weights: Tensor, num_blocks: int) -> Tensor:
        """Return the product, (M, 16 * num_blocks), bfloat16.

        Parameters
        ----------
        x : Tensor, (M, K), bfloat16
        weights : Tensor, (num_blocks * G * BLOCK_BYTES,), uint8
            Beginning at a multiple of 64.
        num_blocks : int
            Output rows, by sixteen.
        """
        x = x.to(torch.bfloat16).contiguous()
        M, K = x.shape
        G = K // GROUP
        y = x.new_empty(M, num_blocks * LANES)
        scratch = torch.empty(M * (G * _GROUP_BYTES + 4), dtype=torch.uint8)
        threads = torch.get_num_threads() if self._can_share else 1
        self._product(
            x.data_ptr(), M, G, weights.data_ptr(), num_blocks, y.data_ptr(), scratch.data_ptr(), threads
        )
        return y


@lru_cache(maxsize=1)
def group_kernel() -> GroupKernel | None:
    """Return the kernel for this processor, compiled when first asked for; None where there is none."""
    instructions = best_instructions()
    if instructions is None:
        return None
    try:
        return GroupKernel(instructions)
    except RuntimeError:  # an LLVM that names its instructions otherwise
        return None


def _parallel_region() -> dict[str, int]:
    """Where torch's own threads are woken, so that no others compete with them; empty where torch has another runtime."""
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libgomp*")):
        try:
            found = ctypes.CDLL(str(path)).GOMP_parallel
        except (OSError, AttributeError):
            continue
        return {"GOMP_parallel": ctypes.cast(found, ctypes.c_void_p).value or 0}
    return {}


def _write_rounding(module: Any, instructions: InstructionSet) -> Any:
    """Write what rounds rows and splits them into bytes: (x, M, G, scratch)."""
    f = Function(module, "round_rows", 4, instructions)
    x, M, G, scratch = f.parameters
    build, magnitude = f.build, ir.Constant(HALF_WORDS, [0x7FFF] * LANES)
    with f.loop(number(0), M) as m:
        row, place = f.address(x, (build.mul(m, G), 2 * GROUP)), f.address(scratch, (m, _row_stride(f, G)))
        # The magnitudes of bfloat16 are ordered as integers are, and what is no number comes last: it makes the scale none either.
        largest = f.variable(ir.Constant(HALF_WORDS, [_SMALLEST] * LANES))
        with f.loop(number(0), G) as g:
            for offset in (0, 2 * LANES):
                part = build.and_(f.load(HALF_WORDS, f.address(row, (g, 2 * GROUP)), offset), magnitude)
                now = build.load(largest)
                build.store(build.select(build.icmp_unsigned(">", part, now), part, now), largest)
        top = f.call("llvm.vector.reduce.umax.v16i16", ir.IntType(16), build.load(largest))
        top = build.bitcast(build.shl(build.zext(top, WORD), ir.Constant(WORD, 16)), FLOAT)
        f.store(build.fdiv(top, ir.Constant(FLOAT, _LARGEST)), f.address(place, (G, _GROUP_BYTES)))
        factor = f.spread(build.fdiv(ir.Constant(FLOAT, _LARGEST), top), FLOATS)
        with f.loop(number(0), G) as g:
            target, total = f.address(place, (g, _ROW_BYTES)), ir.Constant(WORDS, [0] * LANES)
            for i in range(GROUP // LANES):
                wide = build.zext(f.load(HALF_WORDS, f.address(row, (g, 2 * GROUP)), 2 * LANES * i), WORDS)
                value = build.bitcast(build.shl(wide, _words(16)), FLOATS)
                rounded = f.multiply_add(value, factor, ir.Constant(FLOATS, [_ROUNDER] * LANES))
                word = build.sub(build.bitcast(rounded, WORDS), _words(_ROUNDER_BITS))
                high = build.ashr(build.add(word, _words(128)), _words(8))
                f.store(build.trunc(high, BYTES), target, LANES * i)
                f.store(build.trunc(word, BYTES), target, GROUP + LANES * i)
                total = build.add(total, word)
            total = f.call("llvm.vector.reduce.add.v16i32", WORD, total)
            sums = f.address(place, (G, _ROW_BYTES), (g, 4))
            f.store(build.sitofp(total, FLOAT), sums)
    build.ret_void()
    return f.code


def _write_tile(module: Any, rows: int, instructions: InstructionSet) -> Any:
    """Write sixteen outputs of a few rows: (block of weights, G, scratch, y, bytes from row to row of y)."""
    f = Function(module, f"tile_{rows}", 5, instructions)
    weights, G, scratch, y, y_stride = f.parameters
    build, nothing = f.build, ir.Constant(WORDS, [0] * LANES)
    totals = [f.variable(ir.Constant(FLOATS, [0.0] * LANES)) for _ in range(rows)]
    stride = _row_stride(f, G)
    bases = [f.address(scratch, (number(m), stride)) for m in range(rows)]
    with f.loop(number(0), G) as g:
        block = f.address(weights, (g, BLOCK_BYTES))
        for line in range(0, BLOCK_BYTES, 64):
            f.prefetch(block, _AHEAD + line)
        packed = [f.load(WORDS, block, 4 * LANES * i, align=32) for i in range(_QUADS // 2)]
        quads = [build.and_(p, _words(0x0F0F0F0F)) for p in packed]
        quads += [build.and_(build.lshr(p, _words(4)), _words(0x0F0F0F0F)) for p in packed]
        scale, minimum = (
            build.fpext(f.load(HALVES, block, BLOCK_BYTES - 2 * LANES * i, align=32), FLOATS) for i in (2, 1)
        )
        for base, place in zip(bases, totals, strict=True):
            at = f.address(base, (g, _ROW_BYTES))
            high, low = nothing, nothing
            for i, quad in enumerate(quads):
                high = f.add_products(high, quad, at, 4 * i)
                low = f.add_products(low, quad, at, GROUP + 4 * i)
            product = build.sitofp(build.add(build.shl(high, _words(8)), low), FLOATS)
            total = f.multiply_add(product, scale, build.load(place))
            sums = f.address(base, (G, _ROW_BYTES), (g, 4))
            build.store(f.multiply_add(minimum, f.load_float(sums), total), place)
    for m, (base, place) in enumerate(zip(bases, totals, strict=True)):
        scale = f.load_float(f.address(base, (G, _GROUP_BYTES)))
        bits = build.bitcast(build.fmul(build.load(place), scale), WORDS)
        even = build.and_(build.lshr(bits, _words(16)), _words(1))
        rounded = build.lshr(build.add(build.add(bits, _words(0x7FFF)), even), _words(16))
        f.store(build.trunc(rounded, HALF_WORDS), f.address(y, (number(m), y_stride)))
    build.ret_void()
    return f.code


def _write_share(module: Any, tiles: dict[int, Any], instructions: InstructionSet) -> Any:
    """Write what one thread does, which takes blocks until none is left: (address of the job)."""
    f = Function(module, "share", 1, instructions)
    build, job = f.build, f.parameters[0]
    M, G, weights, num_blocks, y, scratch, chunk = (f.load(INT, job, 8 * i) for i in range(1, 8))
    stride, y_stride = _row_stride(f, G), build.mul(num_blocks, number(2 * LANES))
    with f.loop(number(0), num_blocks):
        counter = build.inttoptr(job, INT.as_pointer())
        begin = build.atomic_rmw("add", counter, chunk, "monotonic")
        end = build.add(begin, chunk)
        end = build.select(build.icmp_signed("<", end, num_blocks), end, num_blocks)
        with f.loop(begin, end) as n:
            block, out = f.address(weights, (build.mul(n, G), BLOCK_BYTES)), f.address(y, (n, 2 * LANES))
            done = number(0)
            for rows, tile in tiles.items():
                end = build.and_(M, number(-rows))
                with f.loop(done, end, rows) as m:
                    build.call(
                        tile,
                        [block, G, f.address(scratch, (m, stride)), f.address(out, (m, y_stride)), y_stride],
                    )
                done = end
    build.ret_void()
    return f.code


def _write_product(
    module: Any, round_rows: Any, share: Any, instructions: InstructionSet, *, in_parallel: bool
) -> None:
    """Write the whole: (x, M, G, weights, number of blocks, y, scratch, threads)."""
    f = Function(module, "product", 8, instructions)
    x, M, G, weights, num_blocks, y, scratch, threads = f.parameters
    build = f.build
    build.call(round_rows, [x, M, G, scratch])
    shares = build.mul(threads, number(_SHARES))
    chunk = build.add(build.sdiv(num_blocks, shares), number(1))
    chunk = build.select(build.icmp_signed(">", threads, number(1)), chunk, num_blocks)
    job = build.ptrtoint(build.alloca(ir.ArrayType(INT, 8)), INT)
    for i, value in enumerate((number(0), M, G, weights, num_blocks, y, scratch, chunk)):
        f.store(value, job, 8 * i)
    if in_parallel:
        with build.if_else(build.icmp_signed(">", threads, number(1))) as (many, one):
            with many:
                kinds = [INT, INT, WORD, WORD]
                run = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "GOMP_parallel")
                build.call(
                    run, [build.ptrtoint(share, INT), job, build.trunc(threads, WORD), ir.Constant(WORD, 0)]
                )
            with one:
                build.call(share, [job])
    else:
        build.call(share, [job])
    build.ret_void()


def _row_stride(f: Function, G: Any) -> Any:
    return f.build.add(f.build.mul(G, number(_GROUP_BYTES)), number(4))


def _words(value: int) -> Any:
    return ir.Constant(WORDS, [value] * LANES)
