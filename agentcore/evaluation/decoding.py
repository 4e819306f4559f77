"""Speculative decoding on agent traffic: `agentcore bench decoding`.

What is measured: decode time alone (everything after a prompt's own forward), greedy, one sequence at a time, with the step
times, governor and methods of the local backbone. Plain is one forward per emitted token on the same tier, constraint and cache;
it and every method run interleaved, a ratio is taken within one round, and its interval is a bootstrap over rounds. Each round
begins with nothing learnt. llama.cpp decodes as many tokens behind the same prompts, without a grammar. Forced tokens at the very beginning of an answer ride
on the prompt's forward, so they cost the "forced" rows nothing here and plain decoding one forward each. What it cannot tell: prompts' own time, batches of
callers, other models, and what the machine was doing besides: the load average stands beside.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from agentcore.decoding import load_gguf
from agentcore.decoding.speculation import (
    first_difference,
    judge_threshold,
    measure_step_times,
    shipped_head,
)
from agentcore.evaluation.decoding_llama import time_llama_cpp
from agentcore.evaluation.decoding_rows import AGENT, Cell, Key, beside_llama_cpp, row_of, table
from agentcore.evaluation.decoding_runs import (
    AUTO,
    DRAFT_MODEL,
    FORCED,
    JUDGE,
    METHOD_NAMES,
    PLAIN,
    RECURRENT,
    Runner,
    constraint_of,
    is_exact_with_fixed_rows,
)
from agentcore.evaluation.decoding_traffic import Request, example_traffic, read_traffic

__all__ = ["Setting", "run"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run of the benchmark uses.

    Attributes
    ----------
    tiers, methods : tuple of str
        Weight layouts and rows of the table; "plain" is always run.
    repeats : int
        Interleaved rounds.
    max_new_tokens : int
        Bound on every answer.
    limit : int
        Requests of each kind; 0 for all.
    judge : float or None
        Threshold of the row "judge", in nats, for drafts by smoothed n-gram counts; None for the tier's own.
    threads : int or None
        Threads of torch; None leaves torch's own choice.
    device : str
        Where to run: ``"cpu"``, or a CUDA device, on which packed tiers do not run and are left out.
    check_deterministic : bool
        Whether every method is also held against plain decoding in deterministic mode, untimed.
    """

    tiers: tuple[str, ...] = ("int4", "int8", "bf16")
    methods: tuple[str, ...] = (
        FORCED,
        "suffix",
        "prompt_lookup",
        "recycling",
        "leap",
        "ngram_model",
        AUTO,
        JUDGE,
        DRAFT_MODEL,
    )
    repeats: int = 9
    max_new_tokens: int = 40
    limit: int = 2
    judge: float | None = None
    threads: int | None = None
    device: str = "cpu"
    check_deterministic: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(set(self.methods) - set(METHOD_NAMES))
        if unknown:
            raise ValueError(f"unknown method {unknown[0]!r}: use {', '.join(METHOD_NAMES)}")
        strange = sorted(set(self.tiers) - {"int4", "int8", "bf16", "fp32"})
        if strange:
            raise ValueError(f"unknown tier {strange[0]!r}: use int4, int8, bf16 or fp32")
        if self.repeats < 1 or self.max_new_tokens < 2:
            raise ValueError("repeats must be at least 1 and max_new_tokens at least 2")


