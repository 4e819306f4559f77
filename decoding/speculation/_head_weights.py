"""What training a recurrent head makes, and its file.

Letters: `C` model width, `H` hidden width of the head, `N` tokens that the head can draft.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agentcore.decoding.errors import ModelFileError

__all__ = ["HeadWeights"]

_FORMAT = "agentcore recurrent head 1"
_TENSORS = ("join", "gate_up", "down", "output_norm", "vocabulary")


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """What training makes and a file holds.

    Attributes
    ----------
    join : Tensor, (C, 2 C)
    gate_up : Tensor, (2 H, C)
    down : Tensor, (C, H)
    output_norm : Tensor, (C,)
        Makes a normalised state what the model's own head takes.
    vocabulary : Tensor, (N,), int64
        The tokens that can be drafted, rising; their rows of the model's head are used.
    model : str
        `fingerprint` of the model that it was trained for.
    """

    join: Tensor
    gate_up: Tensor
    down: Tensor
    output_norm: Tensor
    vocabulary: Tensor
    model: str

    @classmethod
    def load(cls, path: Path | str) -> HeadWeights:
        """Read a file that `save` wrote.

        Raises
        ------
        ModelFileError
            If there is none, or it holds no recurrent head.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise ModelFileError(f"{str(path)!r} holds no recurrent head: train one for your model")
                tensors = {name: file.get_tensor(name) for name in _TENSORS}
        except (OSError, SafetensorError) as exc:
            raise ModelFileError(f"the recurrent head {str(path)!r} cannot be read: {exc}") from exc
        return cls(**tensors, model=metadata.get("model", ""))

    def save(self, path: Path | str, *, notes: Mapping[str, object] | None = None) -> None:
        """Write a safetensors file, weights in bf16; `notes` on the training go into its metadata."""
        from safetensors.torch import save_file

        tensors = {name: getattr(self, name).detach().contiguous() for name in _TENSORS}
        for name in ("join", "gate_up", "down"):
            tensors[name] = tensors[name].to(torch.bfloat16)
        metadata = {"format": _FORMAT, "model": self.model, "notes": json.dumps(dict(notes or {}))}
        save_file(tensors, str(path), metadata=metadata)

    def check(self, *, width: int, vocabulary_size: int) -> None:
        """Raise a ValueError unless all shapes belong together and every token is one of the model's."""
        hidden = self.down.shape[-1]
        expected = {
            "join": (width, 2 * width),
            "gate_up": (2 * hidden, width),
            "down": (width, hidden),
            "output_norm": (width,),
            "vocabulary": (len(self.vocabulary),),
        }
        for name, shape in expected.items():
            if (found := tuple(getattr(self, name).shape)) != shape:
                raise ValueError(
                    f"the recurrent head is damaged: {name} has the shape {found}, where {shape} is wanted"
                )
        if (
            not len(self.vocabulary)
            or not 0 <= self.vocabulary.min() <= self.vocabulary.max() < vocabulary_size
        ):
            raise ValueError(
                f"the recurrent head is damaged: its vocabulary names tokens outside of 0 to {vocabulary_size - 1}, or none"
            )
