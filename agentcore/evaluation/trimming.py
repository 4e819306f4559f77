"""Replay recorded reasoning traces through the trimming detectors: `agentcore bench trimming --data FILE`.

What is measured: how much of a recorded thinking each detector keeps, and whether the answer that the kept part concludes is
still right. What it cannot tell: what a live model would write after the guide prompt. Tokens kept = tokens of the trace times
characters kept over characters of the trace; traces weigh 1, micro figures stand beside.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from agentcore.decoding.trimming import TrimmingConfig
from agentcore.decoding.trimming.oracle import oracle_cut
from agentcore.errors import ConfigurationError
from agentcore.evaluation.trimming_detectors import CAUTIONS, caution_curve, entries, trimmer
from agentcore.evaluation.trimming_metrics import Row, group_metrics, split_metrics
from agentcore.evaluation.trimming_online import LONGEST, Load, measure_online, measure_signal
from agentcore.evaluation.trimming_table import print_table
from agentcore.evaluation.trimming_traces import Cut, Trace, count_thoughts, read_traces
from agentcore.evaluation.trimming_verifiers import MODELLED, NAMES, Judge, judge_for, signal_cuts, signal_for

__all__ = ["Setting", "run"]

OURS = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run of the benchmark uses.

    Attributes
    ----------
    config : TrimmingConfig
        Constants of the default detector.
    budget : int
        Token budget for under-thinking: recordings do not say theirs.
    workers : int
        Processes.
    load : Load | None
        The online half; None leaves it out.
    sample : int
        Finished traces, a seeded sample, that the verifiers named in ``compare`` see; 0 for every trace.
    streams : int
        Of these, how many are also streamed at once to each verifier, for its late verdicts.
    """

    config: TrimmingConfig = TrimmingConfig()  # noqa: RUF009 - frozen
    budget: int = 32_768
    workers: int = 0
    load: Load | None = Load()  # noqa: RUF009 - frozen
    sample: int = 60
    streams: int = 8


def run(
    data: Path,
    *,
    out: Path | None = None,
    compare: Sequence[str] = (),
    models: Sequence[str] = (),
    json_only: bool = False,
    setting: Setting | None = None,
) -> dict[str, Any]:
    """Replay every trace through every detector; print a table and return the result.

    Parameters
    ----------
    data : Path
        A JSONL file of traces.
    out : Path, optional
        A folder: the result is also written there as ``trimming.json``.
    compare : sequence of str
        Names of baselines to run; all rule detectors when none of them is named, ``none`` for no baseline. Verifiers only run
        when named: see `agentcore.evaluation.trimming_verifiers.NAMES`.
    models : sequence of str
        For the names that need a model, each in turn: ``local`` (also when empty), ``gguf:/path``, ``openai:model@base_url``.
    json_only : bool
        Print no table.
    setting : Setting, optional
        Constants, budget, processes.

    Returns
    -------
    dict
        ``bench, data, metrics, baselines, curve, leave_out, online, by_dataset, by_model, settings, environment``.
    """
    setting = setting or Setting()
    traces = read_traces(Path(data))
    started = time.perf_counter()
    workers = setting.workers or min(os.cpu_count() or 1, 4)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # One at a time: an interrupt waits for what the workers have begun.
        parts = list(pool.map(partial(_replay_all, setting=setting, compare=tuple(compare)), traces))
    tables = {name: [part[name] for part in parts] for name in parts[0]}
    modelled = _model_rows(traces, compare, models or ("local",), setting)
    online = measure_online(traces, setting.load) if setting.load is not None else {}
    result = _result(Path(data), setting, tables, online, seconds=time.perf_counter() - started)
    result["baselines"].update(modelled)
    if not json_only:
        print_table(result)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "trimming.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", "utf-8")
    return result


def _replay_all(trace: Trace, *, setting: Setting, compare: tuple[str, ...]) -> dict[str, Row]:
    """Cut one trace in every way; runs in a worker process."""
    oracle = third = 1.0
    if trace.final_answer is not None:
        oracle, third = (
            oracle_cut(trace.text, trace.final_answer, nth=nth) / len(trace.text) for nth in (1, 3)
        )
    rows: dict[str, Row] = {}

    def add(name: str, cut: Cut) -> None:
        rows[name] = Row.of(trace, count_thoughts(trace, cut), oracle)

    curve = caution_curve(trace, setting.config, budget=setting.budget)
    add(OURS, curve[setting.config.caution])
    add("untrimmed", Cut(1.0, trace.final_answer))
    add("oracle", Cut(oracle, trace.final_answer))
    add("third_statement_ceiling", Cut(third, trace.final_answer))
    named = entries(setting.config, budget=setting.budget)
    for name in [name for name in compare if name in named] or (() if "none" in compare else named):
        add(name, named[name].cut(trace))
    for caution in CAUTIONS:
        add(f"caution_{caution}", curve[caution])
    return rows


