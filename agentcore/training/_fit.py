"""Fit a recurrent head to the states of a model.

Letters: `C` model width, `H` hidden width of the head, `N` tokens that it drafts, `B` places of one step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from agentcore.decoding.quantization import Linear
from agentcore.decoding.speculation import HeadWeights, Recurrence, RecurrentHead, normalised
from agentcore.training._states import States

__all__ = ["Agreement", "agreement", "fit"]

_BATCH, _BATCH_OF_GPU = 512, 4096
_RATE = 1.5e-3
_WARM_UP = 50  # steps
_REPORTED = 10  # every so manieth step: to ask for the loss is to wait for it
_DEPTH_WEIGHT = 0.7  # of each further token
_DECAY = 0.01
_COMPARED_PLACES = 10_000  # places, one by one
_DROPPED = 0.1  # of what the recurrence reads: a million tokens are few for three million weights


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a head says what the model would.

    Attributes
    ----------
    by_depth : tuple of float
        Share of places where it agrees on the first token, on the first two, and so on.
    places : int
        Places looked at.
    """

    by_depth: tuple[float, ...]
    places: int


class _Trainee(torch.nn.Module):
    """The weights of a recurrence, to be changed."""

    def __init__(self, width: int, hidden: int, scale: float) -> None:
        super().__init__()
        self.join = torch.nn.Parameter(torch.randn(width, 2 * width) * (2 * width) ** -0.5)
        self.gate_up = torch.nn.Parameter(torch.randn(2 * hidden, width) * width**-0.5)
        self.down = torch.nn.Parameter(torch.zeros(width, hidden))
        self.output_norm = torch.nn.Parameter(torch.full((width,), scale))

    def recurrence(self) -> Recurrence:
        return Recurrence(
            partial(functional.linear, weight=self.join),
            partial(functional.linear, weight=self.gate_up),
            partial(functional.linear, weight=self.down),
        )


def fit(
    states: States,
    *,
    head_rows: Tensor,
    embedding: Tensor,
    vocabulary: Tensor,
    model: str,
    hidden_width: int,
    depth: int,
    minutes: float,
    seed: int,
    report: Callable[[float, str], object],
) -> HeadWeights:
    """Fit a head by the model's own distributions.

    Parameters
    ----------
    states : States
        Of the texts to learn from.
    head_rows : Tensor, (N, C)
        The model's head for the tokens of `vocabulary`.
    embedding : Tensor, (V, C)
        The model's token embeddings.
    vocabulary : Tensor, (N,), int64
        Tokens that are drafted.
    model : str
        `fingerprint` of the model.
    hidden_width : int
        H.
    depth : int
        Tokens guessed one behind the other at each place; the recurrence reads the text's own tokens meanwhile.
    minutes : float
        How long to fit; the learning rate falls to nothing in this time.
    seed : int
        Of the first weights and the order of places.
    report : callable
        Told the share of the time that is over, and a line on how it goes.

    Notes
    -----
    The loss is the cross-entropy to the model's distribution over the vocabulary (knowledge distillation), as in
    Hydra++ (https://arxiv.org/abs/2402.05109), each further token weighing less as in Medusa (https://arxiv.org/abs/2401.10774).
    """
    device = states.hidden.device
    generator = torch.Generator(device=device).manual_seed(seed)
    torch.manual_seed(seed)
    batch = _BATCH if device.type == "cpu" else _BATCH_OF_GPU
    scale = float(states.hidden[:4096].float().square().mean().sqrt())
    trainee = _Trainee(embedding.shape[1], hidden_width, scale).to(device)
    recurrence = trainee.recurrence()
    optimiser = torch.optim.AdamW(trainee.parameters(), lr=_RATE, betas=(0.9, 0.95), weight_decay=_DECAY)
    begun, step = time.monotonic(), 0
    rows = head_rows.to(torch.bfloat16)
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * share))
        drawn = torch.randint(len(states.places), (batch,), generator=generator, device=device)
        at = states.places[drawn]
        state, loss = states.hidden[at].float(), torch.zeros((), device=device)
        with torch.autocast(device.type, torch.bfloat16):
            for place in range(depth):
                read = functional.dropout(state, _DROPPED), embedding[states.ids[at + place + 1]]
                state = recurrence.step(read[0], functional.dropout(read[1].float(), _DROPPED))
                guess = normalised(state) * trainee.output_norm
                scores = (guess.to(torch.bfloat16) @ rows.T).float()
                with torch.no_grad():
                    wanted = (states.hidden[at + place + 1].to(torch.bfloat16) @ rows.T).float().softmax(-1)
                loss = loss - _DEPTH_WEIGHT**place * (wanted * scores.log_softmax(-1)).sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        torch.nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % _REPORTED == 0:
            report(share, f"step {step}, loss {loss.item():.3f}")
    weights = {name: value.detach().cpu() for name, value in trainee.named_parameters()}
    return HeadWeights(**weights, vocabulary=vocabulary.cpu(), model=model)


@torch.inference_mode()
def agreement(head: RecurrentHead, states: States, *, model_head: Linear, depth: int) -> Agreement:
    """Compare what a head guesses with what the model chooses behind the same tokens.

    Parameters
    ----------
    head : RecurrentHead
        As it drafts, rounded weights included.
    states : States
        Of texts that it did not learn from; the first 10,000 places count.
    model_head : Linear
        The model's own head.
    depth : int
        Tokens guessed one behind the other.
    """
    kept = [0] * depth
    places = states.places[:_COMPARED_PLACES].tolist()
    for at in places:
        state = states.hidden[at : at + 1]
        for place in range(depth):
            state = head.step(state, int(states.ids[at + place + 1]))
            guess = int(head.vocabulary[int(head.scores(state).argmax())])
            if guess != int(model_head(states.hidden[at + place + 1 : at + place + 2]).argmax()):
                break
            kept[place] += 1
    return Agreement(tuple(count / max(len(places), 1) for count in kept), len(places))
