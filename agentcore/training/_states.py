"""What a head learns from: the model's hidden states behind every token of its texts.

Letters: `T` tokens of all texts, `P` places to learn at, `C` model width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from agentcore.decoding import LanguageModel, Lockstep
from agentcore.training._texts import Text

__all__ = ["States", "read_states"]

_SEQUENCES = 128  # side by side on a GPU


@dataclass(frozen=True, slots=True)
class States:
    """Texts one behind the other, as the model read them; on its device.

    Attributes
    ----------
    hidden : Tensor, (T, C)
        Rows behind the last layer, as the model's head takes them.
    ids : Tensor, (T,), int64
        Tokens.
    places : Tensor, (P,), int64
        Where the next token and `depth` more are of the same text, and the model's own.
    """

    hidden: Tensor
    ids: Tensor
    places: Tensor


def read_states(model: LanguageModel, texts: Sequence[Text], *, depth: int) -> States:
    """Run texts through a model and keep its states.

    Parameters
    ----------
    model : LanguageModel
        The model.
    texts : sequence of Text
        Longer ones than its context are cut.
    depth : int
        Tokens to be guessed at each place.
    """
    cut = [text.ids[: model.spec.context_length] for text in texts]
    read = _read_in_turns if model.device.type == "cpu" else _read_in_lockstep
    hidden = torch.cat(
        list(track(read(model, cut), "texts read", total=len(cut), console=Console(stderr=True)))
    )
    places, begin = list[int](), 0
    for text, ids in zip(texts, cut, strict=True):
        places += range(begin + text.num_prompt - 1, begin + len(ids) - depth - 1)
        begin += len(ids)
    tokens = torch.tensor([token for ids in cut for token in ids], device=model.device)
    return States(hidden, tokens, torch.tensor(places, dtype=torch.long, device=model.device))


def _read_in_turns(model: LanguageModel, texts: Sequence[Sequence[int]]) -> Iterator[Tensor]:
    """Yield the states of each text."""
    for ids in texts:
        cache, rows = model.new_cache(len(ids)), list[Tensor]()
        try:
            model.forward(ids, cache, rows="none", hidden=rows)
        finally:
            cache.release()
        yield rows[0]


def _read_in_lockstep(model: LanguageModel, texts: Sequence[Sequence[int]]) -> Iterator[Tensor]:
    """Yield the states of each text, read side by side."""
    engine = Lockstep(model, num_sequences=_SEQUENCES, num_positions=max(map(len, texts)))
    for begin in range(0, len(texts), _SEQUENCES):
        batch = texts[begin : begin + _SEQUENCES]
        for rows, ids in zip(engine.read(batch), batch, strict=True):
            yield rows[: len(ids)].clone()
