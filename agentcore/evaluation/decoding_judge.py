"""What judge decoding costs in task score and gains in time: ``python -m agentcore.evaluation.decoding_judge --target … --draft …``.

A model does tasks (`decoding_judge_tasks`) without drafts, and with a smaller model of its family as drafter, once with lossless
verification and once at each threshold of the judge, task by task in turn. The governor chooses how much to draft in every arm from the same
measured step times. Score and time stand side by side; every interval is a paired bootstrap over tasks. Times are
processor seconds of decoding, which other work on the machine changes less than wall time; both models' prompts are run
before them. What it cannot tell: other tasks, and pairs with a less able or a dearer drafter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentcore.backbones._template import ChatTemplate
from agentcore.decoding import LanguageModel, load_gguf
from agentcore.decoding.speculation import (
    DraftModelDrafter,
    Governor,
    SpeculationReport,
    judge_threshold,
    measure_step_times,
    speculate,
)
from agentcore.evaluation.decoding_judge_tasks import Task, read_tasks

__all__ = ["Answered", "compare", "run"]

_PLAIN, _LOSSLESS = "plain", "0"


@dataclass(frozen=True, slots=True)
class Answered:
    """One task done at one threshold.

    Attributes
    ----------
    score : float
        What the answer is worth, 0 to 1.
    tokens, forwards, accepted : int
        Tokens emitted, forwards of the target after the prompt's, draft tokens kept.
    seconds : float
        Processor seconds of decoding.
    """

    score: float
    tokens: int
    forwards: int
    accepted: int
    seconds: float


def run(
    target: LanguageModel,
    draft: LanguageModel,
    tasks: Sequence[Task],
    *,
    thresholds: Sequence[float],
    max_draft: int = 16,
    max_new_tokens: int = 200,
    max_seconds: float = float("inf"),
) -> dict[str, Any]:
    """Do tasks without drafts, losslessly with them, and at each threshold.

    Parameters
    ----------
    target, draft : LanguageModel
        The model that counts and the one that drafts.
    tasks : sequence of Task
        What to do.
    thresholds : sequence of float
        The judge's, in nats; 0, lossless verification, is always run, and so is plain decoding.
    max_draft : int
        Longest draft.
    max_new_tokens : int
        Bound on an answer.
    max_seconds : float
        No new task begins after this; the figures are over those done in full.

    Returns
    -------
    dict
        For plain decoding and each threshold `score ms_per_token accepted_mean`, and against lossless verification `speedup` and
        `score_change`, each with its 95 % interval; the price of a drafted token in target forwards, and the target's
        times by rows.
    """
    curve = measure_step_times(target, context=128, max_seconds=20.0, clock=time.process_time)
    price = measure_step_times(draft, context=128, max_seconds=5.0, clock=time.process_time)
    sys.stderr.write(
        f"a drafted token takes {price(1) / curve(1):.2f} of a target's {1e3 * curve(1):.0f} ms\n"
    )
    judges = {_PLAIN: 0.0, _LOSSLESS: 0.0} | {f"{threshold:g}": threshold for threshold in thresholds}
    arms = tuple(judges)
    answered: dict[str, list[Answered]] = {arm: [] for arm in arms}
    governors = {arm: Governor(curve, max_draft=max_draft, prices={"draft_model": price}) for arm in arms}
    begun = time.monotonic()
    for number, task in enumerate(tasks):
        if time.monotonic() - begun > max_seconds:
            break
        prompt = _Prompt(target, draft, task)
        for place in range(len(arms)):
            arm = arms[(number + place) % len(arms)]
            drafts = [] if arm == _PLAIN else [prompt.drafter()]
            answered[arm].append(
                _answer(
                    prompt,
                    drafts,
                    judge=judges[arm],
                    governor=governors[arm],
                    max_new_tokens=max_new_tokens,
                )
            )
        sys.stderr.write(
            f"{number + 1} tasks: "
            + ", ".join(
                f"{arm}: {100 * _mean_score(rows):.1f} points, {1e3 * _seconds_a_token(rows):.0f} ms"
                for arm, rows in answered.items()
            )
            + "\n"
        )
    return {
        "tasks": len(answered[_LOSSLESS]),
        "draft_to_target_time": round(price(1) / curve(1), 3),
        "step_ms": {str(rows): round(1e3 * curve(rows), 1) for rows in curve.rows},
        "thresholds": {arm: compare(answered[_LOSSLESS], rows) for arm, rows in answered.items()},
        "answers": {arm: [asdict(row) for row in rows] for arm, rows in answered.items()},
    }


def compare(lossless: Sequence[Answered], judged: Sequence[Answered]) -> dict[str, Any]:
    """Return the figures of one arm and its paired differences from lossless verification."""

    def speedup(places: Sequence[int]) -> float:
        return _seconds_a_token([lossless[i] for i in places]) / _seconds_a_token([judged[i] for i in places])

    def change(places: Sequence[int]) -> float:
        return sum(judged[i].score - lossless[i].score for i in places) / len(places)

    return {
        "score": round(_mean_score(judged), 4),
        "ms_per_token": round(1e3 * _seconds_a_token(judged), 2),
        "accepted_mean": round(sum(a.accepted for a in judged) / max(sum(a.forwards for a in judged), 1), 3),
        "speedup": _with_interval(speedup, len(judged)),
        "score_change": _with_interval(change, len(judged)),
    }


def _mean_score(rows: Sequence[Answered]) -> float:
    return sum(row.score for row in rows) / max(len(rows), 1)


def _seconds_a_token(rows: Sequence[Answered]) -> float:
    return sum(row.seconds for row in rows) / max(sum(row.tokens - 1 for row in rows), 1)


def _with_interval(figure: Callable[[Sequence[int]], float], count: int, *, draws: int = 2000) -> list[float]:
    """Return the figure over all tasks and its 95 % bootstrap interval."""
    source = random.Random(0)
    values = sorted(figure([source.randrange(count) for _ in range(count)]) for _ in range(draws))
    low, high = values[int(0.025 * draws)], values[int(0.975 * draws) - 1]
    return [round(value, 4) for value in (figure(range(count)), low, high)]


class _Prompt:
    """One task as both models have read it: no arm pays for that."""

    def __init__(self, target: LanguageModel, draft: LanguageModel, task: Task) -> None:
        template = ChatTemplate(target.chat_template, marks=target.tokenizer.control_tokens)
        text = template.render([{"role": "user", "content": task.prompt}])
        self.target, self.draft, self.score = target, draft, task.score
        self.ids = target.tokenizer.encode(text)
        self.cache = target.new_cache(len(self.ids))
        target.prefill(self.ids[:-1], self.cache)
        draft.prefill(self.ids, draft.new_cache(len(self.ids)))  # the engine remembers it for the drafters

    def drafter(self) -> DraftModelDrafter:
        return DraftModelDrafter(self.draft, target=self.target, with_distributions=True)


def _answer(
    prompt: _Prompt,
    drafters: Sequence[DraftModelDrafter],
    *,
    judge: float,
    governor: Governor,
    max_new_tokens: int,
) -> Answered:
    target, report = prompt.target, SpeculationReport()
    steps = speculate(
        target,
        prompt.ids[-1:],
        drafter=drafters,
        judge=judge,
        governor=governor,
        max_new_tokens=max_new_tokens,
        cache=prompt.cache.fork(room=max_new_tokens + governor.max_draft),
        cached_ids=prompt.ids[:-1],
        report=report,
    )
    text = next(steps).text
    begun = time.process_time()
    text += "".join(step.text for step in steps)
    seconds = time.process_time() - begun
    accepted = sum(counts.accepted for counts in report.methods.values())
    return Answered(prompt.score(text), report.emitted, report.forwards, accepted, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; the last line of stdout is JSON."""
    parser = argparse.ArgumentParser(description="Measure judge decoding on a task.")
    parser.add_argument("--target", type=Path, required=True, help="GGUF file of the model that counts")
    parser.add_argument("--target-weights", default="int8", help="its layout; no dense copy is kept")
    parser.add_argument("--draft", type=Path, required=True, help="GGUF file of the model that drafts")
    parser.add_argument("--data", type=Path, required=True, help="problems or LoCoMo's file")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first tasks")
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--thresholds", type=float, nargs="+", help="in nats; by default what is shipped")
    parser.add_argument("--max-seconds", type=float, default=float("inf"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for decoding_judge-DATA.json")
    chosen = parser.parse_args(arguments)
    try:
        tasks = read_tasks(chosen.data, skip=chosen.skip, limit=chosen.limit)
    except (ValueError, OSError) as exc:
        parser.error(str(exc))
    target = load_gguf(chosen.target, weights=chosen.target_weights, threads=chosen.threads, dense_copy=False)
    draft = load_gguf(chosen.draft, weights="int4", dense_copy=False, max_bits=4)
    thresholds = chosen.thresholds or [
        judge_threshold(target.layout, by_another_model=chosen.draft.resolve() != chosen.target.resolve())
    ]
    figures = run(target, draft, tasks, thresholds=thresholds, max_seconds=chosen.max_seconds)
    result = {
        "bench": "decoding_judge",
        "data": chosen.data.name,
        **figures,
        "target": {"file": chosen.target.name, "sha256": _sha256(chosen.target), "layout": target.layout},
        "draft": {"file": chosen.draft.name, "sha256": _sha256(chosen.draft), "layout": draft.layout},
        "settings": {"skip": chosen.skip, "threads": chosen.threads, "thresholds": thresholds},
    }
    for threshold, row in figures["thresholds"].items():
        sys.stdout.write(f"{threshold:>6}: {row}\n")
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        name = f"decoding_judge-{chosen.data.stem}.json"
        (chosen.out / name).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({key: value for key, value in result.items() if key != "answers"}) + "\n")
    return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
