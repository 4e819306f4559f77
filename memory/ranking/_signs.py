"""Sign vectors, one bit a dimension, compared by how many bits agree.

Letters: T vectors, Q of a query, W words of 64 bits a vector, R groups of vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import AHEAD, FloatMatrix, Instruction, Ints, WordMatrix, compiled, prefetch

__all__ = ["best_agreement", "sign_words"]

_TOGETHER = 8
"""Vectors of the query that are compared at a time: as many words as the widest registers hold."""

_USUAL = 6
"""Words of a vector of 384 dimensions, for which the comparison is compiled apart."""


def sign_words(signs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return what `numpy.packbits` gave, (T, B), as words, (T, W).

    Bits beyond the dimension are zero in every vector and so always agree.
    """
    width = -(-signs.shape[1] // 8) * 8
    if width != signs.shape[1]:
        signs = np.pad(signs, ((0, 0), (0, width - signs.shape[1])))
    return np.ascontiguousarray(signs).view("<u8")


@Instruction
def _least_differing(_: Any, signs: Any, first: Any, end: Any, asked: Any, group: Any) -> tuple[Any, Any]:
    """Return in how few bits each of eight vectors of the query differs from one of `signs[first:end]`.

    A word of a vector is compared with that word of all eight at once, so vectors are read where they lie. As a loop it takes twice the time: the
    compiler would go along the words, of which there are six.

    Parameters
    ----------
    signs : ndarray, (T, W), uint64
    asked : ndarray, (G, W, 8), uint64
        The query's vectors by eight, word by word; `group` says which eight.
    """
    from llvmlite import ir
    from numba import core

    emit: Any = core.cgutils  # the functions of both have no types
    kinds: Any = core.types

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word, eight, lane = ir.IntType(64), ir.VectorType(ir.IntType(64), _TOGETHER), ir.IntType(32)
        lanes = ir.Constant(ir.VectorType(lane, _TOGETHER), [0] * _TOGETHER)
        nothing = ir.Constant(eight, ir.Undefined)
        count_ones = emit.get_or_insert_function(
            builder.module, ir.FunctionType(eight, [eight]), f"llvm.ctpop.v{_TOGETHER}i64"
        )
        _, first, end, _, group = args
        vectors = context.make_array(signature.args[0])(context, builder, args[0])
        query = context.make_array(signature.args[3])(context, builder, args[3])
        width = builder.extract_value(vectors.shape, 1)
        query_at = builder.gep(query.data, [builder.mul(builder.mul(group, width), word(_TOGETHER))])
        least = emit.alloca_once_value(builder, ir.Constant(eight, [2**63 - 1] * _TOGETHER))
        differing = emit.alloca_once(builder, eight)

        def compare(width: Any) -> None:
            with emit.for_range_slice(builder, first, end, word(1)) as (place, _):
                builder.store(ir.Constant(eight, [0] * _TOGETHER), differing)
                vector = builder.gep(vectors.data, [builder.mul(place, width)])
                with emit.for_range(builder, width) as loop:
                    one = builder.insert_element(
                        nothing, builder.load(builder.gep(vector, [loop.index])), lane(0)
                    )
                    there = builder.gep(query_at, [builder.mul(loop.index, word(_TOGETHER))])
                    bits = builder.load(builder.bitcast(there, eight.as_pointer()), align=8)
                    bits = builder.xor(bits, builder.shuffle_vector(one, nothing, lanes))
                    builder.store(
                        builder.add(builder.load(differing), builder.call(count_ones, [bits])), differing
                    )
                found, best = builder.load(differing), builder.load(least)
                builder.store(builder.select(builder.icmp_unsigned("<", found, best), found, best), least)

        with builder.if_else(builder.icmp_unsigned("==", width, word(_USUAL))) as (usual, other):
            with usual:  # a number that the compiler knows: so the query's words stay in registers
                compare(word(_USUAL))
            with other:
                compare(width)
        best = builder.load(least)
        each = [builder.extract_element(best, lane(place)) for place in range(_TOGETHER)]
        return context.make_tuple(builder, signature.return_type, each)

    return kinds.UniTuple(kinds.uint64, _TOGETHER)(signs, first, end, asked, group), generate


@compiled
def best_agreement(signs: WordMatrix, starts: Ints, groups: Ints, query: WordMatrix) -> FloatMatrix:
    """Return the most bits in which each vector of the query agrees with one of each group, (Q, R); of an empty group 0.

    Parameters
    ----------
    signs : ndarray, (T, W), uint64
    starts : ndarray, int64
        Vectors of group g are `starts[g]:starts[g + 1]`.
    groups : ndarray, (R,), int64
    query : ndarray, (Q, W), uint64
    """
    num_asked, width = query.shape
    asked = np.zeros(((num_asked + _TOGETHER - 1) // _TOGETHER, width, _TOGETHER), np.uint64)
    for number in range(num_asked):
        for word in range(width):
            asked[number // _TOGETHER, word, number % _TOGETHER] = query[number, word]
    found = np.zeros((num_asked, len(groups)), np.float32)
    for group in groups:
        prefetch(starts, group, 0)
    for place in range(-AHEAD, len(groups)):
        if place + AHEAD < len(groups):
            first, end = starts[groups[place + AHEAD]], starts[groups[place + AHEAD] + 1]
            for byte in range(0, 8 * width * (end - first), 64):
                prefetch(signs, first, byte)
        if place < 0:
            continue
        first, end = starts[groups[place]], starts[groups[place] + 1]
        for group in range(len(asked) if end > first else 0):
            least = _least_differing(signs, first, end, asked, group)
            before = group * _TOGETHER
            for number in range(before, min(before + _TOGETHER, num_asked)):
                found[number, place] = 64 * width - np.int64(least[number - before])
    return found
