"""Tokens a second of plain greedy decoding, beside transformers, llama.cpp and what the memory allows.

All contenders continue the same prompt by the same number of tokens in interleaved rounds; prefill is not counted.
Ratios within one run hold on a busy machine better than the figures themselves.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from agentcore.decoding import LanguageModel, generate

__all__ = ["LLAMA_PYTHON", "measure_bandwidth", "measure_speed"]

# A Python that has llama-cpp-python, when this one has not.
LLAMA_PYTHON = "AGENTCORE_LLAMA_PYTHON"
_PROMPT = "The history of the lighthouse begins with fires built on hilltops, which were replaced by"
_LLAMA_SCRIPT = """
import json, sys, time
from llama_cpp import Llama
path, threads, tokens, prompt = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
model = Llama(path, n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)
for line in sys.stdin:
    model.reset()
    model.eval(model.tokenize(prompt.encode(), add_bos=False))
    token, start = model.sample(temp=0.0), time.perf_counter()
    for _ in range(tokens):
        model.eval([token])
        token = model.sample(temp=0.0)
    print(json.dumps(tokens / (time.perf_counter() - start)), flush=True)
"""


def measure_speed(
    models: Mapping[str, LanguageModel],
    path: Path,
    *,
    reference: Any = None,
    num_tokens: int = 96,
    rounds: int = 5,
) -> dict[str, dict[str, Any]]:
    """Time every contender in interleaved rounds.

    Parameters
    ----------
    models : mapping of str to LanguageModel
        Ours by layout.
    path : Path
        The file, for llama.cpp.
    reference : transformers model, optional
        In the dtype to compare with.
    num_tokens : int
        Tokens a round.
    rounds : int
        Rounds after a warm-up.

    Returns
    -------
    dict
        By contender: ``tokens_per_s`` (median), ``best``, ``rounds``, or ``skipped`` with the reason.
    """
    contenders: dict[str, Callable[[], float]] = {
        f"ours_{name}": _ours(model, num_tokens) for name, model in models.items()
    }
    ids = next(iter(models.values())).tokenizer.encode(_PROMPT)
    if reference is not None:
        contenders["transformers"] = _transformers(reference, ids, num_tokens)
    llama, skipped = _llama(path, num_tokens)
    if llama is not None:
        contenders["llama_cpp"] = llama
    for run in contenders.values():
        run()
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            figures[name].append(run())
    result: dict[str, dict[str, Any]] = {
        name: {"tokens_per_s": statistics.median(values), "best": max(values), "rounds": values}
        for name, values in figures.items()
    }
    if skipped:
        result["llama_cpp"] = {"skipped": skipped}
    return result


def measure_bandwidth(*, num_bytes: int = 256 * 2**20, repeats: int = 5) -> float:
    """Return the bytes a second at which this process can read memory, all its threads together."""
    buffer = torch.ones(num_bytes // 8, dtype=torch.float64)
    best = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        buffer.sum()
        best = max(best, num_bytes / (time.perf_counter() - start))
    return best


def _ours(model: LanguageModel, num_tokens: int) -> Callable[[], float]:
    ids = model.tokenizer.encode(_PROMPT)

    def run() -> float:
        steps = generate(model, ids, max_new_tokens=num_tokens + 1)
        next(steps)
        start = time.perf_counter()
        count = sum(1 for _ in steps)
        return count / (time.perf_counter() - start)

    return run


def _transformers(reference: Any, ids: list[int], num_tokens: int) -> Callable[[], float]:
    def timed(tokens: int) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            reference.generate(
                torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
                pad_token_id=0,
            )
        return time.perf_counter() - start

    return lambda: num_tokens / (timed(num_tokens + 1) - timed(1))


def _llama(path: Path, num_tokens: int) -> tuple[Callable[[], float] | None, str]:
    python = os.environ.get(LLAMA_PYTHON)
    if python is None:
        return None, f"set {LLAMA_PYTHON} to a Python that has llama-cpp-python"
    process = subprocess.Popen(  # noqa: S603 - the user's own interpreter, named by them
        [python, "-c", _LLAMA_SCRIPT, str(path), str(torch.get_num_threads()), str(num_tokens), _PROMPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def run() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        return float(json.loads(process.stdout.readline()))

    try:
        run()
    except (ValueError, OSError):
        return None, f"{python} cannot run llama-cpp-python"
    return run, ""
