"""Whether greedy decoding in fp32 emits the tokens of transformers' model with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from agentcore.decoding import LanguageModel, generate

__all__ = ["compare_with_reference", "load_reference"]

# Below this gap between the two best scores, rounding decides which comes first.
NEAR_TIE = 1e-3


def load_reference(path: Path, *, dtype: torch.dtype = torch.float32) -> Any:
    """Load transformers' model from the same GGUF file."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=dtype).eval()


def compare_with_reference(
    model: LanguageModel, reference: Any, prompts: Sequence[Sequence[int]], *, num_tokens: int = 64
) -> dict[str, Any]:
    """Decode every prompt greedily and hold each token against the reference's choice after the same tokens.

    Parameters
    ----------
    model : LanguageModel
        Ours, in fp32.
    reference : transformers model
        The same weights in fp32. It reads prompt and output in one forward, so that the token it would have chosen at
        each step is known without its slow generation; up to the first difference that is its own greedy output.
    prompts : sequence of token ids
        What to continue.
    num_tokens : int
        New tokens a prompt, end-of-turn tokens included.

    Returns
    -------
    dict
        ``prompts``, ``tokens``, ``equal_prompts``, ``near_ties`` (differences where the reference's two best scores are
        within 1e-3) and ``faults`` (all others), each with prompt, position and gap.
    """
    equal, tokens = 0, 0
    near_ties: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    for number, prompt in enumerate(prompts):
        emitted = [step.token_id for step in generate(model, prompt, max_new_tokens=num_tokens)]
        tokens += len(emitted)
        with torch.inference_mode():
            scores = reference(torch.tensor([[*prompt, *emitted]])).logits[0, len(prompt) - 1 : -1].float()
        best = scores.topk(2)
        different = (best.indices[:, 0] != torch.tensor(emitted)).nonzero()
        if len(different) == 0:
            equal += 1
            continue
        at = int(different[0])
        gap = float(best.values[at, 0] - best.values[at, 1])
        (near_ties if gap < NEAR_TIE else faults).append({"prompt": number, "position": at, "gap": gap})
    return {
        "prompts": len(prompts),
        "tokens": tokens,
        "equal_prompts": equal,
        "near_ties": near_ties,
        "faults": faults,
    }