def run(
    data: Path | None = None,
    *,
    model: Path | None = None,
    setting: Setting | None = None,
    llama_cpp_python: Path | None = None,
    out: Path | None = None,
    json_only: bool = False,
) -> dict[str, Any]:
    """Run the benchmark and return its result; prints the table unless `json_only`.

    Parameters
    ----------
    data : Path or None
        A traffic log; or a file of questions as `agentcore bench agent` takes it, over which an agent is run and its traffic
        recorded first. None: the log recorded over the example corpus.
    model : Path or None
        A GGUF file; None: the embedded model.
    setting : Setting, optional
        What to run.
    llama_cpp_python : Path or None
        An interpreter with llama-cpp-python, to time llama.cpp beside; None leaves it out.
    out : Path or None
        Folder for ``decoding.json``.
    json_only : bool
        Whether to print nothing.

    Raises
    ------
    ValueError
        On a bad log, an unknown method, or an interpreter without llama-cpp-python.
    """
    setting = setting or Setting()
    path = model or _embedded()
    requests = _choose(_traffic(data, setting.limit), setting.limit)
    load_before = os.getloadavg()
    rows: list[dict[str, Any]] = []
    curves: dict[str, Any] = {}
    second_pass: dict[str, Any] = {}
    lengths: list[int] = []
    prompts: dict[str, list[float]] = {}
    for tier in setting.tiers:
        engine = load_gguf(path, weights=tier, threads=setting.threads, device=setting.device)  # type: ignore[arg-type]
        if engine.layout != tier:
            sys.stderr.write(
                f"tier {tier} does not run on this machine (it would be {engine.layout}): left out\n"
            )
            continue
        methods, draft = setting.methods, None
        is_on_cpu = engine.device.type == "cpu"
        if {DRAFT_MODEL, AUTO} & {*methods} and tier in ("int8", "bf16") and is_on_cpu:
            draft = load_gguf(path, weights="int4")  # as the local backbone does by default
        if draft is None or draft.layout != "int4":
            draft, methods = None, tuple(name for name in methods if name != DRAFT_MODEL)
        head = shipped_head(engine) if {RECURRENT, AUTO} & {*methods} else None
        if head is None:
            methods = tuple(name for name in methods if name != RECURRENT)
        curve = measure_step_times(engine, max_seconds=5.0)
        curves[tier] = {str(rows_): round(1e3 * curve(rows_), 3) for rows_ in curve.rows}
        judge = judge_threshold(tier) if setting.judge is None else setting.judge
        runner = Runner(
            engine, curve, judge=judge, max_new_tokens=setting.max_new_tokens, draft_model=draft, head=head
        )
        cells = _measure(runner, requests, methods, setting.repeats)
        _explain(runner, requests, cells, setting)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        rows += [
            {**row_of(name, tier, kind, forced, cells), "peak_memory_bytes": peak}
            for (name, kind, forced), cell in cells.items()
            if name != PLAIN and cell.has_decode_time
        ]
        second_pass[tier] = _second_pass(runner, requests)
        lengths = lengths or [len(runner.decode(r, FORCED, with_forced=True).tokens) for r in requests]
        prompts[tier] = [runner.prompt_seconds[request.prompt_ids] for request in requests]
        del engine, runner, cells, draft, head
        gc.collect()
    llama = None
    if llama_cpp_python is not None:
        threads = setting.threads or os.cpu_count() or 1
        times = time_llama_cpp(
            llama_cpp_python,
            path,
            requests,
            num_tokens=lengths,
            repeats=min(setting.repeats, 5),
            threads=threads,
        )
        llama = beside_llama_cpp(times, rows, requests, lengths=lengths, prompts=prompts)
    result = {
        "bench": "decoding",
        "data": str(data.name) if data else "example corpus",
        "metrics": {"methods": rows, "second_pass": second_pass, "step_ms": curves},
        "baselines": {"plain": "one forward per emitted token, speedup 1.0", "llama_cpp": llama},
        "settings": {**asdict(setting), "requests": len(requests), "model": path.name},
        "answers": {"tokens": lengths, "kinds": [request.kind for request in requests]},
        "environment": _environment(load_before, setting.device),
    }
    if not json_only:
        sys.stdout.write(table(rows, second_pass, llama) + "\n")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "decoding.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _embedded() -> Path:
    from agentcore.errors import MissingModelError
    from agentcore.models import path_of

    path = path_of("smollm2")
    if path is None:
        raise MissingModelError("smollm2")
    return path


def _traffic(data: Path | None, limit: int) -> list[Request]:
    """Read a log, or record one where `data` holds questions."""
    if data is None:
        return example_traffic()
    try:
        first = data.read_text(encoding="utf-8").lstrip()[:1]
    except UnicodeDecodeError as exc:
        raise ValueError(f"{data} is neither a traffic log nor a file of questions: no UTF-8") from exc
    if first != "[":  # a log is one object a line, questions are a list
        return read_traffic(data)
    from agentcore.evaluation.decoding_recording import record_file  # an agent and all that it needs

    sys.stderr.write("recording the traffic of an agent over the questions\n")
    return record_file(data, limit=2 * (limit or 5))  # two tool calls and a free question for two


def _choose(requests: Sequence[Request], limit: int) -> list[Request]:
    chosen: list[Request] = []
    for kind in dict.fromkeys(request.kind for request in requests):
        of_kind = [request for request in requests if request.kind == kind]
        chosen += of_kind[:limit] if limit else of_kind
    return chosen


