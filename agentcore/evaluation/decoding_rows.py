"""Figures and table of the decoding benchmark: ratios within rounds, their intervals, and llama.cpp beside."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from agentcore.evaluation.decoding_runs import JUDGE, PLAIN, Outcome
from agentcore.evaluation.decoding_traffic import Request

__all__ = ["AGENT", "Cell", "Key", "beside_llama_cpp", "row_of", "table"]

AGENT = "agent"  # tool calls and quotes together
Key = tuple[str, str, bool]  # method, set, with forced tokens
_DRAWS = 1000


@dataclass(slots=True)
class Cell:
    """All outcomes of one method on one set of requests, by round."""

    rounds: dict[int, list[Outcome]] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)
    is_exact: bool = True
    is_deterministic_exact: bool | None = None

    @property
    def has_decode_time(self) -> bool:
        """Whether anything was decoded: an answer that is forced behind the prompt to its end takes no forward."""
        return all(any(o.report.forwards for o in outcomes) for outcomes in self.rounds.values())

    def seconds_a_token(self, number: int) -> float:
        """Mean decode seconds a token of one round."""
        outcomes = self.rounds[number]
        return sum(o.seconds for o in outcomes) / max(sum(len(o.tokens) - 1 for o in outcomes), 1)


def row_of(name: str, tier: str, kind: str, forced: bool, cells: dict[Key, Cell]) -> dict[str, Any]:
    """Return one row; `speedup_low` and `speedup_high` bound the median ratio with 90 % confidence."""
    cell, plain = cells[name, kind, forced], cells[PLAIN, kind, forced]
    ratios = [plain.seconds_a_token(n) / cell.seconds_a_token(n) for n in cell.rounds]
    low, high = _interval(ratios)
    outcomes = [outcome for outcomes in cell.rounds.values() for outcome in outcomes]
    forwards = sum(o.report.forwards for o in outcomes)
    counts = [c for o in outcomes for c in o.report.methods.values()]
    accepted, drafted = sum(c.accepted for c in counts), sum(c.drafted for c in counts)
    return {
        "name": name,
        "tier": tier,
        "set": kind,
        "forced": forced,
        "speedup": round(median(ratios), 3),
        "speedup_low": round(low, 3),
        "speedup_high": round(high, 3),
        "tokens_per_forward": round(sum(len(o.tokens) - 1 for o in outcomes) / max(forwards, 1), 3),
        "accepted_mean": round(accepted / max(forwards, 1), 3),
        "acceptance": round(accepted / drafted, 3) if drafted else None,
        "forced_share": round(
            sum(o.report.forced for o in outcomes) / max(sum(o.report.emitted for o in outcomes), 1), 3
        ),
        "ms_per_token": round(1e3 * median(cell.seconds_a_token(n) for n in cell.rounds), 3),
        "plain_ms_per_token": round(1e3 * median(plain.seconds_a_token(n) for n in plain.rounds), 3),
        "draft_ms_per_forward": round(
            1e3 * sum(o.report.draft_seconds for o in outcomes) / max(forwards, 1), 3
        ),
        "lossless": name != JUDGE,
        "exact": cell.is_exact,
        "deterministic_exact": cell.is_deterministic_exact,
        "first_differences": cell.differences,
    }


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 5th and 95th percentile of the median over resampled rounds."""
    source = random.Random(0)
    medians = sorted(median(source.choices(values, k=len(values))) for _ in range(_DRAWS))
    return medians[int(0.05 * _DRAWS)], medians[int(0.95 * _DRAWS) - 1]


