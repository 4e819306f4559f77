"""Figures of the decoding benchmark, from made-up times."""

from __future__ import annotations

from typing import Any

from agentcore.decoding.speculation import SpeculationReport
from agentcore.evaluation.decoding_rows import Cell, Key, beside_llama_cpp, row_of
from agentcore.evaluation.decoding_runs import Outcome
from agentcore.evaluation.decoding_traffic import Request


def _row(kind: str, forced: bool, name: str, milliseconds: float, *, lossless: bool = True) -> dict[str, Any]:
    return {
        "tier": "int4",
        "set": kind,
        "forced": forced,
        "name": name,
        "ms_per_token": milliseconds,
        "lossless": lossless,
    }


def test_a_ratio_is_taken_within_each_round_and_its_interval_spans_them() -> None:
    """A machine that slows both down by the same factor from round to round changes no ratio."""
    cells: dict[Key, Cell] = {("plain", "free", False): Cell(), ("suffix", "free", False): Cell()}
    for number, slowness in enumerate((1.0, 3.0, 2.0, 8.0, 1.5)):
        for name, seconds in (("plain", 0.4), ("suffix", 0.2)):
            outcome = Outcome(tuple(range(11)), slowness * seconds, SpeculationReport(forwards=10))
            cells[name, "free", False].rounds[number] = [outcome]
    row = row_of("suffix", "int4", "free", False, cells)
    assert (row["speedup_low"], row["speedup"], row["speedup_high"]) == (2.0, 2.0, 2.0)
    assert row["ms_per_token"] == 40.0


def test_llama_cpp_stands_beside_the_best_lossless_form_of_each_set() -> None:
    """Calls are compared with forced tokens, quotes without, lossy rows never; prompts count on both sides end to end."""
    rows = [
        _row("tool", True, "auto", 5.0),
        _row("tool", False, "suffix", 1.0),
        _row("tool", True, "judge", 2.0, lossless=False),
        _row("quote", False, "suffix", 8.0),
    ]
    requests = [Request("tool", "r", (1,), 11), Request("quote", "r", (2,), 21)]
    times = {
        "version": "1",
        "extra_buffers": True,
        "decode_seconds": [0.1, 0.4],
        "prompt_seconds": [0.1, 0.2],
    }
    sets = beside_llama_cpp(times, rows, requests, lengths=[11, 21], prompts={"int4": [0.05, 0.04]})["sets"]
    assert sets["tool"]["int4"] == {"method": "auto", "speedup": 2.0, "end_to_end_speedup": 2.0}
    assert sets["quote"]["int4"] == {"method": "suffix", "speedup": 2.5, "end_to_end_speedup": 3.0}
    assert sets["agent"]["ms_per_token"] == round(1e3 * 0.5 / 30, 3)
