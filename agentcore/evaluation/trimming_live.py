"""Trim live answers of a model: ``python -m agentcore.evaluation.trimming_live --data gsm8k.jsonl [--backbone B]``.

Each problem is answered twice by the same model, prompted to reason step by step and to check itself, once untouched and once
trimmed. Reported as it comes: accuracy, tokens, seconds, cuts. The embedded 135M model has no thinking mode and rarely solves a
grade-school problem, so with it this shows the mechanism at work, not what trimming is worth; any reasoning model by path or address
runs the same way.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agentcore.backbones import load_backbone
from agentcore.decoding.trimming import Trimming, TrimmingConfig, extract_answer, same_answer
from agentcore.errors import ConfigurationError
from agentcore.middleware.trimming import trimmed

__all__ = ["Problem", "easy_problems", "run_live"]

PROMPT = "{question}\nReason step by step, double-check the result, and end with 'The final answer is' and the number."
_THINGS = ("apples", "books", "coins", "pens", "stamps", "eggs", "cards", "shells")
_NAMES = ("Ana", "Ben", "Chen", "Dara", "Eli", "Fay")


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its answer; `kind` groups the figures."""

    question: str
    answer: str
    kind: str


def easy_problems(count: int, *, seed: int = 7) -> list[Problem]:
    """Return one-step word problems over small numbers."""
    source = random.Random(seed)
    made = []
    for _ in range(count):
        name, thing = source.choice(_NAMES), source.choice(_THINGS)
        first, second = source.randint(3, 20), source.randint(2, 9)
        if source.random() < 0.5:
            text = f"{name} has {first} {thing} and gets {second} more. How many {thing} does {name} have in total?"
            made.append(Problem(text, str(first + second), "easy"))
        else:
            text = f"{name} has {first + second} {thing} and gives away {second}. How many {thing} does {name} have left?"
            made.append(Problem(text, str(first), "easy"))
    return made


def read_problems(path: Path, *, limit: int) -> list[Problem]:
    """Read problems from a JSONL file with ``question`` and ``answer``.

    Raises
    ------
    ConfigurationError
        If the file is missing or a line holds no problem.
    """
    if not path.is_file():
        raise ConfigurationError(f"no problems at {path}: name a JSONL file with question and answer")
    problems = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()[:limit], 1):
        try:
            row = json.loads(line)
            problems.append(Problem(str(row["question"]), str(row["answer"]), path.stem))
        except (ValueError, KeyError, TypeError) as exc:
            raise ConfigurationError(
                f"{path}:{number} is no problem: each line needs question and answer"
            ) from exc
    return problems


def run_live(
    model: BaseChatModel,
    problems: Sequence[Problem],
    *,
    config: TrimmingConfig | None = None,
    pairs: bool = True,
) -> dict[str, Any]:
    """Answer every problem, trimmed and (with `pairs`) untouched.

    Returns
    -------
    dict
        By kind and for ``untrimmed`` and ``trimmed``: `accuracy tokens seconds`; and the cuts with their reasons.
    """
    cuts: list[dict[str, Any]] = []
    rows: dict[str, dict[str, list[tuple[bool, int, float]]]] = {}
    with Trimming(config) as trimming:
        arms: dict[str, BaseChatModel] = {"untrimmed": model} if pairs else {}
        arms["trimmed"] = trimmed(model, trimming=trimming, watch="all", on_trim=cuts.append)
        for problem in problems:
            for name, arm in arms.items():
                rows.setdefault(problem.kind, {}).setdefault(name, []).append(_answer(arm, problem))
    return {
        "problems": len(problems),
        "kinds": {
            kind: {name: _figures(group) for name, group in arms_.items()} for kind, arms_ in rows.items()
        },
        "cuts": cuts,
    }


def _answer(model: BaseChatModel, problem: Problem) -> tuple[bool, int, float]:
    """Return (right, output tokens, seconds) of one answer."""
    started = time.perf_counter()
    message = model.invoke(PROMPT.format(question=problem.question))
    value = extract_answer(str(message.text))
    tokens = message.usage_metadata["output_tokens"] if message.usage_metadata else 0
    return (
        value is not None and same_answer(value.key, problem.answer),
        tokens,
        time.perf_counter() - started,
    )


def _figures(group: Sequence[tuple[bool, int, float]]) -> dict[str, float]:
    """Average one arm."""
    count = len(group)
    return {
        "accuracy": sum(right for right, _, _ in group) / count,
        "tokens": sum(tokens for _, tokens, _ in group) / count,
        "seconds": sum(seconds for _, _, seconds in group) / count,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line; the last line of stdout is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="JSONL with question and answer")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--easy", type=int, default=20)
    parser.add_argument("--backbone", default="local")
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--caution", type=int, default=11)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    problems = easy_problems(options.easy)
    if options.data is not None:
        problems += read_problems(options.data, limit=options.limit)
    model = load_backbone(options.backbone, max_tokens=options.max_tokens)
    result = run_live(model, problems, config=TrimmingConfig(caution=options.caution))
    result = {
        "bench": "trimming_live",
        "data": options.data and options.data.name,
        "backbone": options.backbone,
        **result,
    }
    result["settings"] = {"max_tokens": options.max_tokens, "caution": options.caution, "prompt": PROMPT}
    for kind, arms in result["kinds"].items():
        for name, row in arms.items():
            sys.stdout.write(
                f"{kind:<16}{name:<12}accuracy {row['accuracy']:.2f}  tokens {row['tokens']:6.1f}  seconds {row['seconds']:5.1f}\n"
            )
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