def beside_llama_cpp(
    times: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    requests: Sequence[Request],
    *,
    lengths: Sequence[int],
    prompts: dict[str, list[float]],
) -> dict[str, Any]:
    """Compare the best lossless method of each tier with llama.cpp, set by set.

    Parameters
    ----------
    times : dict
        What `time_llama_cpp` returned.
    rows : sequence of dict
        The table.
    requests, lengths : sequences
        What was asked, and how many tokens each answer has.
    prompts : dict
        Seconds of each prompt, by tier; "end to end" adds them on both sides.

    Returns
    -------
    dict
        `version`, `extra_buffers`, and for each set `ms_per_token`, `end_to_end_ms_per_token` and, by tier, the best `method` with
        `speedup` and `end_to_end_speedup` over llama.cpp.
    """
    sets: dict[str, Any] = {}
    for kind in dict.fromkeys([AGENT, *(request.kind for request in requests)]):
        of_kind = [
            i
            for i, request in enumerate(requests)
            if request.kind == kind or (kind == AGENT and request.kind != "free")
        ]
        tokens = sum(lengths[i] - 1 for i in of_kind)
        decode = sum(times["decode_seconds"][i] for i in of_kind)
        prompt = sum(times["prompt_seconds"][i] for i in of_kind)
        figures: dict[str, Any] = {
            "ms_per_token": round(1e3 * decode / max(tokens, 1), 3),
            "end_to_end_ms_per_token": round(1e3 * (decode + prompt) / max(tokens, 1), 3),
        }
        for tier, seconds in prompts.items():
            of_set = [row for row in rows if (row["tier"], row["set"]) == (tier, kind) and row["lossless"]]
            shipped = any(row["forced"] for row in of_set)  # where a grammar is, its forced tokens are taken
            best = min(
                (row for row in of_set if row["forced"] == shipped),
                key=lambda row: row["ms_per_token"],
                default=None,
            )
            if best is not None:
                ours = 1e-3 * best["ms_per_token"] * tokens
                ours_whole = ours + sum(seconds[i] for i in of_kind)
                figures[tier] = {
                    "method": best["name"],
                    "speedup": round(decode / ours, 3),
                    "end_to_end_speedup": round((decode + prompt) / ours_whole, 3),
                }
        sets[kind] = figures
    return {"version": times["version"], "extra_buffers": times["extra_buffers"], "sets": sets}


def table(rows: Sequence[dict[str, Any]], second_pass: dict[str, Any], llama: dict[str, Any] | None) -> str:
    """Return the table for people."""
    head = (
        f"{'tier':5} {'set':6} {'forced':6} {'method':14} {'speed-up [90 %]':20} {'tok/fwd':>7} {'accepted':>8} "
        f"{'accept':>6} {'ms/tok':>7} {'MB':>6}  same tokens"
    )
    lines = [head, "-" * len(head)]
    for row in sorted(rows, key=lambda r: (r["tier"], r["set"], r["forced"], -r["speedup"])):
        interval = f"{row['speedup']:5.2f}x [{row['speedup_low']:.2f}, {row['speedup_high']:.2f}]"
        lines.append(
            f"{row['tier']:5} {row['set']:6} {'yes' if row['forced'] else 'no':6} {row['name']:14} {interval:20} "
            f"{row['tokens_per_forward']:7.2f} {row['accepted_mean']:8.2f} {row['acceptance'] or 0:6.2f} "
            f"{row['ms_per_token']:7.2f} {row['peak_memory_bytes'] / 1e6:6.0f}  {_sameness(row)}"
        )
    for tier, passes in second_pass.items():
        lines.append(f"second pass over the same requests, {tier}: accepts {passes['gain']:+.0%} a forward")
    for kind, figures in ({} if llama is None else llama["sets"]).items():
        ours = "; ".join(
            f"{tier} {best['method']} {best['speedup']:.2f}x, with the prompt {best['end_to_end_speedup']:.2f}x"
            for tier, best in figures.items()
            if isinstance(best, dict)
        )
        lines.append(f"llama.cpp, {kind}: {figures['ms_per_token']:.2f} ms a token; {ours}")
    return "\n".join(lines)


def _sameness(row: dict[str, Any]) -> str:
    gaps = ", ".join(f"{difference['gap']:.3g}" for difference in row["first_differences"])
    same = (
        "lossy"
        if not row["lossless"]
        else "all"
        if row["exact"]
        else f"up to ties of {gaps}"
        if gaps
        else "not all"
    )
    if row["deterministic_exact"] is not None:
        same += "; deterministic: " + ("all" if row["deterministic_exact"] else "NOT ALL")
    return same
