"""The decoding engine against its references: same tokens, same perplexity, how many tokens a second, alone and for many.

Run it as ``python -m agentcore.decoding.benchmarks.engine --model FILE --data PASSAGES.json``. Parts can be chosen;
`equality` and `speed` need transformers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from agentcore.decoding import LanguageModel, load_gguf
from agentcore.decoding.benchmarks.engine_equality import compare_with_reference, load_reference
from agentcore.decoding.benchmarks.engine_perplexity import perplexity
from agentcore.decoding.benchmarks.engine_speed import measure_bandwidth, measure_speed
from agentcore.decoding.benchmarks.engine_throughput import measure_throughput
from agentcore.decoding.quantization import Layout

__all__ = ["main", "run"]

_LAYOUTS: tuple[Layout, ...] = ("int4", "int8", "bf16")
_PROMPT_TOKENS = 32


def run(
    model_path: Path,
    passages: Sequence[str],
    *,
    parts: Sequence[str] = ("equality", "perplexity", "speed"),
    num_prompts: int = 50,
    num_new_tokens: int = 64,
    perplexity_tokens: int = 50_000,
    rounds: int = 5,
    layouts: Sequence[Layout] = _LAYOUTS,
) -> dict[str, Any]:
    """Measure one file and return the benchmark's result document.

    Parameters
    ----------
    model_path : Path
        GGUF file.
    passages : sequence of str
        Text: each of the first `num_prompts` gives a prompt of 32 tokens, all joined give the perplexity slice.
    layouts : sequence of str
        Which weight layouts to measure.
    """
    metrics: dict[str, Any] = {}
    if "equality" in parts:
        exact = load_gguf(model_path, weights="fp32")
        prompts = [exact.tokenizer.encode(text)[:_PROMPT_TOKENS] for text in passages[:num_prompts]]
        reference = load_reference(model_path)
        metrics["equality"] = compare_with_reference(exact, reference, prompts, num_tokens=num_new_tokens)
        del reference, exact
    if "perplexity" in parts:
        exact = load_gguf(model_path, weights="fp32")
        stream = exact.tokenizer.encode("\n\n".join(passages))[:perplexity_tokens]
        baseline = perplexity(exact, stream)
        metrics["perplexity"] = {"tokens": len(stream), "fp32": baseline}
        for layout in layouts:
            value = perplexity(load_gguf(model_path, weights=layout), stream)
            metrics["perplexity"][layout] = value
            metrics["perplexity"][f"{layout}_excess"] = value / baseline - 1
        del exact
    if "speed" in parts:
        models: dict[str, LanguageModel] = {
            layout: load_gguf(model_path, weights=layout) for layout in layouts
        }
        reference = load_reference(model_path, dtype=torch.bfloat16)
        speed = measure_speed(models, model_path, reference=reference, rounds=rounds)
        base = speed["transformers"]["tokens_per_s"]
        bandwidth = measure_bandwidth()
        for name, row in speed.items():
            if "tokens_per_s" in row:
                row["ratio_to_transformers"] = row["tokens_per_s"] / base
            ours = name.removeprefix("ours_")
            if ours in models:
                row["bytes_per_token"] = models[ours].num_bytes
                row["bandwidth_bound_tokens_per_s"] = bandwidth / models[ours].num_bytes
        metrics["speed"] = speed
        metrics["bandwidth_bytes_per_s"] = bandwidth
    if "throughput" in parts:
        metrics["throughput"] = measure_throughput(
            {layout: load_gguf(model_path, weights=layout) for layout in layouts},
            num_tokens=num_new_tokens,
            rounds=rounds,
        )
    return {
        "bench": "engine",
        "data": "",
        "metrics": metrics,
        "baselines": {},
        "settings": {
            "parts": list(parts),
            "prompts": num_prompts,
            "new_tokens": num_new_tokens,
            "rounds": rounds,
            "model": model_path.stem,
            "sha256": hashlib.sha256(model_path.read_bytes()).hexdigest(),
        },
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line: a table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument(
        "--data", type=Path, required=True, help="JSON list of passages (text, or objects with one)"
    )
    parser.add_argument("--parts", default="equality,perplexity,speed,throughput")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=50_000, help="tokens of the perplexity slice")
    parser.add_argument(
        "--new-tokens", type=int, default=64, help="tokens an answer, of equality and throughput"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layouts", default=",".join(_LAYOUTS))
    parser.add_argument("--threads", type=int, default=None, help="threads of torch")
    parser.add_argument("--out", type=Path, default=None, help="folder for the result")
    options = parser.parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    result = run(
        options.model,
        _passages(options.data),
        parts=options.parts.split(","),
        num_prompts=options.prompts,
        num_new_tokens=options.new_tokens,
        perplexity_tokens=options.tokens,
        rounds=options.rounds,
        layouts=options.layouts.split(","),
    )
    result["data"] = options.data.name
    _print_table(result["metrics"])
    line = json.dumps(result)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"engine_{'_'.join(result['settings']['parts'])}.json").write_text(line + "\n")
    sys.stdout.write(line + "\n")


def _passages(path: Path) -> list[str]:
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = (
        found
        if isinstance(found, list)
        else next(value for value in found.values() if isinstance(value, list))
    )
    return [row if isinstance(row, str) else _longest_text(row) for row in rows]


def _longest_text(row: Any) -> str:
    values = row.values() if isinstance(row, dict) else row
    return max((value for value in values if isinstance(value, str)), key=len)


def _print_table(metrics: dict[str, Any]) -> None:
    lines = []
    if "equality" in metrics:
        found = metrics["equality"]
        lines.append(
            f"equality    {found['equal_prompts']} of {found['prompts']} prompts equal over {found['tokens']} tokens, "
            f"near ties {found['near_ties']}, faults {found['faults']}"
        )
    if "perplexity" in metrics:
        found = metrics["perplexity"]
        lines.append(f"perplexity  fp32 {found['fp32']:.4f} on {found['tokens']} tokens")
        lines += [
            f"            {name} {found[name]:.4f} ({100 * found[name + '_excess']:+.2f} %)"
            for name in _LAYOUTS
            if name in found
        ]
    for name, row in metrics.get("throughput", {}).items():
        lines.append(
            f"throughput  {name}: eight at once {row['parallel_tokens_per_s']:.0f} tokens/s, in sequence "
            f"{row['sequence_tokens_per_s']:.0f}: {row['ratio']:.2f} x [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}], "
            f"equal {row['equal']:.1%}, slowest over fastest {row['fairness']:.2f}"
        )
    for name, row in metrics.get("speed", {}).items():
        if "skipped" in row:
            lines.append(f"speed       {name}: skipped, {row['skipped']}")
        else:
            bound = row.get("bandwidth_bound_tokens_per_s")
            lines.append(
                f"speed       {name}: {row['tokens_per_s']:.1f} tokens/s, {row['ratio_to_transformers']:.2f} x transformers"
                + (f", memory bound {bound:.0f}" if bound else "")
            )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
