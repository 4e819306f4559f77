"""Sign vectors, one bit a dimension, compared by how many bits agree.

Letters: T vectors, Q of a query, W words of 64 bits a vector, R groups of vectors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agentcore.memory._compiled import FloatMatrix, Ints, WordMatrix, compiled

__all__ = ["best_agreement", "sign_words"]


def sign_words(signs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return what `numpy.packbits` gave, (T, B), as words, (T, W).

    Bits beyond the dimension are zero in every vector and so always agree.
    """
    width = -(-signs.shape[1] // 8) * 8
    if width != signs.shape[1]:
        signs = np.pad(signs, ((0, 0), (0, width - signs.shape[1])))
    return np.ascontiguousarray(signs).view("<u8")


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
    found = np.zeros((num_asked, len(groups)), np.float32)
    room = np.int64(256)
    for group in groups:
        room = max(room, starts[group + 1] - starts[group])
    # Some groups at a time are laid out word by word, so that what is compared lies side by side in the first cache, and what has to come
    # from memory is asked for at once. Places are unsigned because a negative one would count from the end, which costs a test each time.
    columns = np.empty((width, room), np.uint64)
    differing = np.empty(room, np.uint64)
    first = 0
    while first < len(groups):
        count, after = 0, first
        while after < len(groups) and count + starts[groups[after] + 1] - starts[groups[after]] <= room:
            count += starts[groups[after] + 1] - starts[groups[after]]
            after += 1
        for word in range(width):
            column, slot = columns[word], np.uint64(0)
            for group in groups[first:after]:
                for place in range(np.uint64(starts[group]), np.uint64(starts[group + 1])):
                    column[slot] = signs[place, np.uint64(word)]
                    slot += np.uint64(1)
        for asked in range(num_asked):
            differing[:] = 0
            for word in range(width):
                bits, column = query[asked, word], columns[word]
                for place in range(count):
                    # How many bits are set, written so that the compiler makes one instruction of it.
                    x = column[place] ^ bits
                    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
                    x = (x & np.uint64(0x3333333333333333)) + (
                        (x >> np.uint64(2)) & np.uint64(0x3333333333333333)
                    )
                    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
                    differing[place] += (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
            slot = np.uint64(0)
            for number in range(first, after):
                least = np.uint64(64 * width)
                for _ in range(starts[groups[number] + 1] - starts[groups[number]]):
                    least = min(least, differing[slot])
                    slot += np.uint64(1)
                found[asked, number] = np.uint64(64 * width) - least
        first = after
    return found
