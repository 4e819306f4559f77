"""A table for people and a plot of quality against latency."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agentcore.memory.benchmarks._result import BenchResult

__all__ = ["draw_plot", "print_scale_table", "print_tables"]

_COLUMNS = (
    ("R@5", "recall_at_5"),
    ("R@10", "recall_at_10"),
    ("R@20", "recall_at_20"),
    ("NDCG@10", "ndcg_at_10"),
    ("MRR", "mrr"),
    ("abstain", "abstention_auroc"),
    ("p50 ms", "search_p50_ms"),
    ("p95 ms", "search_p95_ms"),
    ("rows", "rows_scored"),
    ("add/s", "ingest_per_s"),
    ("MB disk", "file_bytes"),
)


def print_tables(result: BenchResult, *, console: Console | None = None) -> None:
    """Print engines against metrics, then recall@10 by category and by partition."""
    console = console or _console()
    rows = _rows(result)
    table = Table(title=f"{result.bench}: {result.data}", title_justify="left")
    table.add_column("engine")
    for title, _ in _COLUMNS:
        table.add_column(title, justify="right")
    for name, metrics in rows:
        table.add_row(name, *(_cell(key, metrics.get(key)) for _, key in _COLUMNS))
    console.print(table)
    for title, key in (("recall@10 by category", "by_category"), ("recall@10 by partition", "folds")):
        _print_groups(console, title, key, rows)
    if result.metrics.get("num_answered"):
        _print_answers(console, result.metrics)
    low_high = result.metrics.get("recall_at_10_interval")
    if low_high:
        console.print(
            f"swiftmem recall@10 {_percent(result.metrics['recall_at_10'])}, 95 % interval {_percent(low_high[0])} to {_percent(low_high[1])}; "
            f"embedding a query {result.metrics['query_embedding_p50_ms']:.1f} ms p50, apart from every search"
        )


_SCALE_COLUMNS = (
    ("p50 ms", "p50_ms", "{:.2f}"),
    ("p95 ms", "p95_ms", "{:.2f}"),
    ("with embedding", "with_embedding_p50_ms", "{:.2f}"),
    ("R@10 of exact", "recall_at_10", "{:.3f}"),
    ("evidence R@10", "evidence_recall_at_10", "{:.3f}"),
    ("rows scored", "rows_scored", "{:,.0f}"),
    ("bytes/record", "bytes_per_record", "{:,.0f}"),
    ("RAM/record", "ram_bytes_per_record", "{:,.0f}"),
    ("build s", "build_s", "{:.1f}"),
    ("cold open s", "cold_open_s", "{:.2f}"),
)


def print_scale_table(result: BenchResult, *, console: Console | None = None) -> None:
    """Print the rows of a memory-scale run, a table a workload and size."""
    console = console or _console()
    rows = result.metrics["rows"]
    for group in dict.fromkeys((row["workload"], row["records"]) for row in rows):
        table = Table(title=f"{group[0]}: {group[1]:,} records", title_justify="left")
        for title in ("engine", "mode"):
            table.add_column(title, no_wrap=True)
        for title, _, _ in _SCALE_COLUMNS:
            table.add_column(title, justify="right")
        for row in rows:
            if (row["workload"], row["records"]) == group:
                cells = [
                    "-" if row.get(key) is None else form.format(row[key]) for _, key, form in _SCALE_COLUMNS
                ]
                mode = f"skipped: {row['skipped']}" if "skipped" in row else row["mode"]
                table.add_row(row["engine"], mode, *cells)
        console.print(table)
    console.print(
        f"vectors: {result.settings['vectors']}; embedding is in no figure but 'with embedding' (p50 ms)"
    )
    for workload, growth in (result.metrics.get("growth") or {}).items():
        console.print(
            f"{workload}: p50 grows {growth['p50_ratio']:.2f} times from {growth['from']:,} to {growth['to']:,} records"
        )


def _print_answers(console: Console, metrics: Mapping[str, Any]) -> None:
    """Print how answers made from what was found score."""
    parts = [
        f"{title} {_percent(metrics[key])}"
        for title, key in (
            ("F1", "answer_f1"),
            ("BLEU-1", "answer_bleu_1"),
            ("judge", "answer_judge"),
            ("unanswerable ones declined", "abstention_accuracy"),
            ("answerable ones declined", "wrongly_declined_rate"),
        )
        if metrics.get(key) is not None
    ]
    console.print(f"answers to {metrics['num_answered']} questions: {', '.join(parts)}")


def draw_plot(result: BenchResult, path: Path) -> Path | None:
    """Draw recall@10 over p50 search time, a point an engine; None where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, metrics in _rows(result):
        if not metrics.get("search_p50_ms") or "recall_at_10" not in metrics:
            continue
        point = (metrics["search_p50_ms"], 100 * metrics["recall_at_10"])
        axes.scatter(*point, marker="*" if name == "swiftmem" else "o", s=140 if name == "swiftmem" else 40)
        axes.annotate(name, point, xytext=(6, 4), textcoords="offset points", fontsize=9)
    axes.set(xscale="log", xlabel="search time, p50, ms (embedding apart)", ylabel="evidence recall@10, %")
    axes.set_title(f"{result.bench}: {result.data}", fontsize=10)
    axes.margins(0.18)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="both", alpha=0.25)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path


def _console() -> Console:
    """Return the terminal; where there is none, a page wide enough for the tables."""
    return Console() if sys.stdout.isatty() else Console(width=150)


def _rows(result: BenchResult) -> list[tuple[str, Mapping[str, Any]]]:
    return [("swiftmem", result.metrics), *result.baselines.items()]


def _print_groups(
    console: Console, title: str, key: str, rows: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    names = list(rows[0][1].get(key) or {})
    if not 1 < len(names) <= 20:
        return
    table = Table(title=title, title_justify="left")
    table.add_column("engine")
    for name in names:
        table.add_column(name, justify="right")
    for engine, metrics in rows:
        values = [metrics.get(key, {}).get(name) for name in names]
        table.add_row(
            engine,
            *(
                _percent(value.get("recall_at_10") if isinstance(value, Mapping) else value)
                for value in values
            ),
        )
    console.print(table)


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if key.endswith("_ms"):
        return f"{value:.2f}"
    if key == "file_bytes":
        return f"{value / 1e6:.1f}"
    if key in ("rows_scored", "ingest_per_s"):
        return f"{value:,.0f}"
    return f"{value:.3f}" if key == "abstention_auroc" else _percent(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
