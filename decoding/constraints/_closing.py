"""The short way to the end of a constrained output, for when the budget runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch

from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding.constraints._protocol import Constraint

__all__ = ["closing_tokens"]

# Ends of values before beginnings, so that optional parts stay out.
_PREFERRED = ("}", "]", '"', ",", "0", "1", "n", "f", "a")


def closing_tokens(constraint: Constraint, tokenizer: Tokenizer, *, limit: int) -> list[int] | None:
    """Return at most `limit` tokens that complete the output, or None if no such way is found.

    Parameters
    ----------
    constraint : Constraint
        The state to complete; not changed.
    tokenizer : Tokenizer
        The model's.
    limit : int
        Tokens that are left.

    Notes
    -----
    Greedy over the grammar alone, without the model: forced tokens, else the first allowed of a fixed list of closers.
    Short rather than shortest.
    """
    probe, found = constraint.fork(), list[int]()
    choose = _chooser(tokenizer)
    while not (probe.is_complete or probe.is_finished):
        following = probe.forced() or [choose(probe.allowed())]
        found += following
        if len(found) > limit or probe.advance(following) < len(following):
            return None
    return found


def _chooser(tokenizer: Tokenizer) -> Callable[[torch.Tensor], int]:
    closers = {text: ids[0] for text in _PREFERRED if len(ids := tokenizer.encode(text)) == 1}
    quote = closers.get('"', 0)
    inside_text = [closers[text] for text in ('"', "}", "a") if text in closers]

    def choose(allowed: torch.Tensor) -> int:
        # Where both a letter and a brace may follow, the brace is text and only a quote ends it.
        if all(allowed[token_id] for token_id in inside_text):
            return quote
        for token_id in closers.values():
            if allowed[token_id]:
                return token_id
        return int(allowed.to(torch.uint8).argmax())

    return choose
