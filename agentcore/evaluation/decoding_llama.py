"""Time llama.cpp on the same prompts, in a process of its own: it needs an interpreter that has llama-cpp-python."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from agentcore.evaluation.decoding_traffic import Request

__all__ = ["time_llama_cpp"]

# Greedy, no grammar: what it takes per token at the least. The prompt's own evaluation is timed apart.
_SCRIPT = """
import json, sys, time
import llama_cpp
task = json.load(sys.stdin)
if not task["extra_buffers"]:
    default = llama_cpp.llama_cpp.llama_model_default_params
    def plain():
        params = default()
        params.use_extra_bufts = False
        return params
    llama_cpp.llama_cpp.llama_model_default_params = plain
threads = {"n_threads": task["threads"], "n_threads_batch": task["threads"]}
model = llama_cpp.Llama(task["model"], n_ctx=task["context"], verbose=False, **threads)
rows = []
for repeat in range(task["repeats"] + 1):
    for ids, count in task["requests"]:
        started = time.perf_counter()
        model.reset()
        steps = model.generate(ids, temp=0.0, repeat_penalty=1.0)
        next(steps)
        begun = time.perf_counter()
        for _ in range(count - 1):
            next(steps)
        if repeat:
            rows.append((time.perf_counter() - begun, begun - started))
json.dump({"rows": rows, "version": llama_cpp.__version__}, sys.stdout)
"""


def time_llama_cpp(
    python: Path,
    model: Path,
    requests: Sequence[Request],
    *,
    num_tokens: Sequence[int],
    repeats: int,
    threads: int,
) -> dict[str, Any]:
    """Return llama.cpp's times on the same file and prompts.

    Parameters
    ----------
    python : Path
        An interpreter with llama-cpp-python installed.
    model : Path
        The GGUF file.
    requests : sequence of Request
        Their prompts are decoded.
    num_tokens : sequence of int
        Tokens to decode for each: as many as ours.
    repeats : int
        Timed rounds, after one that warms up.
    threads : int
        Threads of llama.cpp.

    Returns
    -------
    dict
        Its `version`, whether it ran with its `extra_buffers` (weights repacked for this processor; left out where their
        instructions are not to be had, as in virtual machines that announce AMX and refuse it), and for each request the median seconds of its prompt and of its decoding over the rounds:
        `prompt_seconds`, `decode_seconds`.

    Raises
    ------
    ValueError
        If the interpreter cannot run it; the message ends with what it said.
    """
    pairs = [(list(r.prompt_ids), n) for r, n in zip(requests, num_tokens, strict=True)]
    longest = max(len(ids) + n for ids, n in pairs)
    task = {
        "model": str(model),
        "context": longest + 8,
        "threads": threads,
        "repeats": repeats,
        "requests": pairs,
    }
    done = _run(python, {**task, "extra_buffers": True})
    has_extra = done.returncode != -signal.SIGILL
    if not has_extra:
        done = _run(python, {**task, "extra_buffers": False})
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(
            f"{python} could not time llama.cpp: {last}: give an interpreter with llama-cpp-python"
        )
    answer = json.loads(done.stdout)
    rounds = [answer["rows"][place :: len(pairs)] for place in range(len(pairs))]
    return {
        "version": answer["version"],
        "extra_buffers": has_extra,
        "decode_seconds": [median(decode for decode, _ in rows) for rows in rounds],
        "prompt_seconds": [median(prompt for _, prompt in rows) for rows in rounds],
    }


def _run(python: Path, task: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the user names the interpreter
        [str(python), "-c", _SCRIPT], input=json.dumps(task), capture_output=True, text=True, check=False
    )
