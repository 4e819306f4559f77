"""The trimming benchmark's figures as a table for people: finished, unfinished and all traces apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["print_table"]

_GROUPS = {"finished": "finished traces", "unfinished": "unfinished traces", "all": "all traces"}
_HEAD = (
    f"{'detector':<38}{'kept':>7}{'micro':>7}{'share':>7}{'thoughts':>9}{'replay s':>9}{'acc':>6}"
    f"{'after [95 %]':>22}{'false % [95 %]':>21}{'late %':>8}{'wait ms':>8}"
)


def print_table(result: Mapping[str, Any]) -> None:
    """Print the result of `agentcore.evaluation.trimming.run`.

    *kept* is the share of tokens with each trace weighing 1, *micro* with each token; *share* is the saving over the oracle's;
    *replay s* the time a stream takes at 40 tokens a second, on average. *late* and *wait* are of the streamed half: of the
    verifier's own streams in its row, of the 64 streams with every rule at work in the default's.
    """
    sys.stdout.write("\n".join(_lines(result)) + "\n")


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    online = result["online"]
    rules = {"late_verdicts": 0.0, "decoder_wait_ms": online["decoder_wait_rules_ms"]} if online else {}
    named: dict[str, Mapping[str, Any]] = {"default": {**result["metrics"], **rules}, **result["baselines"]}
    named |= {f"caution {row['caution']}": row for row in result["curve"]}
    named |= {f"left out by {kind}": row for kind, row in result["leave_out"].items()}
    for group, title in _GROUPS.items():
        rows = {name: row for name, row in named.items() if row.get(group)}
        if rows:
            yield from (f"{title} ({result['metrics'][group]['traces']})", _HEAD, "-" * len(_HEAD))
            yield from (_line(name, row, group) for name, row in rows.items())
            yield ""
    if online:
        low, high = online["throughput_ratio_interval"]
        yield (
            f"{online['streams']} streams over HTTP: throughput x{online['throughput_ratio']:.3f} [{low:.3f}, {high:.3f}] of untrimmed, "
            f"decoder wait {online['decoder_wait_ms']:.1f} ms, rules {online['work_ms_per_1000_tokens']:.1f} ms per 1,000 tokens; "
            f"with a verifier of {online['verifier_delay_s']:g} s {online['late_verdicts']:.0%} of {online['verdicts']} verdicts came late"
        )


def _line(name: str, row: Mapping[str, Any], group: str) -> str:
    """Format one row."""
    figures = row[group]
    label = f"{name} ({row['sample']})" if "sample" in row else name
    seconds = figures["replay_seconds"] / figures["traces"]
    return (
        f"{label:<38}{_number(figures, 'tokens_kept', 7)}{_number(figures, 'tokens_kept_micro', 7)}{_number(figures, 'share_of_oracle', 7)}"
        f"{_number(figures, 'thoughts', 9, digits=1)}{seconds:>9.1f}{_number(figures, 'accuracy_before', 6)}"
        f"{_ranged(figures, 'accuracy_after', 22)}{_ranged(figures, 'false_cut_rate', 21, scale=100, digits=2)}"
        f"{_number(row, 'late_verdicts', 8, scale=100, digits=1)}{_number(row, 'decoder_wait_ms', 8, digits=1)}"
    )


def _number(figures: Mapping[str, Any], key: str, width: int, *, scale: float = 1.0, digits: int = 3) -> str:
    value = figures.get(key)
    return f"{'-' if value is None else format(value * scale, f'.{digits}f'):>{width}}"


def _ranged(figures: Mapping[str, Any], key: str, width: int, *, scale: float = 1.0, digits: int = 3) -> str:
    """Format a figure with its interval, where it has one."""
    text = format(figures[key] * scale, f".{digits}f")
    if f"{key}_interval" in figures:
        low, high = (format(edge * scale, f".{digits}f") for edge in figures[f"{key}_interval"])
        text += f" [{low}, {high}]"
    return f"{text:>{width}}"
