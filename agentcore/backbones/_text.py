"""Text in, text out: one loaded model beneath every chat interface, and what may be read off it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from langchain_core.messages.ai import UsageMetadata

from agentcore.backbones._translation import translated

if TYPE_CHECKING:
    from agentcore.decoding import Constraint, LanguageModel, Sampling, Step
    from agentcore.decoding.speculation import Speculator

__all__ = ["Attention", "TextModel", "TokenCount"]


@dataclass(frozen=True, slots=True)
class Attention:
    """How much the last token of a prompt attends to each of its tokens.

    Attributes
    ----------
    offsets : list of (int, int)
        Start and end of every token in characters of the prompt, length T.
    weights : ndarray, (H, T), float32
        One row per head asked for.
    """

    offsets: list[tuple[int, int]]
    weights: npt.NDArray[np.float32]


@dataclass(slots=True)
class TokenCount:
    """What one answer cost, filled in while it is made."""

    prompt: int = 0
    new: int = 0
    finish: Literal["stop", "length"] = "stop"

    def usage(self) -> UsageMetadata:
        return UsageMetadata(
            input_tokens=self.prompt, output_tokens=self.new, total_tokens=self.prompt + self.new
        )


class TextModel:
    """Raw text on one model, which may serve any number of callers at once.

    Parameters
    ----------
    model : LanguageModel
        The model.
    speculator : Speculator, optional
        Decodes with drafts; without one, one forward per token.
    """

    def __init__(self, model: LanguageModel, *, speculator: Speculator | None = None) -> None:
        self.model = model
        self.speculator = speculator
        self.tokenizer = model.tokenizer

    def decode(
        self,
        prompt: str,
        *,
        max_tokens: int,
        sampling: Sampling,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
        cancel: threading.Event | None = None,
        tokens: TokenCount | None = None,
        run: str = "",
    ) -> Generator[str, None, None]:
        """Yield the continuation of `prompt` as it becomes certain.

        Parameters
        ----------
        tokens : TokenCount, optional
            Counts what it costs, while it is made.
        run : str
            Whose earlier outputs may be drafted from; empty for nobody's. Without a speculator it changes nothing.
        """
        tokens = tokens or TokenCount()
        with translated():
            ids = self.prompt_ids(prompt)
            tokens.prompt = len(ids)
            for step in self._steps(
                ids,
                run,
                max_new_tokens=max_tokens,
                sampling=sampling,
                stop=stop,
                constraint=constraint,
                cancel=cancel,
            ):
                tokens.new += 1
                tokens.finish = step.finish or tokens.finish
                if step.text:
                    yield step.text

    def _steps(self, ids: list[int], run: str, **options: Any) -> Iterator[Step]:
        from agentcore.decoding import generate

        if self.speculator is None:
            return generate(self.model, ids, **options)
        return self.speculator.generate(ids, run=run, **options)

    def attend(self, prompt: str, heads: Sequence[tuple[int, int]]) -> Attention:
        """Return how much the last token attends to each token, for chosen (layer, head) pairs."""
        from agentcore.decoding import attention_from_last

        ids, offsets = self.tokenizer.encode_with_offsets(prompt)
        if self.tokenizer.bos_id is not None:
            ids, offsets = [self.tokenizer.bos_id, *ids], [(0, 0), *offsets]
        with translated():
            return Attention(offsets, attention_from_last(self.model, ids, heads=heads).numpy())

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the log-likelihood of each continuation."""
        from agentcore.decoding import score

        ids = self.prompt_ids(prompt)
        with translated():
            return score(self.model, ids, [self.tokenizer.encode(text) for text in continuations])

    def prompt_ids(self, prompt: str) -> list[int]:
        """Return the tokens of a whole prompt, with the beginning mark where the model wants one."""
        ids, first = self.tokenizer.encode(prompt), self.tokenizer.bos_id
        return ids if first is None or ids[:1] == [first] else [first, *ids]
