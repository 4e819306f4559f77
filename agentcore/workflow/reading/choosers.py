"""Who chooses among the candidates: the model, chance, or retrieval alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from agentcore.workflow.reading.candidates import Candidate, overlap_f1
from agentcore.workflow.reading.choice import Choice, attention_signal, choose
from agentcore.workflow.reading.coverage import standardise
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import ReadingPrompt, reading_prompt
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.reading.words import bare_title

__all__ = ["Chooser", "LinkedChooser", "Material", "ModelChooser", "RandomChooser", "ReadingMode"]

ReadingMode = Literal["attention", "likelihood", "chat", "linked", "random", "comparison", "verdict", "none"]


class Chooser(Protocol):
    """Picks one of the candidates."""

    mode: ReadingMode

    def choose(self, material: Material) -> Choice:
        """Return the choice among ``material.candidates`` (never empty)."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a choice may rest on."""

    question: str
    passages: Sequence[Passage]
    candidates: Sequence[Candidate]
    prompt: ReadingPrompt
    linked: npt.NDArray[np.float64]
    direct: npt.NDArray[np.float64]
    hop_share: float
    role: npt.NDArray[np.float64]

    def scores(
        self,
        settings: ReaderSettings,
        others: Sequence[tuple[float, npt.NDArray[np.float64]]],
        kept: Sequence[int] | npt.NDArray[np.int64] | slice = slice(None),
    ) -> npt.NDArray[np.float64]:
        """Return the sum of all signals for the kept candidates: standardised among them, but for the role.

        Where no second hop is expected, links say nothing. The role stands on a scale of its own: mostly it is zero.
        """
        signals = [
            (settings.linked_weight * self.hop_share, self.linked[kept]),
            (settings.direct_weight, self.direct[kept]),
            *others,
        ]
        total = settings.role_weight * self.role[kept]
        for weight, values in signals:
            total = total + weight * standardise(values)
        return total


class _Attention(Protocol):
    @property
    def offsets(self) -> Sequence[tuple[int, int]]: ...
    @property
    def weights(self) -> npt.NDArray[np.float32]: ...


class _Model(Protocol):
    def attend(self, prompt: str) -> _Attention: ...
    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]: ...
    def complete(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = ...,
        tell: Callable[[str], None] | None = ...,
    ) -> str: ...


class _Draft(Protocol):
    def add(self, piece: str) -> None: ...


class ModelChooser:
    """Lets the model choose: where its answer heads look, what it finds likely, and what it says itself.

    Without known heads (``mode="likelihood"``) the first of the three is left out.

    Parameters
    ----------
    draft : callable
        Opens a draft, which is told what the model says itself.
    """

    def __init__(
        self,
        model: _Model,
        *,
        mode: Literal["attention", "likelihood"],
        settings: ReaderSettings,
        draft: Callable[[], AbstractContextManager[_Draft]],
    ) -> None:
        self._model = model
        self._settings = settings
        self._draft = draft
        self.mode: ReadingMode = mode

    def choose(self, material: Material) -> Choice:
        """Choose among the candidates that attention and link put first, by all signals together."""
        settings = self._settings
        signals: list[tuple[float, npt.NDArray[np.float64]]] = []
        if self.mode == "attention":
            attention = self._model.attend(material.prompt.text)
            looked = attention_signal(material.candidates, attention.offsets, attention.weights)
            signals.append((settings.attention_weight, looked))
        rough = material.scores(settings, signals)
        kept = np.argsort(-rough, kind="stable")[: settings.scored]
        candidates = [material.candidates[index] for index in kept]
        signals = [(weight, values[kept]) for weight, values in signals]
        texts = [candidate.text for candidate in candidates]
        likely = self._model.score(material.prompt.text, [f" {text}" for text in texts])
        signals.append((settings.likelihood_weight, np.asarray(likely, dtype=np.float64)))
        told = self._tell(material)
        signals.append((settings.told_weight, np.array([overlap_f1(text, told) for text in texts])))
        choice = choose(candidates, material.scores(settings, signals, kept), considered=settings.considered)
        order = tuple(int(kept[index]) for index in choice.order)
        return Choice(int(kept[choice.index]), choice.probability, order)

    def _tell(self, material: Material) -> str:
        """Return what the model answers from the first passages."""
        first = material.passages[: self._settings.told_passages]
        rows = [(bare_title(passage.title), passage.text) for passage in first]
        prompt = reading_prompt(material.question, rows).text
        with self._draft() as draft:
            told = self._model.complete(
                prompt, max_tokens=self._settings.told_tokens, stop=("\n",), tell=draft.add
            )
        return told.strip()


class RandomChooser:
    """Picks any candidate: what remains of the workflow without its model."""

    mode: ReadingMode = "random"

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def choose(self, material: Material) -> Choice:
        """Choose blindly, under the same grammar: one of the candidates."""
        index = self._random.randrange(len(material.candidates))
        return Choice(index, 1 / len(material.candidates), (index,))


class LinkedChooser:
    """Chooses without a model, by the passages' links and words alone: what is left when a limit forbids a model call."""

    mode: ReadingMode = "linked"

    def __init__(self, settings: ReaderSettings) -> None:
        self._settings = settings

    def choose(self, material: Material) -> Choice:
        """Choose by the linked passages and the sentence that holds the question; of equal ones the most often mentioned."""
        settings = self._settings
        mentions_of = np.array([float(len(candidate.mentions)) for candidate in material.candidates])
        scores = material.scores(settings, [(1.0, mentions_of)])
        return choose(material.candidates, scores, considered=settings.considered)
