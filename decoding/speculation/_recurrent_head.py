"""A small trained head that guesses what a model writes next, from the model's own last hidden state.

Letters: `C` model width, `H` hidden width of the head, `M` places, `N` tokens that the head can draft.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding._model import LanguageModel
from agentcore.decoding.quantization import Layout, Linear, LinearWeights, can_run
from agentcore.decoding.speculation._head_weights import HeadWeights
from agentcore.decoding.speculation._step_time import StepTimeCurve

__all__ = ["Recurrence", "RecurrentHead", "fingerprint", "normalised", "shipped_head"]

_REPEATS = 8
_PASSING_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One step from a hidden state and a token's embedding to a guess of the next hidden state.

    ``x = join([norm(state), norm(embedded)])``, then ``x + down(silu(gate) * up)`` with ``gate, up`` out of ``gate_up(norm(x))``:
    the feed-forward half of a transformer layer. Norms have no weights of their own: the layers behind them do. The same
    step serves every place of a draft.

    Attributes
    ----------
    join, gate_up, down : Linear
        2 C -> C, C -> 2 H, H -> C.
    """

    join: Linear
    gate_up: Linear
    down: Linear

    def step(self, state: Tensor, embedded: Tensor) -> Tensor:
        """Return the states behind tokens, (M, C), float32, from those before them and the tokens' embeddings."""
        pair = normalised(torch.stack([state.float(), embedded.float()], 1))
        x = self.join(pair.flatten(1)).float()
        gate, up = self.gate_up(normalised(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up)


def normalised(x: Tensor) -> Tensor:
    """Return rows of a root mean square of 1."""
    length: Tensor = torch.linalg.vector_norm(x, 2, -1, keepdim=True).clamp_min(1e-6)
    factor: float = x.shape[-1] ** 0.5
    return x * (factor / length)


class RecurrentHead:
    """Trained weights at work behind one loaded model.

    Parameters
    ----------
    weights : HeadWeights
        Trained for `model`, in whatever layout that is loaded.
    model : LanguageModel
        Gives the embedding and the rows of its head.

    Raises
    ------
    ValueError
        If the weights were trained for another model or are damaged, or the model keeps no dense copy of its head.

    Notes
    -----
    ReDrafter (https://arxiv.org/abs/2403.09919) and Hydra (https://arxiv.org/abs/2402.05109) draft from the last hidden state
    with a recurrence over the drafted tokens. We differ: the recurrence is the feed-forward half of a layer, the output
    is the model's own head over its commonest tokens instead of a trained one, and one chain is drafted instead of a beam.
    """

    def __init__(self, weights: HeadWeights, model: LanguageModel) -> None:
        if weights.model != fingerprint(model):
            raise ValueError(
                f"the recurrent head was trained for another model than {model.spec.name!r}: train one for this model"
            )
        weights.check(width=model.spec.model_width, vocabulary_size=model.spec.vocabulary_size)
        if not model.weights.head.keeps_rows:
            raise ValueError(
                "a recurrent head reads rows of the model's head: load the model with dense_copy=True"
            )
        on_cpu = model.device.type == "cpu"
        layout: Layout = "int4" if on_cpu and can_run("int4") else "bf16"
        if model.dtype in (torch.float32, torch.float64):
            layout = "fp32"

        def linear(weight: Tensor) -> Linear:
            layer = LinearWeights(weight, layout=layout, dense_copy=False, device=model.device)
            few, dtype = layer.few(), layer.dtype
            return lambda x: few(x.to(dtype)).float()

        self.vocabulary = weights.vocabulary
        self._embedding = model.weights.embedding
        rows = model.weights.head.rows(weights.vocabulary.to(model.device))
        self._scores = linear(rows.cpu().float() * weights.output_norm.float())
        self._recurrence = Recurrence(linear(weights.join), linear(weights.gate_up), linear(weights.down))
        self._device = model.device
        self._width = model.spec.model_width

    def step(self, state: Tensor, token: int) -> Tensor:
        """Return a guess of the hidden state behind `token`, (1, C), from the one before it."""
        embedded = self._embedding.rows(torch.tensor([token], device=self._device))
        return self._recurrence.step(state, embedded)

    def scores(self, state: Tensor) -> Tensor:
        """Return the scores of the tokens of `vocabulary` behind a state that `step` returned, (N,), float32."""
        return self._scores(normalised(state))[0]

    @cached_property
    def step_times(self) -> StepTimeCurve:
        """Seconds of a guess behind a number of tokens that are read first, that before it included; measured once.

        Before each guess memory is read that pushes the head out of the caches, as the target's forward does.
        """
        state, passing = torch.ones(1, self._width, device=self._device), torch.ones(_PASSING_BYTES // 4)

        def seconds(call: Callable[[], object]) -> float:
            passing.sum()
            begun = time.perf_counter()
            call()
            return time.perf_counter() - begun

        with torch.inference_mode():
            read = min(seconds(lambda: self.step(state, 0)) for _ in range(_REPEATS))
            guess = min(
                seconds(lambda: self.scores(self.step(state, 0)).argmax().item()) for _ in range(_REPEATS)
            )
        return StepTimeCurve((1, 2), (guess, guess + read))


def fingerprint(model: LanguageModel) -> str:
    """Return what tells a model's weights from others' in every encoding of its file: its last norm, which none rounds."""
    norm = model.weights.final_norm.float().cpu().numpy()
    return hashlib.sha256(norm.tobytes()).hexdigest()[:32]


def shipped_head(model: LanguageModel) -> RecurrentHead | None:
    """Return the packaged head that was trained for a model, None where there is none."""
    wanted = fingerprint(model)
    for source in files("agentcore.decoding.speculation").joinpath("heads").iterdir():
        if source.name.endswith(".safetensors"):
            with as_file(source) as path:
                weights = HeadWeights.load(path)
            if weights.model == wanted:
                return RecurrentHead(weights, model)
    return None