def _measure(
    runner: Runner, requests: Sequence[Request], methods: Sequence[str], repeats: int
) -> dict[Key, Cell]:
    """Time every method on every request, method after method within a request, round after round."""
    cells: dict[Key, Cell] = {}
    names = tuple(dict.fromkeys((PLAIN, *methods)))
    for number in range(-1, repeats):  # round -1 warms up
        runner.start_over()
        sys.stderr.write(f"{runner.model.layout}: round {number + 1} of {repeats}\n")
        for place, request in enumerate(requests):
            for forced in (False, True) if request.grammar is not None else (False,):
                turn = (number + place) % len(names)
                for name in (*names[turn:], *names[:turn]):
                    is_idle = name == FORCED and not forced and (request.grammar or request.kind == "free")
                    if is_idle or (number < 0 and place):
                        continue
                    outcome = runner.decode(request, name, with_forced=forced)
                    if number >= 0:
                        for kind, flag in _sets(request, forced, name):
                            cell = cells.setdefault((name, kind, flag), Cell())
                            cell.rounds.setdefault(number, []).append(outcome)
    return cells


def _sets(request: Request, forced: bool, name: str) -> list[tuple[str, bool]]:
    """Return the sets, each with its use of forced tokens, that an outcome belongs to."""
    sets = [] if name == FORCED and not forced else [(request.kind, forced)]
    if request.kind != "free":
        flags = (forced,) if request.grammar is not None else (False, True)
        sets += [(AGENT, flag) for flag in flags if flag or name != FORCED]
    return sets


def _explain(runner: Runner, requests: Sequence[Request], cells: dict[Key, Cell], setting: Setting) -> None:
    """Compare tokens with plain decoding: as measured, and in deterministic mode."""
    for (name, kind, forced), cell in cells.items():
        if name == PLAIN or kind == AGENT:
            continue
        of_kind = [request for request in requests if request.kind == kind]
        plain = cells[PLAIN, kind, forced].rounds
        for number, outcomes in cell.rounds.items():
            for place, (request, outcome) in enumerate(zip(of_kind, outcomes, strict=True)):
                expected = plain[number][place].tokens
                if outcome.tokens == expected:
                    continue
                cell.is_exact = False
                known = {"request": place, "length": len(outcome.tokens)}
                if name != JUDGE and known["request"] not in [d["request"] for d in cell.differences]:
                    difference = first_difference(
                        runner.model,
                        request.prompt_ids,
                        expected=expected,
                        found=outcome.tokens,
                        constraint=constraint_of(request, runner.model, with_forced=forced, one_by_one=True),
                    )
                    if difference is not None:
                        cell.differences.append({**known, **asdict(difference)})
        is_shipped_form = forced == (of_kind[0].grammar is not None)
        if setting.check_deterministic and is_shipped_form and name not in (FORCED, JUDGE):
            # One request of each kind: fixed rows take the time of that many at every step.
            cell.is_deterministic_exact = is_exact_with_fixed_rows(runner, of_kind[0], name)
    for (name, kind, forced), cell in cells.items():
        if kind == AGENT and name != PLAIN:
            parts = [other for key, other in cells.items() if _is_part(key, name, forced=forced)]
            cell.is_exact = all(part.is_exact for part in parts)
            cell.differences = [difference for part in parts for difference in part.differences]


def _is_part(key: Key, name: str, *, forced: bool) -> bool:
    """Whether a set is one of those that the agent set joins: tool calls with or without forced tokens, and quotes."""
    return key[0] == name and (
        (key[1] == "tool" and key[2] == forced) or key[1] not in ("tool", "free", AGENT)
    )


def _second_pass(runner: Runner, requests: Sequence[Request]) -> dict[str, float]:
    """Count what drafts from a run's own earlier outputs add: every request twice under its run's name, untimed."""
    means = []
    runner.start_over()
    for _ in range(2):
        reports = [
            runner.decode(r, "suffix", with_forced=True, run=f"bench/{r.run}").report for r in requests
        ]
        accepted = sum(c.accepted for report in reports for c in report.methods.values())
        means.append(accepted / max(sum(report.forwards for report in reports), 1))
    return {
        "accepted_mean_first": round(means[0], 3),
        "accepted_mean_second": round(means[1], 3),
        "gain": round(means[1] / means[0] - 1, 3) if means[0] else 0.0,
    }


def _environment(load_before: tuple[float, float, float], device: str) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "cpus": os.cpu_count(),
        "load_average_before": [round(value, 2) for value in load_before],
        "load_average_after": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "torch": version("torch"),
        "llguidance": version("llguidance"),
    }
