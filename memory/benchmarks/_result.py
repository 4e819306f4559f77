"""The outcome of a benchmark, and the surroundings it was measured in."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["BenchResult", "environment", "resident_bytes"]

_NAMED_PACKAGES = (
    "agentcore-runtime",
    "numpy",
    "faiss-cpu",
    "onnxruntime",
    "bm25s",
    "lancedb",
    "txtai",
    "chromadb",
    "sqlite-vec",
)


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What every `agentcore bench` prints as its last line.

    Attributes
    ----------
    metrics : Mapping
        Ours: fractions in [0, 1], milliseconds, seconds, bytes.
    baselines : Mapping
        The same names for every baseline of the same run.
    """

    bench: str
    data: str
    metrics: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return _plain(asdict(self))  # type: ignore[no-any-return]

    def json_line(self) -> str:
        """Return one line of JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False, allow_nan=False)


def environment() -> dict[str, Any]:
    """Describe machine, versions and source."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        "commit": _commit(),
        "packages": {name: found for name in _NAMED_PACKAGES if (found := _version(name))},
    }


def resident_bytes() -> int | None:
    """Return this process's resident memory; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _plain(value: Any) -> Any:
    """Round floats to what was measured; turn mappings and sequences into JSON's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return None if value != value else float(f"{value:.6g}")
    return value


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


def _commit() -> str | None:
    """Return the commit of the source tree; None outside one."""
    for folder in Path(__file__).resolve().parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            text = head.read_text(encoding="utf-8").strip()
            reference = folder / ".git" / text.removeprefix("ref: ")
            if not text.startswith("ref: "):
                return text[:12]
            return reference.read_text(encoding="utf-8").strip()[:12] if reference.is_file() else None
    return None
