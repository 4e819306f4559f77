"""Train a recurrent head that drafts for a model: let the model write texts, read them, fit, compare.

``python -m agentcore.training --data PASSAGES --out HEAD.safetensors`` trains one for the embedded model; ``--model FILE.gguf``
for another. ``load_backbone(..., speculation={"head": "HEAD.safetensors"})`` drafts with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress

from agentcore.decoding import LanguageModel, load_gguf
from agentcore.decoding.speculation import HeadWeights, RecurrentHead, fingerprint
from agentcore.models import path_of
from agentcore.training._fit import agreement, fit
from agentcore.training._states import read_states
from agentcore.training._texts import Text, write_texts

__all__ = ["main", "train"]

_DEPTH = 2  # tokens guessed at each place while fitting
_COMPARED = 4  # and while comparing
_HELD_OUT = 20  # every so manieth passage is kept for the comparison
_PASSAGE_TOKENS = 384


def train(
    model: LanguageModel,
    passages: Sequence[Mapping[str, str]],
    *,
    texts: Path,
    num_tokens: int,
    minutes: float,
    vocabulary_size: int = 4096,
    hidden_width: int = 1536,
    seed: int = 0,
) -> tuple[HeadWeights, dict[str, Any]]:
    """Train a head and return it with what is known about it.

    Parameters
    ----------
    model : LanguageModel
        Loaded in the layout in which it writes fastest.
    passages : sequence of mapping
        ``title`` and ``text`` each. The model answers questions on them, and they are read themselves, too.
    texts : Path
        Where the model's texts are kept; those that are there count. Its twin with ``.held`` holds the comparison's.
    num_tokens : int
        Tokens that the model writes to be learnt from; a fiftieth of them more for the comparison.
    minutes : float
        Time for fitting.
    vocabulary_size : int
        Tokens that the head can draft: the commonest ones of what was read.
    hidden_width : int
        Of its feed-forward part.
    seed : int
        Of everything that is drawn.
    """
    held = passages[::_HELD_OUT]
    kept = [passage for place, passage in enumerate(passages) if place % _HELD_OUT] or held
    written = write_texts(model, kept, texts, num_tokens=num_tokens, seed=seed)
    unseen = write_texts(
        model, held, texts.with_suffix(".held" + texts.suffix), num_tokens=num_tokens // 50, seed=seed + 1
    )
    encode = model.tokenizer.encode
    plain = [Text(1, tuple(encode(passage["text"])[:_PASSAGE_TOKENS])) for passage in kept]
    states = read_states(model, [*written, *plain], depth=_DEPTH)
    counts = torch.bincount(states.ids[states.places + 1], minlength=model.spec.vocabulary_size)
    vocabulary = counts.argsort(descending=True, stable=True)[:vocabulary_size].sort().values
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("fitting", total=1.0)
        weights = fit(
            states,
            head_rows=model.weights.head.rows(vocabulary),
            embedding=model.weights.embedding.rows(torch.arange(model.spec.vocabulary_size)),
            vocabulary=vocabulary,
            model=fingerprint(model),
            hidden_width=hidden_width,
            depth=_DEPTH,
            minutes=minutes,
            seed=seed,
            report=lambda share, line: bar.update(task, completed=share, description=line),
        )
    seen = agreement(
        RecurrentHead(weights, model),
        read_states(model, unseen, depth=_COMPARED),
        model_head=model.weights.head.few(),
        depth=_COMPARED,
    )
    notes = {
        "places": len(states.places),
        "minutes": minutes,
        "held_out_places": seen.places,
        "agreement": [round(share, 4) for share in seen.by_depth],
    }
    return weights, notes


def _passages(path: Path) -> list[dict[str, str]]:
    try:
        passages: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ValueError(f"{path} is no JSON ({exc}): give a list of passages with title and text") from exc
    is_list = isinstance(passages, list) and len(passages) > 0
    if not is_list or not all(
        isinstance(p, dict) and all(isinstance(p.get(key), str) for key in ("title", "text"))
        for p in passages
    ):
        raise ValueError(f"{path} must hold a list of passages with title and text, at least one")
    return list(passages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write; the last line is JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m agentcore.training",
        description="Train a recurrent head that drafts for a model: let the model write texts, read them, fit, compare.",
    )
    parser.add_argument("--data", type=Path, required=True, help="JSON list of passages: title and text each")
    parser.add_argument("--out", type=Path, required=True, help="where the head goes")
    parser.add_argument("--model", type=Path, help="a GGUF file instead of the embedded model")
    parser.add_argument(
        "--texts", type=Path, default=Path("texts.jsonl"), help="the model's texts; kept (%(default)s)"
    )
    parser.add_argument(
        "--tokens", type=int, default=500_000, help="tokens that the model writes (%(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=12.0, help="time for fitting (%(default)s)")
    parser.add_argument("--threads", type=int, help="threads of torch, if not its own choice")
    parser.add_argument("--device", default="cpu", help="where to train: cpu or cuda (%(default)s)")
    chosen = parser.parse_args(arguments)
    path = chosen.model or path_of("smollm2")
    if path is None:
        parser.error("the embedded model is not on this machine: agentcore models pull smollm2")
    try:
        passages = _passages(chosen.data)
    except OSError as exc:
        parser.error(f"{chosen.data} cannot be read ({exc.strerror}): give a JSON list of passages")
    except ValueError as exc:
        parser.error(str(exc))
    try:
        model = load_gguf(path, threads=chosen.threads, device=chosen.device)
    except ValueError as exc:
        parser.error(str(exc))
    weights, notes = train(
        model, passages, texts=chosen.texts, num_tokens=chosen.tokens, minutes=chosen.minutes
    )
    weights.save(chosen.out, notes=notes)
    sys.stdout.write(f"{'depth':>6}  agreement\n")
    for depth, share in enumerate(notes["agreement"], start=1):
        sys.stdout.write(f"{depth:>6}  {share:.3f}\n")
    sys.stdout.write(json.dumps({"bench": "recurrent head", "metrics": notes}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
