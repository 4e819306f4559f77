"""Trim live answers of a model: ``python -m agentcore.evaluation.trimming_live --data gsm8k.jsonl [--backbone B]``.

Each problem is answered twice by the same model, prompted to reason step by step and to check itself, once untouched and once
trimmed. Reported as it comes: accuracy, tokens, seconds, cuts, and the tokens really saved beside those estimated. The embedded 135M
model has no thinking mode and rarely solves a grade-school problem, so with it this shows the mechanism at work, not what trimming is
worth; any reasoning model by path or address runs the same way. Seconds are only as good as the machine is idle.
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

__all__ = ["Problem", "easy_problems", "identity", "read_problems", "run_live"]

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


def read_problems(path: Path, *, limit: int, seed: int = 7) -> list[Problem]:
    """Read problems from a JSONL file with ``question`` and ``answer``; a seeded sample of `limit` where it holds more.

    Raises
    ------
    ConfigurationError
        If the file is missing or a line holds no problem.
    """
    if not path.is_file():
        raise ConfigurationError(f"no problems at {path}: name a JSONL file with question and answer")
    problems = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            problems.append(Problem(str(row["question"]), str(row["answer"]), path.stem))
        except (ValueError, KeyError, TypeError) as exc:
            raise ConfigurationError(
                f"{path}:{number} is no problem: each line needs question and answer"
            ) from exc
    return random.Random(seed).sample(problems, limit) if limit < len(problems) else problems


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
        By kind and for ``untrimmed`` and ``trimmed``: `accuracy tokens seconds`; the cuts with their reasons; and `pairs`: of
        the problems answered both ways how many were cut, the tokens they really saved, what was estimated, and the right answers
        lost and won.
    """
    cuts: list[dict[str, Any]] = []
    rows: dict[str, dict[str, list[_Answer]]] = {}
    with Trimming(config) as trimming:
        arms: dict[str, BaseChatModel] = {"untrimmed": model} if pairs else {}
        arms["trimmed"] = trimmed(model, trimming=trimming, watch="all", on_trim=cuts.append)
        for problem in problems:
            for name, arm in arms.items():
                rows.setdefault(problem.kind, {}).setdefault(name, []).append(_answer(arm, problem))
    return {
        "problems": len(problems),
        "kinds": {
            kind: {
                **{name: _figures(group) for name, group in arms_.items()},
                **({"pairs": _pairs(arms_["untrimmed"], arms_["trimmed"])} if pairs else {}),
            }
            for kind, arms_ in rows.items()
        },
        "cuts": cuts,
    }


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer as it came; `told` is what trimming said of its cut."""

    right: bool
    tokens: int
    seconds: float
    told: dict[str, Any] | None


def _answer(model: BaseChatModel, problem: Problem) -> _Answer:
    """Answer one problem."""
    started = time.perf_counter()
    message = model.invoke(PROMPT.format(question=problem.question))
    value = extract_answer(str(message.text))
    return _Answer(
        right=value is not None and same_answer(value.key, problem.answer),
        tokens=message.usage_metadata["output_tokens"] if message.usage_metadata else 0,
        seconds=time.perf_counter() - started,
        told=message.response_metadata.get("trimming"),
    )


def _figures(group: Sequence[_Answer]) -> dict[str, float]:
    """Average one arm."""
    return {
        "accuracy": sum(answer.right for answer in group) / len(group),
        "tokens": sum(answer.tokens for answer in group) / len(group),
        "seconds": sum(answer.seconds for answer in group) / len(group),
    }


def _pairs(untouched: Sequence[_Answer], trimmed_: Sequence[_Answer]) -> dict[str, int]:
    """Compare the two answers to each problem."""
    pairs = list(zip(untouched, trimmed_, strict=True))
    cut = [(before, after) for before, after in pairs if after.told is not None]
    return {
        "cut": len(cut),
        "tokens_saved": sum(before.tokens - after.tokens for before, after in cut),
        "tokens_saved_estimated": sum(int((after.told or {}).get("tokens_saved", 0)) for _, after in cut),
        "right_answers_lost": sum(before.right and not after.right for before, after in pairs),
        "right_answers_won": sum(after.right and not before.right for before, after in pairs),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line; the last line of stdout is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="JSONL with question and answer")
    parser.add_argument("--limit", type=int, default=40, help="a seeded sample of so many problems of --data")
    parser.add_argument("--easy", type=int, default=40, help="so many one-step problems of our own making")
    parser.add_argument("--backbone", default="local")
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--caution", type=int, default=TrimmingConfig().caution)
    parser.add_argument(
        "--out", type=Path, help="a folder: the result is written there as trimming_live.json"
    )
    options = parser.parse_args(arguments)
    problems = easy_problems(options.easy)
    if options.data is not None:
        problems += read_problems(options.data, limit=options.limit)
    model = load_backbone(options.backbone, max_tokens=options.max_tokens)
    result: dict[str, Any] = {
        "bench": "trimming_live",
        "data": options.data and options.data.name,
        **run_live(model, problems, config=TrimmingConfig(caution=options.caution)),
        **identity(model),
        "settings": {"max_tokens": options.max_tokens, "caution": options.caution, "prompt": PROMPT},
    }
    for kind, arms in result["kinds"].items():
        for name in ("untrimmed", "trimmed"):
            row = arms[name]
            sys.stdout.write(
                f"{kind:<16}{name:<12}accuracy {row['accuracy']:.2f}  tokens {row['tokens']:6.1f}  seconds {row['seconds']:5.1f}\n"
            )
        sys.stdout.write(
            f"{kind:<16}{', '.join(f'{name} {value}' for name, value in arms['pairs'].items())}\n"
        )
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "trimming_live.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(result) + "\n")


def identity(model: BaseChatModel) -> dict[str, str]:
    """Return which model it was: its name without a path, and the sha256 of its weights where they are here."""
    name = str(getattr(model, "model", "") or getattr(model, "model_name", "") or type(model).__name__)
    return {
        "model": Path(name.removeprefix("gguf:")).stem if name.startswith("gguf:") else name,
        "model_sha256": str(getattr(model, "model_digest", "")),
    }


if __name__ == "__main__":
    main()