def _model_rows(
    traces: list[Trace], compare: Sequence[str], models: Sequence[str], setting: Setting
) -> dict[str, dict[str, Any]]:
    """Run the verifiers that are asked for on a sample; the default and the paper's rule stand beside on the same."""
    wanted = [name for name in compare if name in NAMES]
    named = entries(setting.config, budget=setting.budget)
    known = {*NAMES, *named, "none"}
    unknown = sorted(set(compare) - known)
    if unknown:
        raise ConfigurationError(
            f"nothing to compare is called {unknown[0]!r}: use {', '.join(sorted(known))}"
        )
    if not wanted:
        return {}
    sample = _sample([trace for trace in traces if trace.finished], setting.sample)
    rows = {name: _signal_row(sample, name, None, setting) for name in wanted if name not in MODELLED}
    needing = [name for name in wanted if name in MODELLED]
    for spec in models if needing else ():
        judge = judge_for(spec)
        for name in needing:
            rows[f"{name}/{judge.name}"] = _signal_row(sample, name, judge, setting)
    for name, cut in (
        ("default_on_sample", trimmer(setting.config, budget=setting.budget)),
        ("paper_on_sample", named["paper_over_only"].cut),
    ):
        rows[name] = {
            **_judged(sample, [cut(trace) for trace in sample]),
            "note": f"{name.partition('_')[0]} by rules on the same sample",
            "sample": len(sample),
        }
    return rows


def _sample(traces: list[Trace], count: int) -> list[Trace]:
    """Return a seeded sample in the file's order."""
    if not count or count >= len(traces):
        return traces
    chosen = Random(7).sample(range(len(traces)), count)
    return [traces[index] for index in sorted(chosen)]


def _signal_row(sample: list[Trace], name: str, judge: Judge | None, setting: Setting) -> dict[str, Any]:
    """Replay the sample through one stop signal, then stream a few of its shorter traces beside it for its latency."""
    signal = signal_for(name, setting.config, judge)
    started = time.perf_counter()
    cuts = signal_cuts(sample, signal, setting.config)
    row: dict[str, Any] = {
        **_judged(sample, cuts),
        "note": NAMES[name],
        "sample": len(sample),
        "seconds": round(time.perf_counter() - started, 1),
        "verifier_tokens": signal.tokens_spent,
    }
    if judge is not None:
        row |= {"model": judge.name, "model_sha256": judge.sha256}
    if setting.load is not None:
        short = [trace for trace in sample if trace.tokens <= LONGEST] or sample
        row |= measure_signal(short[: setting.streams], signal_for(name, setting.config, judge), setting.load)
    return row


def _judged(traces: Sequence[Trace], cuts: Sequence[Cut]) -> dict[str, dict[str, object]]:
    """Return the figures of cuts made in this process."""
    rows = []
    for trace, cut in zip(traces, cuts, strict=True):
        oracle = oracle_cut(trace.text, trace.final_answer) / len(trace.text) if trace.final_answer else 1.0
        rows.append(Row.of(trace, count_thoughts(trace, cut), oracle))
    return split_metrics(rows)


def _result(
    data: Path, setting: Setting, tables: dict[str, list[Row]], online: dict[str, object], *, seconds: float
) -> dict[str, Any]:
    """Assemble the JSON document."""
    curve = {name: rows for name, rows in tables.items() if name.startswith("caution_")}
    ours = tables[OURS]
    notes = {name: entry.note for name, entry in entries(setting.config, budget=setting.budget).items()}
    return {
        "bench": "trimming",
        "data": data.name,
        "metrics": {
            **split_metrics(ours),
            **{name: online[name] for name in ("decoder_wait_ms", "late_verdicts") if name in online},
        },
        "baselines": {
            name: {**split_metrics(rows), "note": notes.get(name, "")}
            for name, rows in tables.items()
            if name != OURS and name not in curve
        },
        "curve": [
            {"caution": int(name.removeprefix("caution_")), **split_metrics(rows, intervals=False)}
            for name, rows in curve.items()
        ],
        "leave_out": _leave_out(curve),
        "online": online,
        "by_dataset": _by(ours, lambda row: row.trace.dataset),
        "by_model": _by(ours, lambda row: row.trace.model),
        "settings": {**asdict(setting.config), "budget": setting.budget},
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "agentcore": version("agentcore-runtime"),
            "seconds": round(seconds, 1),
        },
    }


def _by(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, dict[str, object]]:
    """Return the finished figures of each group."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.trace.finished:
            groups.setdefault(key(row), []).append(row)
    return {name: group_metrics(group, intervals=False) for name, group in sorted(groups.items())}


def _leave_out(curve: dict[str, list[Row]]) -> dict[str, dict[str, object]]:
    """Choose the boldest caution with at most 1 % false cuts on the other groups, report it on the group left out."""
    kinds: dict[str, Callable[[Row], str]] = {
        "dataset": lambda row: row.trace.dataset,
        "model": lambda row: row.trace.model,
    }
    return {kind: _leave_out_by(curve, key) for kind, key in kinds.items()}


def _leave_out_by(curve: dict[str, list[Row]], key: Callable[[Row], str]) -> dict[str, object]:
    """Leave out each group in turn."""
    held_out: list[Row] = []
    chosen: dict[str, int] = {}
    for group in sorted({key(row) for row in next(iter(curve.values()))}):
        name = _choose({each: [row for row in rows if key(row) != group] for each, rows in curve.items()})
        chosen[group] = int(name.removeprefix("caution_"))
        held_out += [row for row in curve[name] if key(row) == group and row.trace.finished]
    return {"chosen_caution": chosen, "finished": group_metrics(held_out)}


def _choose(curve: dict[str, list[Row]]) -> str:
    """Return the boldest setting within 1 % false cuts; the most cautious when none is."""
    for name, rows in curve.items():
        done = [row for row in rows if row.trace.finished]
        if done and sum(row.right_before and not row.right_after for row in done) <= 0.01 * len(done):
            return name
    return next(reversed(curve))
