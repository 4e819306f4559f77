"""A column of strings of which most repeat: each distinct one is kept once, the records hold its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Labels"]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of N records.

    Attributes
    ----------
    codes : ndarray, (N,), int32
        Place of each record's label in `names`; -1 where it has none.
    names : tuple of str
        Each once. Some may belong to no record any more.
    """

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str | None], *, count: int) -> Self:
        """Return the labels of `count` records, numbered in order of appearance."""
        numbers: dict[str, int] = {}
        codes = (-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values)
        return cls(np.fromiter(codes, dtype=np.int32, count=count), tuple(numbers))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, place: int) -> str | None:
        code = int(self.codes[place])
        return None if code < 0 else self.names[code]

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Return the labels of some records."""
        return type(self)(self.codes[rows], self.names)

    def extended(self, other: Labels) -> Self:
        """Return these labels and then the other ones."""
        numbers = {name: number for number, name in enumerate(self.names)}
        renumbered = [numbers.setdefault(name, len(numbers)) for name in other.names]
        # The last entry is where -1 points to.
        codes = np.array([*renumbered, -1], dtype=np.int32)[other.codes]
        return type(self)(np.concatenate((self.codes, codes)), tuple(numbers))
