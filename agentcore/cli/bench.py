"""`agentcore bench`: the benchmarks, each in the package that it measures."""

from __future__ import annotations

import click

from agentcore.cli._lazy import LazyCommand, LazyGroup

_MEMORY = "agentcore.cli.bench_memory"
_COMMANDS = {
    "decoding": LazyCommand(
        "agentcore.cli.bench_decoding", "decoding", "Speculative decoding on recorded agent traffic."
    ),
    "agent": LazyCommand(
        "agentcore.cli.bench_agent",
        "agent",
        "Evidence, answers and citations on questions with known answers.",
    ),
    "locomo": LazyCommand(_MEMORY, "locomo", "Which turns of long conversations are found (LoCoMo)."),
    "longmemeval": LazyCommand(
        _MEMORY, "longmemeval", "Which sessions of long histories are found (LongMemEval)."
    ),
    "memory-scale": LazyCommand(_MEMORY, "memory_scale", "Search time, recall and memory as a store grows."),
    "trimming": LazyCommand(
        "agentcore.cli.bench_trimming", "trimming", "How much recorded reasoning can be cut."
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def bench() -> None:
    """Measure memory, decoding, trimming and the agent.

    Each prints a table for people and one JSON object as the last line of stdout.
    """
