"""What a head learns from: the model's hidden states behind every token of its texts.

Letters: `T` tokens of all texts, `P` places to learn at, `C` model width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from agentcore.decoding import LanguageModel
from agentcore.training._texts import Text

__all__ = ["States", "read_states"]


@dataclass(frozen=True, slots=True)
class States:
    """Texts one behind the other, as the model read them.

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
    hidden, places, begin = list[Tensor](), list[int](), 0
    for text in track(texts, "texts read", console=Console(stderr=True)):
        ids = text.ids[: model.spec.context_length]
        cache, rows = model.new_cache(len(ids)), list[Tensor]()
        try:
            model.forward(ids, cache, rows="none", hidden=rows)
        finally:
            cache.release()
        hidden.append(rows[0].cpu())
        places += range(begin + text.num_prompt - 1, begin + len(ids) - depth - 1)
        begin += len(ids)
    tokens = [token for text in texts for token in text.ids[: model.spec.context_length]]
    return States(torch.cat(hidden), torch.tensor(tokens), torch.tensor(places, dtype=torch.long))
