"""The paper's over-thinking and under-thinking detectors, over answers that some verifier has compared."""

from __future__ import annotations

from agentcore.decoding._numbers import check_count
from agentcore.decoding.trimming._config import TrimmingConfig


class ResetCounter:
    """Over-thinking as published (arXiv 2505.17155, Alg. 1): M agreements in a row, any disagreement starts again."""

    def __init__(self, agreements: int = 2) -> None:
        self._agreements = agreements
        self._run = 0

    def add(self, *, same_as_previous: bool) -> bool:
        """Take in one more conclusion; return whether it completes the run."""
        self._run = self._run + 1 if same_as_previous else 0
        return self._run >= self._agreements


class ClassCounter:
    """Over-thinking by classes of equal answers, which also catches A A B A A.

    Differs from Alg. 1 in that a disagreement forgets nothing: union-find over the conclusions, and the detector fires
    when the class of the latest one has M + 1 members.
    """

    def __init__(self, agreements: int = 2) -> None:
        self._members = agreements + 1
        self._parent: list[int] = []
        self._size: list[int] = []

    def __len__(self) -> int:
        return len(self._parent)

    def add(self, *, same_as: tuple[int, ...] = ()) -> bool:
        """Take in one more conclusion, equal to those with the given numbers; return whether its class is complete."""
        index = len(self._parent)
        self._parent.append(index)
        self._size.append(1)
        for other in same_as:
            if not 0 <= other < index:
                raise ValueError(f"conclusion {other} does not come before conclusion {index}")
            self._union(index, other)
        return self._size[self._root(index)] >= self._members

    def representatives(self) -> list[int]:
        """Return one conclusion per class, the first of each: a new one need only be compared with these."""
        return sorted({self._root(index) for index in range(len(self._parent))})

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def _union(self, first: int, second: int) -> None:
        low, high = sorted((self._root(first), self._root(second)))
        if low != high:
            self._parent[high] = low
            self._size[low] += self._size[high]


class UnderThinking:
    """Half of the budget and twenty thoughts without agreement (arXiv 2505.17155, Alg. 2).

    The paper says "and/or": `TrimmingConfig.under_mode` chooses. Without a known budget the share of it is never reached
    in ``and`` mode.
    """

    def __init__(self, config: TrimmingConfig | None = None, *, budget: int | None = None) -> None:
        if budget is not None:
            check_count("budget", budget, least=1, cure=", or None where none is known")
        self._config = config or TrimmingConfig()
        self._budget = budget

    def check(self, *, tokens: float, thoughts: int) -> bool:
        """Whether a trace of so many tokens and thoughts, without agreement so far, should be brought to its end."""
        many = thoughts >= self._config.max_thoughts
        long = self._budget is not None and tokens >= self._config.budget_share * self._budget
        match self._config.under_mode:
            case "and":
                return many and long
            case "or":
                return many or long
            case _:
                return False
