"""How well a chat model calls tools: whether calls parse and validate, and whether they are right.

Measures single-turn calls against recorded expectations, with and without the grammar, and once with a call forced.
It says nothing about agents that see results and try again. Run it as
``python -m agentcore.evaluation.tool_calls --data FILE``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from agentcore.evaluation.call_scoring import score_calls

__all__ = ["MODES", "evaluate", "load_cases", "main"]

# Name of the row: options of the model, options of bind_tools.
MODES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "grammar": ({"constrain_tools": True}, {}),
    "free": ({"constrain_tools": False}, {}),
    "grammar_forced": ({"constrain_tools": True}, {"tool_choice": "any"}),
}


@dataclass(slots=True)
class _Tally:
    """Counts over the cases of one mode."""

    cases: int = 0
    answers_with_calls: int = 0
    calls: int = 0
    valid_calls: int = 0
    right_names: int = 0
    right_arguments: int = 0
    abstained_rightly: int = 0
    irrelevant: int = 0
    several_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    by_category: dict[str, list[int]] = field(default_factory=dict)

    def add(self, case: Mapping[str, Any], answer: AIMessage, seconds: float) -> None:
        """Count one answer."""
        calls = [(call["name"], call["args"]) for call in answer.tool_calls]
        parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in case["tools"]}
        written = len(calls) + len(answer.invalid_tool_calls)
        score = score_calls(calls, case["expected"])
        is_right = score.has_right_arguments and written == len(calls)
        self.cases += 1
        self.calls += written
        self.answers_with_calls += written > 0
        self.several_calls += written > 1
        self.valid_calls += sum(
            name in parameters and Draft202012Validator(parameters[name]).is_valid(arguments)
            for name, arguments in calls
        )
        self.right_names += score.has_right_names and written == len(calls)
        self.right_arguments += is_right
        self.irrelevant += not case["expected"]
        self.abstained_rightly += not case["expected"] and not written
        self.tokens += answer.usage_metadata["output_tokens"] if answer.usage_metadata else 0
        self.seconds += seconds
        entry = self.by_category.setdefault(case["category"], [0, 0, 0])
        entry[0] += 1
        entry[1] += score.has_right_names
        entry[2] += is_right

    def metrics(self) -> dict[str, Any]:
        """Return fractions in [0, 1] and counts."""
        return {
            "cases": self.cases,
            "calls": self.calls,
            "answers_with_calls": self.answers_with_calls,
            "answers_with_several_calls": self.several_calls,
            "valid_calls": self.valid_calls / self.calls if self.calls else 1.0,
            "name_accuracy": self.right_names / max(self.cases, 1),
            "argument_accuracy": self.right_arguments / max(self.cases, 1),
            "abstention_accuracy": self.abstained_rightly / self.irrelevant if self.irrelevant else None,
            "tokens": self.tokens,
            "seconds_per_case": self.seconds / max(self.cases, 1),
            "by_category": {
                name: {"cases": n, "name_accuracy": names / n, "argument_accuracy": right / n}
                for name, (n, names, right) in sorted(self.by_category.items())
            },
        }


def load_cases(path: Path, *, limit: int | None = None, skip: int = 0) -> list[dict[str, Any]]:
    """Read cases: one JSON object a line with ``messages``, ``tools`` (OpenAI form), ``expected`` and ``category``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[skip:][:limit] if line.strip()]


def evaluate(
    model: BaseChatModel,
    cases: Sequence[Mapping[str, Any]],
    *,
    modes: Iterable[str] = tuple(MODES),
    max_tokens: int = 256,
) -> dict[str, dict[str, Any]]:
    """Answer every case in every mode and return metrics by mode."""
    tallies = {name: _Tally() for name in modes}
    for i, case in enumerate(cases):
        for name, tally in tallies.items():
            model_options, call_options = MODES[name]
            chosen = model.model_copy(update=model_options)
            start = time.perf_counter()
            answer = chosen.bind_tools(case["tools"], max_tokens=max_tokens, **call_options).invoke(
                case["messages"]
            )
            tally.add(case, answer, time.perf_counter() - start)
        sys.stderr.write(f"\r{i + 1}/{len(cases)} cases")
    sys.stderr.write("\n")
    return {name: tally.metrics() for name, tally in tallies.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line: a table, then one JSON line."""
    from rich.console import Console
    from rich.table import Table

    from agentcore.backbones import load_backbone

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="cases, one JSON object a line")
    parser.add_argument("--backbone", default="local")
    parser.add_argument("--skip", type=int, default=0, help="leave out this many cases at the beginning")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--out", type=Path, default=None, help="folder for the result")
    options = parser.parse_args(arguments)
    cases = load_cases(options.data, limit=options.limit, skip=options.skip)
    model = load_backbone(options.backbone)
    rows = evaluate(model, cases, modes=options.modes.split(","), max_tokens=options.max_tokens)
    table = Table(title=f"tool calls, {options.backbone}, {len(cases)} cases")
    columns = (
        "valid_calls",
        "name_accuracy",
        "argument_accuracy",
        "abstention_accuracy",
        "calls",
        "seconds_per_case",
    )
    for column in ("mode", *columns):
        table.add_column(column)
    for name, metrics in rows.items():
        table.add_row(
            name,
            *(f"{metrics[c]:.3f}" if isinstance(metrics[c], float) else str(metrics[c]) for c in columns),
        )
    Console().print(table)
    first, *others = rows
    result = {
        "bench": "tool-calls",
        "data": options.data.name,
        "metrics": rows[first],
        "baselines": {name: rows[name] for name in others},
        "settings": {"backbone": options.backbone, "max_tokens": options.max_tokens, "limit": options.limit},
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
    }
    line = json.dumps(result, ensure_ascii=False)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "tool_calls.json").write_text(line + "\n", encoding="utf-8")
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
