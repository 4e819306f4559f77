"""Speculation for one model over many sequences: methods by name, a pool per run, one governor."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from agentcore.decoding._output import Step
from agentcore.decoding._sampling import Sampling
from agentcore.decoding.errors import UnknownMethodError
from agentcore.decoding.speculation._draft import Drafter
from agentcore.decoding.speculation._draft_model import DraftModelDrafter
from agentcore.decoding.speculation._draft_policy import DraftPolicy
from agentcore.decoding.speculation._draft_pool import DraftPool
from agentcore.decoding.speculation._governor import Governor
from agentcore.decoding.speculation._leap import LeapDrafter
from agentcore.decoding.speculation._ngram_model import SmoothedNgramDrafter
from agentcore.decoding.speculation._prompt_lookup import PromptLookupDrafter
from agentcore.decoding.speculation._recurrent_drafter import RecurrentDrafter
from agentcore.decoding.speculation._recurrent_head import RecurrentHead
from agentcore.decoding.speculation._report import SpeculationReport
from agentcore.decoding.speculation._speculate import speculate
from agentcore.decoding.speculation._step_time import StepTimeCurve, measure_step_times
from agentcore.decoding.speculation._suffix_drafter import SuffixDrafter
from agentcore.decoding.speculation._target import Target
from agentcore.decoding.speculation._token_recycling import RecyclingTable, TokenRecyclingDrafter

__all__ = ["METHODS", "Speculator"]

METHODS = ("draft_model", "leap", "ngram_model", "prompt_lookup", "recurrent", "recycling", "suffix")
_AUTO = ("suffix", "ngram_model")
_AUTO_WHERE_GIVEN = ("recurrent", "draft_model")  # cheap ones first: what they say spares the dear ones
_MAX_RUNS = 64


class Speculator:
    """Generate with drafts, and learn from each sequence for the next ones of the same run.

    Parameters
    ----------
    model : Target
        The model whose tokens count.
    methods : str or sequence of str
        Names out of `METHODS`, also joined by commas. "auto" is suffix and ngram_model, and the drafting model and the head
        where they are given. With several, the governor picks one at each step.
    draft_model : Target or None
        For the method "draft_model": a smaller model with the same vocabulary, or the same file in a cheaper layout.
    head : RecurrentHead or None
        For the method "recurrent": a head trained for the model.
    judge : float
        Threshold in nats; above 0 the output is lossy (see `JudgeAcceptance`).
    max_draft : int
        Longest draft.
    governor : DraftPolicy or None
        Who decides how much to draft; None: a `Governor` over the model's step times, measured at the first use.
    pool : DraftPool or None
        Where finished outputs are kept under their run's name.

    Raises
    ------
    UnknownMethodError
        If a method has no such name.
    TokenizerMismatchError
        If `draft_model` has another vocabulary.
    """

    def __init__(
        self,
        model: Target,
        *,
        methods: str | Sequence[str] = "auto",
        draft_model: Target | None = None,
        head: RecurrentHead | None = None,
        judge: float = 0.0,
        max_draft: int = 12,
        governor: DraftPolicy | None = None,
        pool: DraftPool | None = None,
    ) -> None:
        self.model = model
        given = {"draft_model": draft_model, "recurrent": head}
        self.methods = _parse(methods, given={name for name, value in given.items() if value is not None})
        if "draft_model" in self.methods:
            if draft_model is None:
                raise ValueError("the method 'draft_model' needs a draft_model")
            DraftModelDrafter(draft_model, target=model)  # a mismatch shows now, not at the first question
        if "recurrent" in self.methods and head is None:
            raise ValueError("the method 'recurrent' needs a head that was trained for the model")
        self.draft_model = draft_model
        self.head = head
        self.judge = judge
        self.max_draft = max_draft
        self.pool = pool if pool is not None else DraftPool()
        self.report = SpeculationReport()
        self._governor = governor
        self._tables: OrderedDict[str, RecyclingTable] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def governor(self) -> DraftPolicy:
        """Who decides how much to draft; the first access measures the model's step times."""
        with self._lock:
            if self._governor is None:
                self._governor = Governor(
                    measure_step_times(self.model), max_draft=self.max_draft, prices=self._prices()
                )
            return self._governor

    def generate(
        self,
        prompt_ids: Sequence[int],
        *,
        run: str = "",
        sampling: Sampling | None = None,
        report: SpeculationReport | None = None,
        **options: Any,
    ) -> Iterator[Step]:
        """Continue a prompt like `speculate`, and remember the output for the run.

        Parameters
        ----------
        prompt_ids : sequence of int
            Tokens to continue.
        run : str
            Whose outputs may be drafted from and to whom this one is added; name the tenant in it. Empty: nothing is
            shared with any other sequence.
        sampling : Sampling, optional
            Greedy by default.
        report : SpeculationReport, optional
            Counts; by default the speculator's own, over everything it does.
        **options
            As for `speculate`.

        Yields
        ------
        Step
        """
        drafters = self.drafters(run, sampling or Sampling())
        emitted: list[int] = []
        try:
            for step in speculate(
                self.model,
                prompt_ids,
                drafter=drafters,
                sampling=sampling,
                judge=self.judge,
                governor=self.governor,
                report=report if report is not None else self.report,
                **options,
            ):
                emitted.append(step.token_id)
                yield step
        finally:
            if run and emitted:
                self.pool.add(run, emitted)

    def drafters(self, run: str, sampling: Sampling) -> list[Drafter]:
        """Return fresh drafters for one sequence of `run`."""
        return [self._make(name, run, sampling) for name in self.methods]

    def forget(self, run: str) -> None:
        """Drop everything learnt from the outputs of `run`."""
        self.pool.evict(run)
        with self._lock:
            self._tables.pop(run, None)

    def _prices(self) -> dict[str, StepTimeCurve]:
        prices: dict[str, StepTimeCurve] = {}
        if self.draft_model is not None and "draft_model" in self.methods:
            prices["draft_model"] = measure_step_times(self.draft_model)
        if self.head is not None and "recurrent" in self.methods:
            prices["recurrent"] = self.head.step_times
        return prices

    def _make(self, name: str, run: str, sampling: Sampling) -> Drafter:
        makers: dict[str, Callable[[], Drafter]] = {
            "leap": LeapDrafter,
            "ngram_model": SmoothedNgramDrafter,
            "prompt_lookup": PromptLookupDrafter,
            "recycling": lambda: TokenRecyclingDrafter(table=self._table(run)),
            "suffix": lambda: SuffixDrafter(pool=self.pool, key=run) if run else SuffixDrafter(),
            "draft_model": lambda: self._drafting_model(sampling),
            "recurrent": lambda: self._recurrent(sampling),
        }
        return makers[name]()

    def _drafting_model(self, sampling: Sampling) -> Drafter:
        assert self.draft_model is not None, "checked when the speculator was made"
        return DraftModelDrafter(
            self.draft_model, target=self.model, sampling=sampling, with_distributions=self.judge > 0
        )

    def _recurrent(self, sampling: Sampling) -> Drafter:
        assert self.head is not None, "checked when the speculator was made"
        return RecurrentDrafter(self.head, sampling=sampling, with_distributions=self.judge > 0)

    def _table(self, run: str) -> RecyclingTable:
        if not run:
            return RecyclingTable()
        with self._lock:
            table = self._tables.setdefault(run, RecyclingTable())
            self._tables.move_to_end(run)
            while len(self._tables) > _MAX_RUNS:
                self._tables.popitem(last=False)
            return table


def _parse(methods: str | Sequence[str], *, given: AbstractSet[str]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in methods.split(",")) if isinstance(methods, str) else tuple(methods)
    if names == ("auto",):
        return (*_AUTO, *(name for name in _AUTO_WHERE_GIVEN if name in given))
    for name in names:
        if name not in METHODS:
            raise UnknownMethodError(name, (*METHODS, "auto"))
    if len(set(names)) < len(names):
        raise ValueError(f"a method is named twice: {', '.join(names)}")
    return names
