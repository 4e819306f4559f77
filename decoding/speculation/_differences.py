"""Explain where a fast run left the plain one: the first different token and how near the tie was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from agentcore.decoding.constraints import Constraint
from agentcore.decoding.speculation._target import Target

__all__ = ["Difference", "first_difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two outputs differ.

    Attributes
    ----------
    place : int
        Index of the token.
    expected, found : int or None
        The two tokens; None where an output had ended.
    gap : float
        Distance of the two best scores there, in logits, as plain decoding computes them. A fast mode may differ from
        plain decoding only where this is tiny: other row counts round differently.
    """

    place: int
    expected: int | None
    found: int | None
    gap: float


def first_difference(
    model: Target,
    prompt_ids: Sequence[int],
    *,
    expected: Sequence[int],
    found: Sequence[int],
    constraint: Constraint | None = None,
) -> Difference | None:
    """Compare two greedy outputs of one prompt.

    Parameters
    ----------
    model : Target
        The model that made them.
    prompt_ids : sequence of int
        Their prompt.
    expected, found : sequence of int
        The output of plain decoding, and the other one.
    constraint : Constraint, optional
        A fresh state of the constraint that both were made under.

    Returns
    -------
    Difference or None
        None where they are equal.
    """
    if list(expected) == list(found):
        return None
    shared = min(len(expected), len(found))
    place = next((i for i in range(shared) if expected[i] != found[i]), shared)
    cache = model.new_cache(len(prompt_ids) + place + 1)
    with torch.inference_mode():
        scores = model.prefill(prompt_ids, cache)[-1]
        for token in expected[:place]:  # one row each, as plain decoding runs them
            scores = model.forward([token], cache)[-1]
    if constraint is not None:
        constraint.advance(expected[:place])
        if not constraint.is_finished:
            scores = scores.masked_fill(~constraint.allowed().to(scores.device), float("-inf"))
    best = scores.topk(2).values
    return Difference(
        place,
        expected[place] if place < len(expected) else None,
        found[place] if place < len(found) else None,
        float(best[0] - best[1]),
    )
